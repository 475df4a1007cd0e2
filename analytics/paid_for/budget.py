"""Length as a second budget beside KL: proxy and gold against mean length, and where gold falls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import polars as pl

from analytics.comparing.components import over_looks, point_words, proxy_point, step_bins
from analytics.paid_for.clusters import LARGEST


class BudgetPoint(TypedDict):
    """The means of one look, or of one segment of steps."""

    step_start: int
    step_end: int
    kl: float | None
    length: float | None
    length_se: float | None
    proxy: float | None
    gold: float | None
    gold_se: float | None


class FallsBeyond(TypedDict):
    """The length beyond which gold falls."""

    low: float | None
    high: float | None
    rising: bool
    reached: bool
    said: str


class Budget(TypedDict):
    """Proxy, gold and KL against mean length."""

    points: list[BudgetPoint]
    falls_beyond: FallsBeyond | None
    reason: str


def budget(metrics: pl.DataFrame, looks: pl.DataFrame, verdict: Mapping[str, Any]) -> Budget:
    """Proxy, gold and KL against the mean length of responses.

    Args:
        metrics: step, response_length (tokens), proxy_reward, kl of the training rows.
        looks: of the verdict: step_start, step_end, kl, gold_reward, gold_se; empty without gold.
        verdict: row of ``verdict --json``.

    Returns:
        points: step_start, step_end, kl, length, length_se, proxy, gold, gold_se by look (without
        gold by stretch of steps), in order of steps; falls_beyond: the length beyond which gold
        falls, low, high (90 %), rising, reached, said; reason: why there are no points.
    """
    result: Budget = {"points": [], "falls_beyond": None, "reason": ""}
    with_length = metrics.filter(pl.col("response_length").abs() < LARGEST).sort("step")
    if with_length.is_empty():
        return result | {"reason": "there is no mean response length in these rows"}
    step = with_length["step"].to_numpy().astype(np.float64)
    if looks.height:
        first, last = (
            looks[f"step_{end}"].to_numpy().astype(np.float64) for end in ("start", "end")
        )
    else:
        first, last = step_bins(step)
    length, error = over_looks(step, with_length["response_length"].to_numpy(), first, last)
    for at, (start, end) in enumerate(zip(first, last, strict=True)):
        rows = with_length.filter(pl.col("step").is_between(start, end))
        gold = looks.row(at, named=True) if looks.height else {}
        result["points"].append({
            "step_start": int(start), "step_end": int(end),
            "kl": gold.get("kl") if looks.height else _mean(rows["kl"]),
            "length": _known(length[at]), "length_se": _known(error[at]),
            "proxy": _mean(rows["proxy_reward"]), "gold": gold.get("gold_reward"),
            "gold_se": gold.get("gold_se"),
        })  # fmt: skip
    if looks.height:
        point = proxy_point(length, error, looks, verdict)
        result["falls_beyond"] = {
            "low": point.low, "high": point.high, "rising": point.rising, "reached": point.reached,
            "said": point_words(point),
        }  # fmt: skip
    return result


def _mean(values: pl.Series) -> float | None:
    known = values.filter(values.abs() < LARGEST)
    return _known(float(known.mean())) if known.len() else None  # type: ignore[arg-type]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
