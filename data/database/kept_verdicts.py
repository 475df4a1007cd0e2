"""Kept verdicts: how the table `verdicts` names a view, and how its rows are made and asked for.

A view is a run, the step at which it is frozen and the source of gold. A verdict that is frozen
nowhere and goes by the default source is kept under -1 and "".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import polars as pl

if TYPE_CHECKING:
    from data.database.any_store import AnyStore

NOWHERE = -1
"""`until_step` of a verdict that is not frozen: no step is below 0."""


class View(TypedDict):
    """How the question "verdicts" is told which views are meant."""

    until: int
    source: str


class KeptVerdict(TypedDict):
    """A row of the table `verdicts`; verdict and looks are JSON."""

    run_id: str
    until_step: int
    gold_source: str
    method: str
    generation: int
    verdict: str
    looks: str


def view(until: int | None = None, source: str | None = None) -> View:
    """A view as the table names it.

    >>> view(), view(40, "human"), view(-1)["until"]
    ({'until': -1, 'source': ''}, {'until': 40, 'source': 'human'}, -2)
    """
    if until is None:
        return {"until": NOWHERE, "source": source or ""}
    return {"until": until if until >= 0 else -2, "source": source or ""}


def kept_rows(
    store: AnyStore, method: str, runs: Sequence[str] | None = None, until: int | None = None,
    source: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Kept verdicts of a view: the columns of the table, and `current` (by `method`, of the rows
    that the run has now). runs: None = of all."""
    names = None if runs is None else list(runs)
    return store.query("verdicts", runs=names, **view(until, source), method=method)


def to_keep(
    run: Mapping[str, Any], method: str, verdict: Mapping[str, object], looks: pl.DataFrame,
    until: int | None = None, source: str | None = None,
) -> KeptVerdict:  # fmt: skip
    """A verdict as a row of the table. run: a row of the question "runs", as it was judged."""
    named = view(until, source)
    return {
        "run_id": run["run_id"],
        "until_step": named["until"],
        "gold_source": named["source"],
        "method": method,
        "generation": run["generation"],
        "verdict": json.dumps(verdict),
        "looks": json.dumps(looks.to_dicts()),
    }
