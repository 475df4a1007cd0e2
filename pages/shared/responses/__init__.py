"""Responses on pages: found, read, compared, and their shortcuts."""
