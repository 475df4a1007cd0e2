"""Charts of runs beside the main one: seeds, notes, several rewards, length, anchors."""
