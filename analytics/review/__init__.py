"""The weekly review: what people wrote, what changed between two states, and its document."""
