"""Charts of runs: rewards with their verdict, seeds, notes, several rewards, length."""
