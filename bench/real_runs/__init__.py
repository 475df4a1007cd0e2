"""Genuine trainings of small policies against a learnt proxy, with gold known: see README.md."""
