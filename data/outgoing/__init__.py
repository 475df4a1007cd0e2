"""Out of the store: exports, a notebook's frames, pages of responses, prints, messages."""
