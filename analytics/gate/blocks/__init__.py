"""The six blocks, and what one check says."""
