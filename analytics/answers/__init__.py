"""Graded answers: claim by claim, in clusters, and their calibration from cells."""
