"""One state of a store as a review compares it: a run's rows and verdict, a loop's measures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from analytics.onset.alarm.many_runs import standing, survivors

Verdict = Mapping[str, Any]
TOTAL = ("loop", "iteration", "origin")


@dataclass(frozen=True)
class RunState:
    """One run: a row of the question "runs", its verdict, and who judged its gold."""

    row: Mapping[str, Any]
    verdict: Verdict | None
    judges: frozenset[tuple[str, str]] = frozenset()

    @property
    def facts(self) -> dict[str, Any]:
        """What its log says of it."""
        facts: dict[str, Any] = json.loads(self.row["facts"])
        return facts

    @property
    def status(self) -> str | None:
        """Of its verdict; None while it is being judged."""
        return None if self.verdict is None else str(self.verdict["status"])

    @property
    def alarm(self) -> Mapping[str, Any] | None:
        """The alarm that was raised and not withdrawn."""
        alarm = (self.verdict or {}).get("alarm")
        return alarm if standing(alarm) else None

    def rows(self) -> dict[str, int]:
        """How much there is of it, by what is counted."""
        names = ("points", "gold_evaluations", "samples", "answers")
        return {name: int(self.row[name] or 0) for name in names}


@dataclass(frozen=True)
class GateState:
    """The gate of a loop's last iteration, and whether people are to look at it now."""

    iteration: int
    result: str
    reason: str
    people_due: str = ""


@dataclass(frozen=True)
class State:
    """All that a review compares.

    runs: by run_id. wrong: totals of ``rates_from_counts``. indicators: rows of collapse --json.
    gates: by loop. skips: reason by path. people: of loops without new rows whose people became
    due, the iteration and why. watches: those that died, what they followed and their last sign.
    """

    runs: Mapping[str, RunState] = field(default_factory=dict)
    wrong: pl.DataFrame = field(default_factory=pl.DataFrame)
    indicators: Sequence[Mapping[str, Any]] = ()
    gates: Mapping[str, GateState] = field(default_factory=dict)
    skips: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    watches: Mapping[str, str] = field(default_factory=dict)

    def stands(self) -> set[str]:
        """Runs whose alarm stands among all runs of their project."""
        return survivors(one.verdict for one in self.runs.values() if one.verdict is not None)


def judges_of(gold: pl.DataFrame) -> frozenset[tuple[str, str]]:
    """Who judged a run's gold: every (source, version) of the question "gold"."""
    rows = gold.filter(pl.col("gold_reward").is_not_null())
    return frozenset(
        (source, version or "") for source, version in
        rows.select("source", "gold_version").unique().iter_rows()
    )  # fmt: skip
