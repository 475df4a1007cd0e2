"""Text from logs for sentences and labels: shown as it is, cut, never interpreted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analytics.wording import count

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")

_AFTERWARDS = re.compile(
    r"(?<=:)(?=//|material/|streamlit:)|(?<=www)(?=\.)|(?=@)|(?<=-)(?=[->])|(?<=<)(?=[-=])"
    r"|(?<=[>~])(?==)", re.IGNORECASE,
)  # fmt: skip
"""Where links, icons and arrows would begin that are looked for in the text after Markdown has been
read, so that no backslash holds them off."""

JOINER = "\u2060"

LONGEST = 2_000

LONGEST_NAME = 80


def escaped(text: object, longest_word: int = LONGEST_NAME) -> str:
    """Text from a log for a Markdown sentence or label: shown as it is, never interpreted.

    A joiner, which nobody sees, parts what would become a link, an icon or an arrow. Very long
    text is cut, for a page is no place for it, and so is a word of more than ``longest_word``
    letters: that is a name.
    """
    cut_text = re.sub(rf"([!-~]{{{longest_word - 1}}})[!-~]{{2,}}", r"\1…", str(text))
    if len(cut_text) > LONGEST:
        cut_text = f"{cut_text[:LONGEST]}…"
    return _MARKDOWN.sub(r"\\\1", _AFTERWARDS.sub(JOINER, cut_text)).replace("\n", " ")


def called(name: str) -> str:
    """A name from a log or an address for a sentence or a label: cut, never interpreted."""
    return escaped(shown_name(name))


def named(runs: Sequence[str], most: int = 6) -> str:
    """Run names for a sentence; a long list is counted."""
    called_runs = ", ".join(called(run) for run in runs[:most])
    return (
        called_runs
        if len(runs) <= most
        else f"{called_runs} and {count(len(runs) - most, 'more run')}"
    )


def shown_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A run's name where one line is there for it; one that nobody would see is put in words.

    >>> shown_name(" "), shown_name("a" * 99, 8)
    ('(a blank name)', 'aaaaaaa…')
    """
    text = " ".join(name.split())
    if not text:
        return "(a blank name)"
    return text if len(text) <= longest else text[: longest - 1] + "…"
