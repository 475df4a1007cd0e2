"""How a table is laid out: wide or long, turned, in blocks, and its cells as numbers."""
