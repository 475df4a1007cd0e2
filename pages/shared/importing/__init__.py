"""Import in the browser: a preview, which column is which, then the store."""
