"""Pure functions over Polars frames and NumPy arrays: no files, no database, no screen."""
