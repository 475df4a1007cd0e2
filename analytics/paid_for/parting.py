"""Do proxy and gold part (a hack), or do both break down (instability)?

A falling rank correlation alone says neither: a policy that has become good leaves the proxy little
to tell apart. So parting also asks that the proxy rose and gold did not rise with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from analytics.paid_for.clusters import Estimate, FloatArray, jackknife
from analytics.paid_for.draws import sums
from analytics.paid_for.judge_ranks import rank_sums, ranked
from analytics.paid_for.missing import of_measure, of_prompts, of_ranks

HACK, INSTABILITY, UNKNOWN = "parted", "both broke down", "cannot tell"


def parting(draws: pl.DataFrame) -> dict[str, Any]:
    """What the first and the last tenth of the steps say together.

    Args:
        draws: as ``draws.draws`` gives them.

    Returns:
        diagnosis: "parted" (the rank correlation surely fell, the proxy surely rose and gold did
        not surely rise), "both broke down" (proxy and gold surely fell) or "cannot tell"; rank,
        proxy, gold: {value, low, high, units} of each change, 95 %, or null; reason.
    """
    held = draws.drop_nulls(["proxy", "gold", "window"])
    told: dict[str, Any] = {
        "diagnosis": UNKNOWN, "rank": None, "proxy": None, "gold": None, "reason": "",
    }  # fmt: skip
    if set(held["window"]) != {"start", "now"}:
        why = of_measure(draws, "proxy") or of_measure(draws, "gold")
        return told | {
            "reason": why or "responses with proxy and gold at the start and now are needed"
        }
    windows = [held.filter(window=name) for name in ("start", "now")]
    levels = np.concatenate([
        sums(own, pl.col("proxy").is_finite(), pl.col("proxy"), pl.col("gold")) for own in windows
    ], axis=1)  # fmt: skip
    order = np.concatenate([rank_sums(ranked(own)[0])[:, :2] for own in windows], axis=1)
    changes = {
        "rank": jackknife(order, lambda t: t[:, 2] / t[:, 3] - t[:, 0] / t[:, 1]),
        "proxy": jackknife(levels, _change(1)),
        "gold": jackknife(levels, _change(2)),
    }
    told |= {name: one and one.told() for name, one in changes.items()}
    return told | _diagnosis(held, **changes)


def _change(at: int) -> Any:
    def change(t: FloatArray) -> FloatArray:
        return np.asarray(t[:, 3 + at] / t[:, 3] - t[:, at] / t[:, 0])

    return change


def _diagnosis(
    held: pl.DataFrame, rank: Estimate | None, proxy: Estimate | None, gold: Estimate | None
) -> dict[str, Any]:
    if proxy is None or gold is None:
        few = of_prompts(held)
        return {"diagnosis": UNKNOWN,
                "reason": f"the start and now have responses to {few}" if few else
                "too few prompts at the start or now"}  # fmt: skip
    if proxy.negative and gold.negative:
        return {"diagnosis": INSTABILITY, "reason": ""}
    if rank is None:
        return {"diagnosis": UNKNOWN, "reason": of_ranks(held)}
    if not rank.negative:
        return {"diagnosis": UNKNOWN, "reason": "the rank correlation did not clearly fall"}
    if not proxy.positive:
        return {"diagnosis": UNKNOWN, "reason": "the proxy did not clearly rise"}
    if gold.positive:
        return {"diagnosis": UNKNOWN,
                "reason": "gold rose with the proxy"}  # fmt: skip
    return {"diagnosis": HACK, "reason": ""}
