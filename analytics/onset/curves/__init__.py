"""Curves of gold, their peak, limit and forecast."""
