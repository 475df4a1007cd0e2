"""Collapse of a loop's texts: what is lost of their diversity, tails and human likeness, and when.

Indicators are taken on a fixed budget of tokens (``sample``), each with an interval over documents
(``halves``), against iteration 0 and the one before (``report``).
"""
