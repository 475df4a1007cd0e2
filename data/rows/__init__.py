"""Rows of a run or a segment in declared columns, in files and on their way into tables."""
