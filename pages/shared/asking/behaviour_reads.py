"""What the page of behaviours asks of the store, cached by its generation."""

from __future__ import annotations

import polars as pl

from analytics import behaviours
from pages.shared.asking import answer_reads
from pages.shared.keeping.caching import cached


def runs() -> set[str]:
    """Runs that have behaviours."""
    return set(answer_reads.ask("behaviour_runs")["run"])


@cached(32)
def rows(run: str, until: int | None) -> list[behaviours.BehaviourRow]:
    """Rates, changes and tests of a run's behaviours."""
    return behaviours.rows(_counts(run, until))


def points(run: str, source: str, behaviour: str, until: int | None) -> pl.DataFrame:
    """Rates by step of one behaviour, for a figure."""
    mine = (pl.col("source") == source) & (pl.col("behaviour") == behaviour)
    return behaviours.points(_counts(run, until).filter(mine))


def _counts(run: str, until: int | None) -> pl.DataFrame:
    return answer_reads.ask("behaviour_counts", runs=(run,), until=until)
