"""What differs between two runs: their settings, and gold where both have the same KL."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from analytics.wording import number, with_interval

LEVEL = 0.90
"""Of the intervals of all points together (Bonferroni)."""
POINTS = 4
ABOUT = ("trainer", "algorithm", "kl_estimator", "kl_reference", "kl_conversion", "proxy_key",
         "gold_key", "gold_kind", "max_steps")  # fmt: skip
"""Facts that stand among the settings."""
ONE_MEASURE = ("gold_key", "gold_kind", "gold_better")
"""Facts of gold in which two runs must agree, or their gold is not one measure."""


class AtKL(NamedTuple):
    """Gold of the second run minus that of the first at one KL, nats per response."""

    kl: float
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None


def settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> pl.DataFrame:
    """Settings side by side, those that differ first.

    Args:
        first: facts of a run (RunFacts as a mapping), with its logged ``config``.
        second: of the other run.

    Returns:
        columns setting, first, second (text; null = not logged), differs.
    """
    one, other = _flat(first), _flat(second)
    rows = [
        {"setting": name, "first": one.get(name), "second": other.get(name),
         "differs": one.get(name) != other.get(name)}
        for name in sorted({*one, *other})
    ]  # fmt: skip
    kinds = {"setting": pl.String, "first": pl.String, "second": pl.String, "differs": pl.Boolean}
    return pl.DataFrame(rows, kinds).sort("differs", descending=True, maintain_order=True)


def _flat(facts: Mapping[str, Any]) -> dict[str, str]:
    flat = {name: str(facts[name]) for name in ABOUT if facts.get(name) is not None}
    return flat | dict(_leaves(facts.get("config") or {}, ""))


def _leaves(tree: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", str(value)


def one_measure(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the gold of two runs is logged as the same measure.

    >>> one_measure({"gold_key": "acc"}, {"gold_key": "acc"}), one_measure({"gold_key": "acc"}, {})
    (True, False)
    """
    return all(first.get(name) == second.get(name) for name in ONE_MEASURE)


def at_equal_kl(first: pl.DataFrame, second: pl.DataFrame) -> list[AtKL]:
    """Gold of two runs where both have the same KL, at POINTS places evenly spaced in √KL.

    A run's gold at a KL is taken where its course first comes through that KL, between two
    neighbouring looks: never by sorting rows by KL, which would sort them by their noise.
    Runs are taken as independent; where they share prompts the intervals are too wide.

    Args:
        first: the looks of a verdict: columns kl (nats per response), gold_reward, gold_se.
        second: of the other run.

    Returns:
        The differences with intervals that hold together at LEVEL; low and high are None where an
        error is not known. Empty where the runs share no KL.
    """
    known = [_known(looks) for looks in (first, second)]
    if any(rows.height < 2 for rows in known):
        return []
    low = max(float(rows["kl"].min()) for rows in known)  # type: ignore[arg-type]
    high = min(float(rows["kl"].max()) for rows in known)  # type: ignore[arg-type]
    low = max(low, 0.0)
    if high <= low:
        return []
    places = np.linspace(math.sqrt(low), math.sqrt(high), POINTS + 1)[1:] ** 2
    measures = []
    for kl in places.tolist():
        one, other = _crossing(known[0], kl), _crossing(known[1], kl)
        if one is not None and other is not None:
            measures.append(_difference(kl, one, other))
    return measures


def _known(looks: pl.DataFrame) -> pl.DataFrame:
    if not {"kl", "gold_reward", "gold_se"} <= set(looks.columns):
        return pl.DataFrame(schema={"kl": pl.Float64})
    return looks.drop_nulls(["kl", "gold_reward"])


def _crossing(rows: pl.DataFrame, kl: float) -> tuple[float, float | None] | None:
    """Gold and its error where the course first reaches a KL; None where it never does."""
    points = list(rows.select("kl", "gold_reward", "gold_se").iter_rows())
    for (x0, y0, e0), (x1, y1, e1) in pairwise(points):
        if x0 <= kl * (1 + 1e-12) and kl <= x1 * (1 + 1e-12) and x1 > x0:
            part = min(max((kl - x0) / (x1 - x0), 0.0), 1.0)
            error = None if e0 is None or e1 is None else math.hypot((1 - part) * e0, part * e1)
            return (1 - part) * y0 + part * y1, error
    return None


def _difference(
    kl: float, first: tuple[float, float | None], second: tuple[float, float | None]
) -> AtKL:
    gap = second[0] - first[0]
    if first[1] is None or second[1] is None:
        return AtKL(kl, first[0], second[0], gap, None, None)
    half = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / POINTS) * math.hypot(first[1], second[1])
    return AtKL(kl, first[0], second[0], gap, gap - half, gap + half)


def sentence(found: list[AtKL], first: str, second: str) -> str:
    """The comparison in a sentence: at the largest KL that both reached."""
    if not found:
        return f"{second} and {first} share no KL at which both have gold."
    last = found[-1]
    at = f"At KL {number(last.kl)}, the largest that both reached with gold"
    if last.low is None or last.high is None:
        way = "above" if last.difference >= 0 else "below"
        return (
            f"{at}, gold of {second} is {number(abs(last.difference))} {way} that of {first}; "
            "how certain that is, is not known, as an error is missing."
        )
    if last.low <= 0 <= last.high:
        reach = with_interval(last.difference, last.low, last.high)
        return f"{at}, a difference in gold is not shown: {second} minus {first} is {reach}."
    ends = (last.low, last.high) if last.difference > 0 else (-last.high, -last.low)
    reach = with_interval(abs(last.difference), *ends)
    way = "above" if last.difference > 0 else "below"
    return f"{at}, gold of {second} is {reach} {way} that of {first}."
