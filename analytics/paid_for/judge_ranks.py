"""Does the proxy still rank responses to one prompt as gold does? Over steps, by environment.

Within a prompt at one step a correlation cannot come from easy and hard prompts, nor from training.
Ranks: Spearman 1904, mean over draws. AUROC: of two responses to one prompt that gold tells apart,
how often the proxy prefers the better one, ties half (Mann and Whitney 1947). Calibration: slope of
gold on proxy. Intervals of 95 % take the prompt for the unit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import numpy as np
import polars as pl

from analytics.paid_for.clusters import EstimateRow, FloatArray, jackknife
from analytics.paid_for.draws import sums
from analytics.paid_for.missing import FEWEST_RANKED

STRETCHES = 12
Statistic = Callable[[FloatArray], FloatArray]
MOST_PAIRED = 24
"""Responses of a draw whose pairs are looked at."""
TOP = 0.01
FEWEST_TOP = 10
PARTS = ("first third", "second third", "last third")


class Ranks(TypedDict):
    """pooled, and three statistics of how the proxy ranks: see `over_steps`."""

    pooled: bool
    spearman: EstimateRow | None
    auroc: EstimateRow | None
    slope: EstimateRow | None


class SegmentRanks(Ranks):
    """The same in one segment of the run."""

    step_start: int
    step_end: int
    responses: int


class Curse(TypedDict):
    """The winner's curse: see `curse`."""

    top: int
    gold: float | None
    promised: float | None
    difference: EstimateRow | None
    reason: str


class SegmentCurse(Curse):
    """The same in one part of the run."""

    part: str
    step_start: int
    step_end: int


class EnvironmentRanks(Ranks):
    """Both of one environment."""

    environment: str
    responses: int
    curse: Curse


def over_steps(draws: pl.DataFrame, segments: int = STRETCHES) -> list[SegmentRanks]:
    """How the proxy ranks in each segment of the run.

    Args:
        draws: as ``draws.draws`` gives them.
        segments: at most so many, of as many steps each.

    Returns:
        step_start, step_end, responses, pooled (draws were too small, so that those of a prompt
        over the segment are one), spearman, auroc, slope: each {value, low, high, units} or null.
    """
    complete = draws.drop_nulls(["proxy", "gold"])
    steps = complete["step"].unique().sort().to_list()
    rows: list[SegmentRanks] = []
    for part in np.array_split(np.arange(len(steps)), max(1, min(segments, len(steps)))):
        if not len(part):
            continue
        first, last = steps[part[0]], steps[part[-1]]
        own = complete.filter(pl.col("step").is_between(first, last))
        rows.append({"step_start": first, "step_end": last, "responses": own.height, **ranks(own)})
    return rows


def ranks(complete: pl.DataFrame) -> Ranks:
    """pooled, spearman, auroc, slope of some responses that have proxy and gold."""
    complete, pooled = ranked(complete)
    parts = rank_sums(complete)
    found = [jackknife(parts, of) for of in (SPEARMAN, AUROC, SLOPE)]
    spearman, auroc, slope = (one.row() if one else None for one in found)
    return {"pooled": pooled, "spearman": spearman, "auroc": auroc, "slope": slope}


def ranked(complete: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """The responses, a prompt's draws put together where most are too small to be ranked."""
    sizes = complete.group_by("cell").len()["len"]
    pooled = bool(len(sizes)) and float(sizes.median() or 0) < FEWEST_RANKED  # type: ignore[arg-type]
    if pooled:
        complete = complete.with_columns(cell=pl.col("prompt_id").rank("dense") - 1)
    return complete, pooled


def rank_sums(complete: pl.DataFrame) -> FloatArray:
    """By group of prompts: Σ rank correlation, draws; Σ pairs right, pairs; Σ xy, Σ xx; (G, 6)."""
    each = (
        complete.with_columns(pl.col("proxy", "gold").rank().over("cell").name.suffix("_rank"))
        .group_by("cell")
        .agg(
            pl.col("group").first(), pl.len(),
            pl.corr("proxy_rank", "gold_rank").alias("rho"),
            ((pl.col("proxy") - pl.col("proxy").mean())
             * (pl.col("gold") - pl.col("gold").mean())).sum().alias("xy"),
            ((pl.col("proxy") - pl.col("proxy").mean()) ** 2).sum().alias("xx"),
        )
    )  # fmt: skip
    ranked_cells = each.filter(pl.col("len") >= FEWEST_RANKED, pl.col("rho").is_finite())
    few = complete.with_columns(at=pl.int_range(pl.len()).over("cell")).filter(
        pl.col("at") < MOST_PAIRED
    ).select("cell", "group", "at", "proxy", "gold")  # fmt: skip
    pairs = few.join(few, on="cell", suffix="_b").filter(
        pl.col("at") < pl.col("at_b"), pl.col("gold") != pl.col("gold_b")
    )
    way = (pl.col("proxy") - pl.col("proxy_b")).sign() * (pl.col("gold") - pl.col("gold_b")).sign()
    return np.concatenate([
        sums(ranked_cells, pl.col("rho"), pl.col("rho").is_finite()),
        sums(pairs, (way + 1) / 2, way.is_finite()),
        sums(each, pl.col("xy"), pl.col("xx")),
    ], axis=1)  # fmt: skip


SPEARMAN: Statistic = lambda t: t[:, 0] / t[:, 1]  # noqa: E731
AUROC: Statistic = lambda t: t[:, 2] / t[:, 3]  # noqa: E731
SLOPE: Statistic = lambda t: np.where(t[:, 5] > 0, t[:, 4] / t[:, 5], np.nan)  # noqa: E731
"""Of the sums of ``rank_sums`` over all prompts."""


def by_environment(draws: pl.DataFrame) -> list[EnvironmentRanks]:
    """``ranks`` and ``curse`` of each environment over all steps; none where there is only one."""
    complete = draws.drop_nulls(["proxy", "gold", "environment"])
    names = complete["environment"].unique().sort().to_list()
    if len(names) < 2:
        return []
    return [
        {"environment": name, "responses": own.height, **ranks(own), "curse": curse(own)}
        for name in names
        for own in [complete.filter(environment=name)]
    ]


def curses(draws: pl.DataFrame) -> list[SegmentCurse]:
    """``curse`` in each third of the steps, with part, step_start, step_end."""
    complete = draws.drop_nulls(["proxy", "gold"])
    steps = complete["step"].unique().sort().to_list()
    if not steps:
        return []
    rows: list[SegmentCurse] = []
    names = PARTS if len(steps) >= len(PARTS) else ("all steps",)
    parts = np.array_split(np.arange(len(steps)), len(names))
    for name, part in zip(names, parts, strict=True):
        first, last = steps[part[0]], steps[part[-1]]
        own = complete.filter(pl.col("step").is_between(first, last))
        rows.append({"part": name, "step_start": first, "step_end": last, **curse(own)})
    return rows


def curse(complete: pl.DataFrame) -> Curse:
    """The winner's curse: gold of the top 1 % by proxy, less what a line through the rest promises.

    Below 0: the highest proxies are worth less than the proxy's own rate elsewhere says. Source:
    regressional Goodhart, Gao et al. 2022 (arXiv 2210.10760), section 4.2.1.

    Returns:
        top (responses), gold (their mean), promised, difference ({value, low, high, units} or
        null), reason.
    """
    result: Curse = {
        "top": 0, "gold": None, "promised": None, "difference": None, "reason": "",
    }  # fmt: skip
    many = int(TOP * complete.height)
    if many < FEWEST_TOP:
        return result | {"reason": f"fewer than {FEWEST_TOP} responses are the top 1 %"}
    order = complete.sort("proxy", "gold", "cell", descending=True)
    top, rest = order.head(many), order.tail(complete.height - many)
    p, g = pl.col("proxy"), pl.col("gold")
    parts = np.concatenate([
        sums(rest, p.is_finite(), p, g, p * p, p * g), sums(top, p.is_finite(), p, g)
    ], axis=1)  # fmt: skip
    found = jackknife(parts, lambda t: t[:, 7] / t[:, 5] - _promised(t))
    whole = parts.sum(axis=0)[None]
    if found is None:
        return result | {"reason": "too few prompts"}
    return result | {
        "top": many, "gold": float(whole[0, 7] / whole[0, 5]),
        "promised": float(_promised(whole)[0]), "difference": found.row(),
    }  # fmt: skip


def _promised(t: FloatArray) -> FloatArray:
    n, p, g, pp, pg = (t[:, at] / t[:, 0] for at in range(5))
    spread = pp - p**2
    slope = np.where(spread > 0, (pg - p * g) / spread, np.nan)
    return np.asarray(g + slope * (t[:, 6] / t[:, 5] - p)) * n
