"""Several rewards of one run: where each stood when gold peaked, and whether an ensemble agrees.

The proxy point of a component reward is its value beyond which the evaluation falls (Moskovitz et
al. 2023, arXiv 2310.04373). Within one run it is the value that the component had where gold
peaked; components that move together move each other's points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.computing.quantiles import normal_quantile
from analytics.onset.alarm.many_runs import standing
from analytics.wording import interval, number

FloatArray = NDArray[np.float64]

Z90 = 1.645
CLEAR = 2.33
"""Standard errors that a component must move for a proxy point: 1 %, one-sided."""
RAISED = 1.5
"""Disagreement is called raised where it is surely this many times that of the start."""
START = 0.1
"""Share of a run's steps that is its start."""
BINS = 16
MODEL = re.compile(r"(?<![a-z])(rm|prm|orm|reward|proxy|judge|member|ensemble)s?(?![a-z])")
"""Words by which a reward model is known: distinct_1 and distinct_2 are no ensemble."""
FEWEST_CELLS = 8
"""Prompts, each at one step, behind a value of disagreement that has an interval."""


@dataclass(frozen=True)
class ProxyPoint:
    """Value of a component beyond which gold falls, 90 %; low and high None where unknown.

    rising: whether the component rises over the run; reached: whether gold's peak was passed, else
    ``low`` (rising) or ``high`` (falling) alone is known. reason: why nothing is known, else empty.
    """

    low: float | None
    high: float | None
    rising: bool
    reached: bool
    reason: str = ""


def over_looks(
    steps: FloatArray, values: FloatArray, first: FloatArray, last: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard error of a component's rows in each look; NaN where there are none.

    steps, values: (rows,), by step; first, last: (looks,), steps of each look. The error is that of
    rows about the straight line of their look, so that a trend within it is no noise; with fewer
    than four rows it is that of all looks together.
    """
    mean, error = np.full(len(first), np.nan), np.full(len(first), np.nan)
    squares, freedom, count = 0.0, 0, np.zeros(len(first))
    for look, (start, end) in enumerate(zip(first, last, strict=True)):
        part = values[(steps >= start) & (steps <= end)]
        count[look] = len(part)
        if not len(part):
            continue
        mean[look] = part.mean()
        if len(part) >= 4:
            place = np.arange(len(part))
            left = part - np.polyval(np.polyfit(place, part, 1), place)
            own = float(left @ left)
            squares, freedom = squares + own, freedom + len(part) - 2
            error[look] = np.sqrt(own / (len(part) - 2) / len(part))
    if freedom:
        common = np.sqrt(squares / freedom)
    else:  # single rows: how much successive looks jump, as for gold without a stated error
        jumps = np.diff(mean, n=2)
        known = jumps[np.isfinite(jumps)]
        common = float(np.sqrt(np.mean(known**2) / 6)) if len(known) >= 3 else np.nan
    lacking = ~np.isfinite(error) & (count > 0)
    error[lacking] = common / np.sqrt(count[lacking])
    return mean, error


def proxy_point(
    mean: FloatArray, error: FloatArray, looks: pl.DataFrame, verdict: Mapping[str, Any]
) -> ProxyPoint:
    """The proxy point of one component of one run.

    mean, error: of the component, (looks,); looks: of the verdict (step_start, step_end);
    verdict: row of ``verdict --json``. Where gold has not fallen, or the peak's interval has no
    end, only one side is known; where the component does not move, or gold cannot be judged,
    nothing is.
    """
    known = np.isfinite(mean) & np.isfinite(error)
    if known.sum() < 4:
        return _unknown("it was logged at too few of the evaluations")
    peak = verdict.get("peak")
    if not peak or peak.get("step_low") is None:
        return _unknown("gold is too little to place its peak")
    start = looks["step_start"].to_numpy()
    end = looks["step_end"].to_numpy()
    quarter = max(1, int(known.sum()) // 4)
    finite = np.flatnonzero(known)
    early, late = finite[:quarter], finite[-quarter:]
    moved = mean[late].mean() - mean[early].mean()
    noise = np.sqrt(np.sum(error[early] ** 2) + np.sum(error[late] ** 2)) / quarter
    if abs(moved) < CLEAR * noise or moved == 0:
        return _unknown("it does not move over the run beyond its noise")
    rising = bool(moved > 0)
    passed = standing(verdict.get("alarm")) and peak.get("step_high") is not None
    last = float(peak["step_high"]) if passed else float(end[finite[-1]])
    # The interval may lie between two looks, so the component is also read off at its ends.
    inside = finite[(end[finite] >= peak["step_low"]) & (start[finite] <= last)]
    middle, ends = (start[finite] + end[finite]) / 2, [float(peak["step_low"]), last]
    values = np.concatenate([mean[inside], np.interp(ends, middle, mean[finite])])
    errors = np.concatenate([error[inside], np.interp(ends, middle, error[finite])])
    lowest = float(np.min(values - Z90 * errors))
    highest = float(np.max(values + Z90 * errors))
    if passed:
        return ProxyPoint(lowest, highest, rising, True)
    return ProxyPoint(lowest if rising else None, None if rising else highest, rising, False)


def point_words(point: ProxyPoint) -> str:
    """A proxy point as a table says it."""
    if point.reason:
        return f"cannot tell: {point.reason}"
    if point.reached:
        beyond = "above" if point.rising else "below"
        return f"gold falls {beyond} {interval(point.low, point.high)}"
    edge, way = (point.low, "up") if point.rising else (point.high, "down")
    return f"not reached: gold does not fall {way} to {number(edge)}"


def _unknown(reason: str) -> ProxyPoint:
    return ProxyPoint(None, None, True, False, reason)


class SpreadRow(TypedDict):
    """Disagreement of members in one run of steps over that at the start, with its interval."""

    step_start: float
    step_end: float
    cells: int
    ratio: float
    low: float | None
    high: float | None
    raised: bool


def disagreement(cells: pl.DataFrame, first: FloatArray, last: FloatArray) -> pl.DataFrame:
    """Disagreement of an ensemble over looks, relative to the start of the run.

    cells: step, prompt_id, n, variance: between members, averaged over the responses to one prompt
    at one step, members scaled by their spread at the start; first, last: steps of each look.

    Returns one row a look with cells: step_start, step_end, cells, ratio (to the start), low, high
    (90 %; null with fewer than FEWEST_CELLS cells on either side), raised (whether the ratio is
    surely above RAISED, 5 % over all looks together). Cells are the unit: responses to one prompt
    share it.
    """
    schema = {"step_start": pl.Float64, "step_end": pl.Float64, "cells": pl.Int64,
              "ratio": pl.Float64, "low": pl.Float64, "high": pl.Float64,
              "raised": pl.Boolean}  # fmt: skip
    steps, values = cells["step"].to_numpy(), cells["variance"].to_numpy()
    if not len(steps):
        return pl.DataFrame(schema=schema)
    until = steps.min() + START * (steps.max() - steps.min())
    base = values[steps <= until]
    rows: list[SpreadRow] = []
    parts = [values[(steps >= a) & (steps <= b)] for a, b in zip(first, last, strict=True)]
    tested = sum(len(part) >= FEWEST_CELLS for part in parts)
    bar = float(normal_quantile(1 - 0.05 / max(tested, 1)))
    for part, start, end in zip(parts, first, last, strict=True):
        if not len(part) or base.mean() <= 0:
            continue
        ratio = float(part.mean() / base.mean())
        row: SpreadRow = {"step_start": float(start), "step_end": float(end),
                               "cells": len(part), "ratio": ratio, "low": None, "high": None,
                               "raised": False}  # fmt: skip
        if len(part) >= FEWEST_CELLS and len(base) >= FEWEST_CELLS and ratio > 0:
            spread = np.sqrt(sum(
                x.var(ddof=1) / len(x) / x.mean() ** 2 for x in (part, base)
            ))  # fmt: skip
            row["low"] = ratio * float(np.exp(-Z90 * spread))
            row["high"] = ratio * float(np.exp(Z90 * spread))
            row["raised"] = bool(np.log(ratio / RAISED) > bar * spread)
        rows.append(row)
    return pl.DataFrame(rows, schema=schema)


def step_bins(steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and last step of at most BINS runs of steps, for a run without looks of gold.

    >>> step_bins(np.array([0, 0, 10]))[1].tolist()
    [0.0, 10.0]
    """
    each = np.unique(steps).astype(np.float64)
    parts = np.array_split(each, max(min(BINS, len(each)), 1)) if len(each) else []
    return np.array([p[0] for p in parts]), np.array([p[-1] for p in parts])


def ensembles_by_name(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups of reward models whose names differ in a number alone: members of one ensemble.

    >>> ensembles_by_name(["rm_0", "rm_1", "distinct_1", "distinct_2", "rm_10"])
    [('rm_0', 'rm_1', 'rm_10')]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        if re.search(r"\d", name) and MODEL.search(name.lower()):
            groups.setdefault(re.sub(r"\d+", "#", name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]
