"""How one text differs from another, word by word."""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

MOST_TOKENS = 4_000
"""Words, marks and blanks of each text that are compared: 4,000 of both take 16 ms."""
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


class Piece(NamedTuple):
    """A part of a text: whether the other text has it in the same place."""

    text: str
    same: bool


class Difference(NamedTuple):
    """Both texts in pieces; ``whole``: whether all of them was compared."""

    before: list[Piece]
    after: list[Piece]
    whole: bool


def difference(before: str, after: str, most: int = MOST_TOKENS) -> Difference:
    """Both texts in pieces that are the same and pieces that are not.

    By a longest common subsequence of words, marks and blanks. Its table is kept as bits (Hyyrö
    2004), so that a text that repeats itself costs no more than any other; what lies behind the
    first ``most`` tokens is not compared, and stands as one piece.

    >>> difference("a b c", "a c").before
    [Piece(text='a ', same=True), Piece(text='b ', same=False), Piece(text='c', same=True)]
    >>> difference("a b", "c d").before
    [Piece(text='a b', same=False)]
    """
    (one, rest), (other, more) = _tokens(before, most), _tokens(after, most)
    in_one, in_other = _telling(one, *_common(one, other))
    left, right = _pieces(one, in_one), _pieces(other, in_other)
    if rest:
        left.append(Piece(rest, False))
    if more:
        right.append(Piece(more, False))
    return Difference(left, right, not rest and not more)


def _tokens(text: str, most: int) -> tuple[list[str], str]:
    found: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if len(found) == most:
            break
        found.append(token[0])
        end = token.end()
    return found, text[end:]


def _common(one: list[str], other: list[str]) -> tuple[set[int], set[int]]:
    """Places of a longest common subsequence in both.

    Row i of the table has a 0 in bit j where the subsequence of one[:i + 1] and other[:j + 1] is
    longer than that of one[:i + 1] and other[:j].
    """
    places: dict[str, int] = {}
    for place, token in enumerate(other):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(other)) - 1
    row, rows = full, []
    for token in one:
        hits = row & places.get(token, 0)
        row = ((row + hits) | (row - hits)) & full
        rows.append(row)
    in_one, in_other = set(), set()
    i, j = len(one), len(other)
    while i and j:
        bit = 1 << (j - 1)
        if rows[i - 1] & bit:
            j -= 1
        elif i > 1 and not rows[i - 2] & bit:
            i -= 1
        else:
            i, j = i - 1, j - 1
            in_one.add(i)
            in_other.add(j)
    return in_one, in_other


def _telling(one: list[str], in_one: set[int], in_other: set[int]) -> tuple[set[int], set[int]]:
    """Without stretches in common that hold no word: a blank alone between changes says nothing."""
    runs: list[list[tuple[int, int]]] = []
    for pair in zip(sorted(in_one), sorted(in_other), strict=True):
        if runs and pair == (runs[-1][-1][0] + 1, runs[-1][-1][1] + 1):
            runs[-1].append(pair)
        else:
            runs.append([pair])
    kept = [pair for run in runs if any(one[i][0].isalnum() for i, _ in run) for pair in run]
    return {i for i, _ in kept}, {j for _, j in kept}


def _pieces(tokens: list[str], common: set[int]) -> list[Piece]:
    return [
        Piece("".join(tokens[place] for place in places), same)
        for same, places in groupby(range(len(tokens)), key=common.__contains__)
    ]
