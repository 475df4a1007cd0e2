"""Responses and their scores."""
