"""Do proxy and gold part (a hack), or do both break down (instability)?

A falling rank correlation alone says neither: a policy that has become good leaves the proxy little
to tell apart. So parting also asks that the proxy rose and gold did not rise with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import numpy as np
import polars as pl

from analytics.paid_for.clusters import Estimate, EstimateRow, FloatArray, jackknife
from analytics.paid_for.draws import sums
from analytics.paid_for.judge_ranks import rank_sums, ranked
from analytics.paid_for.missing import of_measure, of_prompts, of_ranks

HACK, INSTABILITY, UNKNOWN = "parted", "both broke down", "cannot tell"


class Parting(TypedDict):
    """What both ends of a run say together."""

    diagnosis: str
    rank: EstimateRow | None
    proxy: EstimateRow | None
    gold: EstimateRow | None
    reason: str


def parting(draws: pl.DataFrame) -> Parting:
    """What the first and the last tenth of the steps say together.

    Args:
        draws: as ``draws.draws`` gives them.

    Returns:
        diagnosis: "parted" (the rank correlation surely fell, the proxy surely rose and gold did
        not surely rise), "both broke down" (proxy and gold surely fell) or "cannot tell"; rank,
        proxy, gold: {value, low, high, units} of each change, 95 %, or null; reason.
    """
    complete = draws.drop_nulls(["proxy", "gold", "window"])
    result: Parting = {
        "diagnosis": UNKNOWN, "rank": None, "proxy": None, "gold": None, "reason": "",
    }  # fmt: skip
    if set(complete["window"]) != {"start", "now"}:
        why = of_measure(draws, "proxy") or of_measure(draws, "gold")
        return result | {
            "reason": why or "responses with proxy and gold at the start and now are needed"
        }
    windows = [complete.filter(window=name) for name in ("start", "now")]
    levels = np.concatenate([
        sums(own, pl.col("proxy").is_finite(), pl.col("proxy"), pl.col("gold")) for own in windows
    ], axis=1)  # fmt: skip
    order = np.concatenate([rank_sums(ranked(own)[0])[:, :2] for own in windows], axis=1)
    changes = {
        "rank": jackknife(order, lambda t: t[:, 2] / t[:, 3] - t[:, 0] / t[:, 1]),
        "proxy": jackknife(levels, _change(1)),
        "gold": jackknife(levels, _change(2)),
    }
    rows = {name: one and one.row() for name, one in changes.items()}
    diagnosis, reason = _diagnosis(complete, **changes)
    return result | {
        "diagnosis": diagnosis, "rank": rows["rank"], "proxy": rows["proxy"],
        "gold": rows["gold"], "reason": reason,
    }  # fmt: skip


def _change(at: int) -> Callable[[FloatArray], FloatArray]:
    def change(t: FloatArray) -> FloatArray:
        return np.asarray(t[:, 3 + at] / t[:, 3] - t[:, at] / t[:, 0])

    return change


def _diagnosis(
    complete: pl.DataFrame, rank: Estimate | None, proxy: Estimate | None, gold: Estimate | None
) -> tuple[str, str]:
    """Diagnosis and reason."""
    if proxy is None or gold is None:
        few = of_prompts(complete)
        if few:
            return UNKNOWN, f"the start and now have responses to {few}"
        return UNKNOWN, "too few prompts at the start or now"
    if proxy.negative and gold.negative:
        return INSTABILITY, ""
    if rank is None:
        return UNKNOWN, of_ranks(complete)
    if not rank.negative:
        return UNKNOWN, "the rank correlation did not clearly fall"
    if not proxy.positive:
        return UNKNOWN, "the proxy did not clearly rise"
    if gold.positive:
        return UNKNOWN, "gold rose with the proxy"
    return HACK, ""
