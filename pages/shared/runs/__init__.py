"""Runs on pages: their table, verdicts, charts, checkpoints."""
