"""What can be seen of one response without knowing its meaning: its words, repetition, length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

MOST_WORDS = 300
"""Words of a response that are looked at."""
LONGEST_PHRASE = 3
LETTERS_A_WORD = 12
_END = re.compile(r"[.!?;:\n。！？]+")
_EACH = "\u3040-\u30ff\u3400-\u9fff"
"""Letters that are written without blanks between words: each counts as one."""
_WORD = re.compile(rf"[{_EACH}]|[^\W{_EACH}]+(?:['’][^\W{_EACH}]+)*")


def words(text: str) -> list[str]:
    """The first words of a text in small letters.

    >>> words("It's **very** good, 42!")
    ["it's", 'very', 'good', '42']
    """
    return [found[0].lower()[:40] for found in islice(_WORD.finditer(text), MOST_WORDS)]


def phrases(text: str, longest: int = LONGEST_PHRASE) -> set[str]:
    """All runs of one to ``longest`` words of a text that no end of a sentence parts.

    >>> sorted(phrases("A b, c. D", 2))
    ['a', 'a b', 'b', 'b c', 'c', 'd']
    """
    found, left = set(), MOST_WORDS
    for sentence in _END.split(text[: LETTERS_A_WORD * MOST_WORDS]):
        tokens = words(sentence)[:left]
        left -= len(tokens)
        found |= {
            " ".join(tokens[at : at + n])
            for n in range(1, longest + 1)
            for at in range(len(tokens) - n + 1)
        }
    return found


def most_repeated(tokens: Sequence[str], length: int = 3) -> tuple[str, int]:
    """The run of ``length`` words that stands most often, and how often; ("", 0) where none does.

    >>> most_repeated("a b c a b c a b".split())
    ('a b c', 2)
    """
    seen = Counter(" ".join(tokens[at : at + length]) for at in range(len(tokens) - length + 1))
    return min(seen.items(), key=lambda one: (-one[1], one[0])) if seen else ("", 0)


def repetition(tokens: Sequence[str], length: int = 3) -> float:
    """Share of the runs of ``length`` words that stood before in the same response, 0..1.

    >>> repetition("a b c d e".split()), repetition("a b c a b c a b c".split())
    (0.0, 0.5714285714285714)
    """
    many = len(tokens) - length + 1
    if many <= 0:
        return 0.0
    return 1 - len({tuple(tokens[at : at + length]) for at in range(many)}) / many
