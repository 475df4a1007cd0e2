"""Figures on their way out: made once, in a document, kept by a pin, for a paper."""
