"""Rates of behaviours that monitors looked for, by environment: how often, and whether they rise.

Sources (who looked) and behaviours are never pooled; environments are, in rows of their own and
only beside the environments themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

import numpy as np
import polars as pl
from scipy import special

from analytics.behaviours.rises import Moved, Series, moved, series
from analytics.computing.any_frame import polars_frame
from analytics.rates import benjamini_hochberg, newcombe, wilson

ALPHA = 0.05
"""A change is spoken of where q is at most this."""

MOST_POINTS = 40
"""Steps of one line are pooled into at most so many points."""

COUNTS = ("run", "source", "behaviour", "environment", "step", "n", "seen")
GROUP = ["run", "source", "behaviour"]


class Base(TypedDict):
    """Whose rate a row is of."""

    run: str
    source: str
    behaviour: str


class Rate(TypedDict):
    """A rate over some steps with its 95 % interval."""

    step_first: int
    step_end: int
    n: int
    seen: int
    rate: float
    low: float
    high: float


class Change(TypedDict):
    """How a rate moved; q: p among the others of its run."""

    direction: str
    difference: float
    low: float
    high: float
    test: str
    p: float
    q: float | None
    scatter: float


class BehaviourRow(Base, Rate):
    """A row of `behaviours --json`; None = cannot be told."""

    environment: str | None
    steps: int
    first: Rate | None
    last: Rate | None
    change: Change | None


def rows(counts: Any) -> list[BehaviourRow]:
    """One row a run, source, behaviour and environment, before them one of all environments.

    Args:
        counts: COUNTS, trajectories looked at (`n`) and those with the behaviour (`seen`), in a
            frame of any library.

    Returns:
        The document of `behaviours --json`: `environment` null = all of them; `rate, low, high`
        over all steps, `first` and `last` over the first and the last third of the steps; and
        `change`: their difference with its 95 % interval, and the trend over all steps with `p`
        and `q` (Benjamini and Hochberg over the environments, and all behaviours, of a run; the
        rows of all environments among themselves). Null = cannot be told: a single step, or no
        trajectory with the behaviour, or none without it.
    """
    frame = polars_frame(counts, *COUNTS).select(COUNTS).sort(COUNTS[:5])
    found: list[BehaviourRow] = []
    for (run,), part in frame.group_by("run", maintain_order=True):
        found += _of_run(str(run), part)
    return found


def points(counts: pl.DataFrame, most: int = MOST_POINTS) -> pl.DataFrame:
    """Rates by step of each environment for a figure, neighbouring steps pooled.

    Args:
        counts: COUNTS of one run, source and behaviour.
        most: points a line.

    Returns:
        line (environment), iteration (the last step of a point), n, seen, rate, low, high
        (95 %, Wilson), kl (null).
    """
    steps = pl.col("step").rank("dense").over("environment") - 1
    distinct = pl.col("step").n_unique().over("environment")
    binned = counts.with_columns(bin=steps * pl.min_horizontal(most, distinct) // distinct)
    pooled = binned.group_by("environment", "bin").agg(
        pl.col("step").max().alias("iteration"), pl.col("n").sum(), pl.col("seen").sum()
    )
    low, high = wilson(pooled["seen"].to_numpy(), pooled["n"].to_numpy())
    return pooled.select(
        "iteration", "n", "seen", line="environment", rate=pl.col("seen") / pl.col("n"),
        low=pl.Series(low), high=pl.Series(high), kl=pl.lit(None, pl.Float64),
    ).sort("line", "iteration")  # fmt: skip


def _of_run(run: str, counts: pl.DataFrame) -> list[BehaviourRow]:
    found: list[BehaviourRow] = []
    for (source, behaviour), part in counts.group_by("source", "behaviour", maintain_order=True):
        names, environments = [], []
        for (name,), own in part.group_by("environment", maintain_order=True):
            names.append(name)
            environments.append(series(own["seen"], own["n"], own["step"]))
        trends = moved(environments)
        base: Base = {"run": run, "source": str(source), "behaviour": str(behaviour)}
        whole = part.group_by("step").agg(pl.col("n", "seen").sum()).sort("step")
        together = series(whole["seen"], whole["n"], whole["step"])
        if len(names) > 1:
            found.append(_row(base, None, together, _stratified(environments, trends)))
        found += [
            _row(base, name, one, trend)
            for name, one, trend in zip(names, environments, trends, strict=True)
        ]
    for level in (True, False):
        _adjust([row for row in found if (row["environment"] is None) == level])
    return found


def _row(base: Base, environment: str | None, one: Series, trend: Moved) -> BehaviourRow:
    last = len(one.steps)
    third = max(1, last // 3)
    return {
        **base,
        "environment": environment,
        "steps": last,
        **_rate(one, slice(0, last), trend.scatter),
        "first": _rate(one, slice(0, third), trend.scatter) if last > 1 else None,
        "last": _rate(one, slice(last - third, last), trend.scatter) if last > 1 else None,
        "change": _change(one, third, trend) if np.isfinite(trend.p) else None,
    }


def _rate(one: Series, at: slice, scatter: float) -> Rate:
    """A rate with its 95 % interval: Wilson's of as many trajectories as the scatter leaves."""
    seen, n = float(one.seen[at].sum()), float(one.n[at].sum())
    low, high = wilson(seen / scatter, n / scatter)
    return {
        "step_first": int(one.steps[at][0]), "step_end": int(one.steps[at][-1]),
        "n": int(n), "seen": int(seen), "rate": seen / n, "low": float(low), "high": float(high),
    }  # fmt: skip


def _change(one: Series, third: int, trend: Moved) -> Change:
    ends = slice(len(one.steps) - third, None), slice(0, third)
    counts = [float(of[at].sum()) / trend.scatter for at in ends for of in (one.seen, one.n)]
    difference, low, high = newcombe(*counts)
    return {
        "direction": "rises" if trend.z > 0 else "falls",
        "difference": float(difference), "low": float(low), "high": float(high),
        "test": "trend over steps", "p": trend.p, "q": None, "scatter": trend.scatter,
    }  # fmt: skip


def _stratified(environments: list[Series], trends: list[Moved]) -> Moved:
    """The trend of all environments, each compared with itself: their mix may change."""
    scores, variances = [], []
    for one, trend in zip(environments, trends, strict=True):
        if np.isfinite(trend.z):
            rate = one.seen.sum() / one.n.sum()
            centre = one.steps - (one.n * one.steps).sum() / one.n.sum()
            scores.append(float((centre * one.seen).sum()))
            variances.append(rate * (1 - rate) * float((one.n * centre**2).sum()) * trend.scatter)
    widest = max(trend.scatter for trend in trends)
    if not scores:
        return Moved(float("nan"), float("nan"), widest)
    z = sum(scores) / float(np.sqrt(sum(variances)))
    return Moved(z, float(2 * special.ndtr(-abs(z))), widest)


def _adjust(family: list[BehaviourRow]) -> None:
    """Write q beside each p of one family."""
    tested = [row["change"] for row in family if row["change"]]
    for change, q in zip(tested, benjamini_hochberg([c["p"] for c in tested]), strict=True):
        change["q"] = float(q)


def beyond_chance(every: Sequence[BehaviourRow]) -> Iterator[BehaviourRow]:
    """The environments whose rate moves, the surest first."""
    moving = [
        (q, row) for row in every
        if row["environment"] is not None and row["change"]
        for q in [row["change"]["q"]] if q is not None and q <= ALPHA
    ]  # fmt: skip
    yield from (row for _, row in sorted(moving, key=lambda pair: pair[0]))
