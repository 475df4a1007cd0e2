"""Whose texts a policy has seen: those that it was trained on, and those of where it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

HUMAN = ("human", "benchmark")


def seen(
    iterations: pl.DataFrame, corpus: pl.DataFrame, known: Iterable[int]
) -> dict[int, frozenset[int]]:
    """By iteration the iterations whose kept texts it, or one that it came from, was trained on.

    What an iteration itself was trained on is as its corpus says; without one, or where model-
    written text names no writer, the kept texts of the iteration before. A policy whose parent is
    base, sft or a checkpoint of another name has seen no more than that. A parent that is not told
    is taken to be the iteration before: what was learnt is not shown to be forgotten.

    Args:
        iterations: iteration, parent, policy.
        corpus: iteration, origin, generator_iteration.
        known: all iterations that anything is known of.
    """
    parents = {row["iteration"]: row["parent"] for row in iterations.iter_rows(named=True)}
    names = {name: at for at, name in iterations.select("iteration", "policy").iter_rows() if name}
    found: dict[int, frozenset[int]] = {}
    before: int | None = None
    for at in sorted({*known, *parents}):
        own = _own(corpus.filter(pl.col("iteration") == at), before)
        parent = _parent(parents.get(at), at, before, names)
        found[at] = own if parent is None else own | found.get(parent, frozenset())
        before = at
    return found


def _own(mix: pl.DataFrame, before: int | None) -> frozenset[int]:
    writers = set(mix["generator_iteration"].drop_nulls().to_list())
    written = mix.filter(~pl.col("origin").is_in(HUMAN), pl.col("generator_iteration").is_null())
    if before is not None and (mix.is_empty() or written.height):
        writers.add(before)
    return frozenset(writers)


def _parent(stated: str | None, at: int, before: int | None, names: dict[str, int]) -> int | None:
    """The iteration that training began from; None = none of the loop."""
    if stated is None:
        return before
    if found := re.fullmatch(r"iteration (\d+)", stated):
        return number if (number := int(found[1])) < at else before
    named = names.get(stated)
    return named if named is not None and named < at else None
