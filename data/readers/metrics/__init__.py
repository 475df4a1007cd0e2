"""Tables of metrics as runs."""
