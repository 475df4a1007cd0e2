"""Indicators by loop, out of a store's questions: the kept ones where they hold, else computed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl

from analytics.collapse import report
from analytics.collapse.indicators import LOGGED, IndicatorRow, Waiting
from analytics.computing import fingerprint

Query = Callable[..., pl.DataFrame]
KEYS = [key for keys in LOGGED.values() for key in keys]


def method(meaning: Callable[[str], str]) -> str:
    """Fingerprint of what computes indicators: its code, and the SQL that it asks."""
    return fingerprint.with_questions(__name__, meaning)


def missing(query: Query, loops: list[str] | None, by: str, again: bool = False) -> list[Waiting]:
    """Loops with texts whose kept indicators do not hold: loop and generation."""
    loops_there = (
        query("text_iterations", loops=loops)["loop"].unique(maintain_order=True).to_list()
    )
    kept = {row["loop"]: row for row in query("indicators", loops=loops).to_dicts()}
    generation = dict(
        query("runs", project=None, runs=loops_there).select("run_id", "generation").iter_rows()
    )
    return [
        {"loop": loop, "generation": generation[loop]} for loop in loops_there
        if again or not _holds(kept.get(loop), by, generation[loop])
    ]  # fmt: skip


def _holds(row: Mapping[str, Any] | None, by: str, generation: int) -> bool:
    return row is not None and (row["method"], row["generation"]) == (by, generation)


def computed(
    query: Query, waiting: Iterable[Waiting], by: str,
    progress: report.Progress | None = None,
) -> Iterable[pl.DataFrame]:  # fmt: skip
    """A row of the table indicators for each loop that waits, as soon as it is there."""
    for row in waiting:
        made = of_loop(query, row["loop"], progress)
        yield pl.DataFrame([{**row, "method": by, "rows": json.dumps(made)}])


def of_loop(query: Query, loop: str, progress: report.Progress | None = None) -> list[IndicatorRow]:
    """The indicators of one loop, computed now."""
    iterations = query("text_iterations", loops=[loop])["iteration"].to_list()

    def texts(iteration: int) -> pl.DataFrame:
        return query("generations", loops=[loop], iterations=[iteration], until=None)

    human = query("reference_texts", loops=[loop])["text"]
    logged = query("scalars", run=loop).filter(pl.col("key").is_in(KEYS))
    logged = logged.select(pl.col("step").alias("iteration"), "key", "value")
    given = query("embeddings", loops=[loop], iterations=None)
    return report.rows(loop, iterations, texts, human, logged, given, progress=progress)


def rows(kept: pl.DataFrame) -> list[IndicatorRow]:
    """The rows of ``collapse --json`` out of kept indicators."""
    return [row for text in kept["rows"].to_list() for row in json.loads(text)]
