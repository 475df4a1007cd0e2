"""Words of this room's own: numbers in sentences, text in a terminal, text that is no formula."""
