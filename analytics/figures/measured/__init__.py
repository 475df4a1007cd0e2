"""Charts of how good verdicts are."""
