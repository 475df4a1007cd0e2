"""The store over time: its backup, its past, its damage, what was lost on the way."""
