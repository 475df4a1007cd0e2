"""How good the verdicts are, measured on runs whose truth is known."""
