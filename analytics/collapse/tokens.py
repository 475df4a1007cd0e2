"""Texts as codes of their tokens, so that counting is arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Codes = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.int64]

PATTERN = r"\w+|[^\w\s]"
"""A token: a run of letters, digits and underscores, or one other mark."""
SEED = 20261128
_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Tokens:
    """Tokens of texts one after the other: a code each, and how many each text has."""

    codes: Codes
    lengths: Whole

    @property
    def owner(self) -> Whole:
        """Which text each token is of, from 0."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def ngrams(self, n: int) -> tuple[Codes, Whole]:
        """Codes of runs of n tokens within a text, and the text of each.

        >>> codes, owner = tokens(["a b a", "b"]).ngrams(2)
        >>> len(codes), owner.tolist()
        (2, [0, 0])
        """
        owner = self.owner
        many = max(len(self.codes) - n + 1, 0)
        codes = self.codes[:many].copy()
        for place in range(1, n):
            codes = mixed(codes) + self.codes[place : many + place]
        inside = owner[:many] == owner[n - 1 : many + n - 1]
        return codes[inside], owner[:many][inside]

    def head(self, texts: int) -> Tokens:
        """The first texts alone."""
        lengths = self.lengths[:texts]
        return Tokens(self.codes[: int(lengths.sum())], lengths)

    def tail(self, texts: int) -> Tokens:
        """All but the first texts."""
        return Tokens(self.codes[int(self.lengths[:texts].sum()) :], self.lengths[texts:])


def tokens(texts: Sequence[str] | pl.Series) -> Tokens:
    """Texts in lower case as codes of their tokens.

    >>> tokens(["It is, is it?"]).lengths.tolist()
    [6]
    """
    found = pl.Series("text", texts, pl.String).str.to_lowercase().str.extract_all(PATTERN)
    lengths = found.list.len().to_numpy().astype(np.int64)
    flat = found.list.explode(keep_nulls=False, empty_as_null=False)
    return Tokens(flat.hash(SEED).to_numpy().astype(np.uint64), lengths)


def mixed(codes: Codes) -> Codes:
    """Codes scattered over all 64 bits (splitmix64)."""
    with np.errstate(over="ignore"):
        z = codes + _STEP
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def code_of(names: pl.Series) -> Codes:
    """A code for each name, the same wherever it occurs."""
    return names.cast(pl.String).fill_null("").hash(SEED).to_numpy().astype(np.uint64)
