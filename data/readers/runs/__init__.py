"""Which reader reads a path, and folders of runs as a whole."""
