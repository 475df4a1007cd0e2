"""SQL in files, one question or change a file, and what of it follows from the declaration."""
