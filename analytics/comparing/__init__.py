"""Beside each other: several rewards, judges of gold, seeds, runs on one axis."""
