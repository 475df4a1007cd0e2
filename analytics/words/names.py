"""Names from logs in sentences."""

from __future__ import annotations

LONGEST_NAME = 80


def cut(name: object) -> str:
    """A name from a log in a sentence: no longer than a line.

    >>> cut("a" * 99) == "a" * 79 + "…", cut("kl")
    (True, 'kl')
    """
    text = " ".join(str(name).split())
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
