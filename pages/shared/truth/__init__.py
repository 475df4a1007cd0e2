"""Answers and behaviours on pages: rates, changes, topics, training sets."""
