"""Words and signs of responses as numbers, and which response holds which n-gram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

MOST_TOKENS = 300
"""Words and signs of a response that are looked at."""
LONGEST = 4
EDGE = 3
"""Words of an opening and of a closing."""
TOKEN = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]"
    r"|[\p{L}\p{M}\p{N}_]{1,60}(?:['’][\p{L}\p{M}\p{N}]{1,20})*"
    r"|[^\s\p{L}\p{M}\p{N}_\p{C}]|\n"
)
"""A word, a letter of a script that is written without blanks (its n-grams are those of
characters), a single sign, or the end of a line."""
_END = r"^[.!?;:,。！？、\n]$"
_ODD = np.uint64(0x9E3779B97F4A7C15)
_OPENS = np.uint64(0xA0761D6478BD642F)
_CLOSES = np.uint64(0xE7037ED1A0B428DB)
Ids = npt.NDArray[np.uint64]


def numbers(text: pl.Series) -> Ids:
    """A number for each token, odd, the same in one process."""
    return np.asarray(text.hash(seed=7).to_numpy() | np.uint64(1))


@dataclass(frozen=True)
class Tokens:
    """Tokens of some responses, one after the other.

    ``text``: as written, small letters; ``ids``: a number each; ``row``: whose it is; ``ends``:
    whether it ends a sentence or a part of one; ``rows``: how many responses there are.
    """

    text: pl.Series
    ids: Ids
    row: npt.NDArray[np.int64]
    ends: npt.NDArray[np.bool_]
    rows: int


def tokens(texts: pl.Series) -> Tokens:
    """The first MOST_TOKENS words and signs of each text.

    >>> tokens(pl.Series(["It's **so** 漢字!"])).text.to_list()
    ["it's", '*', '*', 'so', '*', '*', '漢', '字', '!']
    """
    words = pl.DataFrame({"text": texts}).lazy().with_row_index("row").select(
        "row", pl.col("text").str.to_lowercase().str.extract_all(TOKEN).list.head(MOST_TOKENS),
    ).explode("text").drop_nulls().collect()  # fmt: skip
    text = words["text"]
    return Tokens(
        text, text.hash(seed=7).to_numpy() | np.uint64(1), words["row"].cast(pl.Int64).to_numpy(),
        text.str.contains(_END).to_numpy(), len(texts),
    )  # fmt: skip


@dataclass(frozen=True)
class Grams:
    """N-grams as they stand: a number for what it is, whose it is, where it begins, its length.

    ``kind``: 0 = anywhere, 1 = opening, 2 = closing.
    """

    hash: Ids
    row: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]
    words: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]


def grams(texts: Tokens, longest: int = LONGEST) -> Grams:
    """All n-grams of up to ``longest`` tokens that no end of a sentence parts; edges."""
    parts: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], int, int]] = []
    many = texts.ids.size
    place = np.arange(many)
    one, whole = texts.ids, np.ones(many, dtype=bool)
    in_lines = place[texts.ids != numbers(pl.Series(["\n"]))[0]]
    parts.append((one[in_lines], in_lines, 1, 0))
    inner = ~texts.ends
    for n in range(2, longest + 1):
        if many < n:
            break
        one = one[:-1] * _ODD + texts.ids[n - 1 :] + np.uint64(n)
        whole = whole[:-1] & (texts.row[: many - n + 1] == texts.row[n - 1 :])
        whole &= inner[: many - n + 1] & inner[n - 1 :]
        kept = np.flatnonzero(whole)
        parts.append((one[kept], kept, n, 0))
    first = np.flatnonzero(np.diff(texts.row, prepend=-1))
    last = np.append(first[1:], many)
    for kind, begin, salt in ((1, first, _OPENS), (2, last - EDGE, _CLOSES)):
        there = begin[last - first >= EDGE]
        if there.size:
            three = (texts.ids[there] * _ODD + texts.ids[there + 1]) * _ODD + texts.ids[there + 2]
            parts.append((three * salt, there, EDGE, kind))
    sizes = [part[1].size for part in parts]
    at = np.concatenate([part[1] for part in parts])
    return Grams(
        np.concatenate([part[0] for part in parts]), texts.row[at] if many else at, at,
        np.repeat(np.array([part[2] for part in parts], dtype=np.int8), sizes),
        np.repeat(np.array([part[3] for part in parts], dtype=np.int8), sizes),
    )  # fmt: skip


def presence(n_grams: Grams, wanted: Ids, rows: int) -> sparse.csc_array:
    """Which responses hold which n-grams: rows x wanted, 1 where it stands."""
    order = np.argsort(wanted)
    found = np.searchsorted(wanted[order], n_grams.hash)
    found[found == wanted.size] = 0
    there = (
        np.flatnonzero(wanted[order][found] == n_grams.hash) if wanted.size else np.array([], int)
    )
    column = order[found[there]] if wanted.size else there
    pairs = np.unique(n_grams.row[there] * max(wanted.size, 1) + column)
    row, column = np.divmod(pairs, max(wanted.size, 1))
    return sparse.csc_array((np.ones(pairs.size), (row, column)), shape=(rows, wanted.size))


def repeated(texts: Tokens, words: int = 3) -> npt.NDArray[np.float64]:
    """Share of the runs of ``words`` tokens that stood before in the same response, 0 to 1.

    >>> repeated(tokens(pl.Series(["a b c a b c a b c", "a b", ""]))).round(2)
    array([0.57, 0.  , 0.  ])
    """
    many = texts.ids.size - words + 1
    if many <= 0:
        return np.zeros(texts.rows)
    one = texts.ids[:many].copy()
    for n in range(1, words):
        one = one * _ODD + texts.ids[n : many + n]
    whole = texts.row[:many] == texts.row[words - 1 :]
    frame = pl.DataFrame({"row": texts.row[:many][whole], "gram": one[whole]})
    share = frame.group_by("row").agg(share=1 - pl.col("gram").n_unique() / pl.len())
    found = np.zeros(texts.rows)
    found[share["row"].to_numpy()] = share["share"].to_numpy()
    return found
