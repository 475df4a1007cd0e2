"""Bringing runs from a tracking server: its own client or REST, then the readers of its logs.

What is pulled is kept under ``pulled/`` in the store's folder, in the form in which the tracker
itself writes runs to disk, and imported from there: so it is read exactly as such a folder is.
The kept form grows by what is new, which is all that a second pull asks for.
"""
