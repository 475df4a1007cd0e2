"""Loops on pages: their board and their gate."""
