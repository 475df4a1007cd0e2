"""Reading trainers' logs: files and folders in, one RunLog a run out, one Skip a broken file.

The rooms, each of which knows only those before it: raw, names, kl, trainers, meaning, files,
layouts, responses, answers, trackers, metrics, runs (tests/test_architecture.py).

Adding a format: a module that declares its reader (``data.readers.raw.reader``), its name in
``data.readers.runs.formats.READERS``, and a small genuine log that the declaration names.
"""

from data.readers.runs.formats import READERS
from data.readers.runs.reading import read

__all__ = ["READERS", "read"]
