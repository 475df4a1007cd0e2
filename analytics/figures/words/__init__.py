"""A figure in words: the sentence over it, its marks, and for readers who hear it."""
