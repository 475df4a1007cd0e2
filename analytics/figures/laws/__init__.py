"""Charts of laws over n and over size."""
