"""N-grams worth a test: said more late than at the start, and paid, in the half that is mined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from analytics.shortcuts.design import Ints, Pairs
from analytics.shortcuts.log_odds import log_odds
from analytics.shortcuts.marks import Mark
from analytics.shortcuts.rules import PLACES, Rule, Texts
from analytics.shortcuts.tokens import Grams, grams, tokens

Floats = npt.NDArray[np.float64]

MOST = 100
"""N-grams that are tested; each more costs evidence for all."""
TRIED = 1_000
"""N-grams of which it is looked up whether the proxy pays, those that grew most surely first."""
FEWEST = 5
"""Late responses that must have an n-gram."""
GROWN, PAID = 2.0, 1.0
"""Standard errors, in the mined half: a low bar, the test is made on the other one."""
SAME = 0.8
"""Share of responses in common from which two n-grams are one."""
MOST_LETTERS = 10_000_000
"""Characters of the paired responses in which n-grams are looked for."""


def candidates(
    texts: Texts, between: Pairs, paid: Callable[[sparse.csc_array], Floats]
) -> tuple[list[Mark], sparse.csc_array]:
    """N-grams to test, the most promising first, and which responses have them.

    Args:
        texts: all responses.
        between: late and early responses of the mined half, one for one.
        paid: z of the proxy's pay in the mined half, for each column of responses x features.
    """
    late, early = _some(texts, between)
    read = tokens(texts.frame["completion"].gather(np.r_[early, late]))
    found = grams(read)
    table = _counts(found, np.repeat(np.array([1, 2], dtype=np.int8), [early.size, late.size]))
    z = log_odds(
        table["late"].to_numpy() * 1.0, table["start"].to_numpy() * 1.0, late.size, early.size
    )
    table = table.with_columns(z=pl.Series(z)).filter(pl.col("z") > GROWN).sort(
        "z", "words", "at", descending=[True, True, False]
    ).head(TRIED)  # fmt: skip
    there = texts.presence(table["hash"].to_numpy())
    pay = paid(there)
    table = table.with_columns(
        column=pl.int_range(pl.len()), paid=pl.Series(pay, dtype=pl.Float64),
        promise=np.minimum(table["z"].to_numpy(), pay),
    ).filter(pl.col("paid") > PAID).sort(
        "promise", "words", "at", descending=[True, True, False]
    )  # fmt: skip
    kept = _apart(table, there)
    names = [_mark(row, read.text) for row in kept.iter_rows(named=True)]
    return names, there[:, kept["column"].to_list()]


def _some(texts: Texts, between: Pairs) -> tuple[Ints, Ints]:
    """Late and early responses of as many pairs, drawn evenly from all, as can be read at once."""
    letters = texts.frame["completion"].str.len_chars().to_numpy()
    both = letters[between.late] + letters[between.early]
    order = np.random.default_rng(0).permutation(both.size)
    kept = order[np.cumsum(both[order]) <= max(MOST_LETTERS, both[order[:1]].sum())]
    return between.late[kept], between.early[kept]


def _counts(found: Grams, role: npt.NDArray[np.int8]) -> pl.DataFrame:
    """In how many late and early responses each n-gram stands, and where it stands first."""
    mine = role[found.row] > 0
    frame = pl.DataFrame({
        "hash": found.hash[mine], "row": found.row[mine], "at": found.at[mine],
        "words": found.words[mine], "place": found.kind[mine], "role": role[found.row[mine]],
    })  # fmt: skip
    once = (
        frame.lazy()
        .group_by("hash", "row")
        .agg(pl.col("at").min(), pl.col("words", "place", "role").first())
    )
    return (
        once.group_by("hash")
        .agg(
            late=(pl.col("role") == 2).sum(), start=(pl.col("role") == 1).sum(),
            at=pl.col("at").min(), words=pl.col("words").first(), place=pl.col("place").first(),
        )
        .filter(pl.col("late") >= FEWEST, pl.col("late") > pl.col("start"))
        .sort("hash").collect()
    )  # fmt: skip


def _apart(table: pl.DataFrame, there: sparse.csc_array) -> pl.DataFrame:
    """The most promising n-grams that do not stand in the same responses; of those the longest."""
    columns, words = table["column"].to_list(), table["words"].to_list()
    if not columns:
        return table
    mine = there[:, columns]
    common = (mine.T @ mine).toarray()
    sizes = common.diagonal()
    share = common / np.maximum(sizes[:, None] + sizes[None, :] - common, 1)
    kept: list[int] = []
    taken = np.zeros(len(columns), dtype=bool)
    for at in range(len(columns)):
        if taken[at] or len(kept) == MOST:
            continue
        alike = np.flatnonzero((share[at] >= SAME) & ~taken)
        kept.append(max(alike.tolist(), key=lambda one: (words[one], -one)))
        taken[alike] = True
    return table[kept]


def _mark(row: dict[str, int], text: pl.Series) -> Mark:
    phrase = " ".join(text[row["at"] : row["at"] + row["words"]].to_list())
    place = PLACES[row["place"]]
    verb = {"phrase": "says", "opening": "opens with", "closing": "ends with"}[place]
    return Mark(f"{verb} “{phrase.replace(chr(10), '⏎')}”", place, Rule(place, phrase, above=0))
