"""Alerts: what of the store somebody should be told, when, in which words; nothing is sent here."""
