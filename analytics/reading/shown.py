"""Texts of logs as a reader sees them: what steers a screen is shown, not followed."""

from __future__ import annotations

import re
from typing import NamedTuple

NOW_WORDS, START_WORDS, PROMPT_WORDS = 45, 20, 12
"""Words of an item of the reading list: its response, how the policy began, the prompt. With the
reasons twenty items have fewer than 2,300 words: ten minutes at 230 words a minute."""
LETTERS_A_WORD = 8
"""A text without blanks is cut by letters, so many a word."""
_STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """A text with its control characters and marks of direction written out.

    >>> plain("a\\x1b[2J\\u202eb\\r\\nc")
    'a␛[2J[U+202E]b\\nc'
    """
    return _STEERS.sub(_written, text.replace("\r\n", "\n"))


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else f"[U+{code:04X}]"


def one_line(text: str) -> str:
    """The same in one line, where a sign stands for each break.

    >>> one_line("- a\\n\\n- b  c")
    '- a ⏎ - b c'
    """
    return " ".join(re.sub(r"\s*\n\s*", " ⏎ ", plain(text).strip()).split())


class Excerpt(NamedTuple):
    """Some words of a text: those before a phrase, the phrase as written, those after it."""

    before: str
    phrase: str
    after: str
    whole: bool  # nothing is left out


def excerpt(text: str, most: int, phrase: str = "") -> Excerpt:
    """Up to ``most`` words in one line, around ``phrase`` (words in small letters) if it is there.

    >>> excerpt("one two three four five six", 3, "five")
    Excerpt(before='… four ', phrase='five', after=' six', whole=False)
    """
    line = one_line(text[: 400 * most])
    found = _found(line, phrase)
    begin, end = found.span() if found else (0, 0)
    words = [word.span() for word in re.finditer(r"\S+", line)]
    reached = next((at for at, (_, last) in enumerate(words) if last >= end), 0)
    first = 0 if reached < most else min(reached - most // 2, len(words) - most)
    cut = words[first : first + most]
    low, high = (cut[0][0], cut[-1][1]) if cut else (0, 0)
    low, high = min(low, begin) if found else low, max(high, end)
    least = most * LETTERS_A_WORD
    if high - low > least:
        low = max(low, begin - least // 2)
        high = max(low + least, end)
    at_start, at_end = low == 0, high >= len(line) and len(text) <= 400 * most
    before, after = line[low:begin] if found else "", line[max(end, low) : high]
    return Excerpt(
        before if at_start or not found else f"… {before}",
        line[begin:end],
        (after if at_start or found else f"… {after}") + ("" if at_end else " …"),
        at_start and at_end,
    )


def _found(text: str, phrase: str) -> re.Match[str] | None:
    if not phrase:
        return None
    words = r"\W+".join(map(re.escape, phrase.split()))
    return re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE)
