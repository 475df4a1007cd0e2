"""Human reviews: win rate, agreement between raters, the slice of highest proxy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.gate.records.bounds import Estimate, share

TOP = 0.75
"""Quantile of the reviewed items' proxy from which on they are the winner's-curse slice."""
FEWEST_SHARED = 20
"""Items judged by two raters below which a kappa says nothing."""


@dataclass(frozen=True)
class Reviewed:
    """Reviews of one iteration against another, one row an item and rater.

    items: item_id, score (mean over raters of 1 = the new one preferred, .5 = tie, 0), proxy (of
        the new response), proxy_gap (new - old), top (whether in the slice).
    """

    items: pl.DataFrame
    judged: pl.DataFrame
    raters: tuple[str, ...]
    kappa: float | None
    shared: int

    @property
    def escalation(self) -> pl.DataFrame:
        """The items that were drawn as escalation cases."""
        return self.items.filter(pl.col("slice") == "escalation")

    @property
    def top(self) -> pl.DataFrame:
        """The items of highest proxy."""
        return self.items.filter(pl.col("top"))


def reviewed(rows: pl.DataFrame, iteration: int, before: int) -> Reviewed:
    """The reviews of an iteration against one before it; the side is undone here.

    Args:
        rows: the table `reviews`; `origin_a` and `origin_b` name the iterations.
    """
    origins = [_iteration(pl.col(side), before).alias(side) for side in ("origin_a", "origin_b")]
    folded = pl.col("rater").str.strip_chars().str.to_lowercase()  # Ann is one person with ann
    mine = rows.with_columns(*origins, pl.col("rater").first().over(folded)).filter(
        pl.col("preferred").is_in(("a", "b", "tie")),
        pl.col("origin_a").is_in((str(iteration), str(before))),
        pl.col("origin_b").is_in((str(iteration), str(before))),
        pl.col("origin_a") != pl.col("origin_b"),
    )
    new_is_a = pl.col("origin_a") == str(iteration)
    won = pl.when(new_is_a).then(pl.lit("a")).otherwise(pl.lit("b"))
    judged = mine.with_columns(
        score=pl.when(pl.col("preferred") == "tie").then(0.5)
        .otherwise((pl.col("preferred") == won).cast(pl.Float64)),
        proxy=pl.when(new_is_a).then("proxy_a").otherwise("proxy_b"),
        proxy_gap=pl.when(new_is_a).then(1.0).otherwise(-1.0)
        * (pl.col("proxy_a") - pl.col("proxy_b")),
    )  # fmt: skip
    items = judged.group_by("item_id").agg(
        pl.col("score", "proxy", "proxy_gap").mean(), pl.col("slice").first()
    ).sort("item_id")  # fmt: skip
    items = items.with_columns(top=_in_top(items))
    raters = tuple(sorted(set(judged["rater"].drop_nulls())))
    kappa, shared = _between_raters(judged, raters)
    return Reviewed(items, judged, raters, kappa, shared)


def _iteration(origin: pl.Expr, before: int) -> pl.Expr:
    """An origin as the number of its iteration: "iteration 3" and "3" are 3, "release" is known."""
    named = origin.str.strip_chars().str.to_lowercase()
    number = named.str.extract(r"^(?:iteration\s*)?(\d+)$", 1)
    return pl.when(named == "release").then(pl.lit(str(before))).otherwise(number)


def _in_top(items: pl.DataFrame) -> pl.Expr:
    """As drawn, where slices are named; else the top quarter by the new response's proxy."""
    if items["slice"].drop_nulls().len():
        return pl.col("slice").eq_missing("top_proxy")
    return (pl.col("proxy") >= pl.col("proxy").quantile(TOP, "nearest")).fill_null(False)


def cohen_kappa(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Agreement of two raters on the same items beyond chance; NaN where chance alone explains all.

    Source: Cohen 1960, Educational and Psychological Measurement 20:37.

    >>> round(cohen_kappa(["a"] * 20 + ["a"] * 5 + ["b"] * 10 + ["b"] * 15,
    ...                   ["a"] * 20 + ["b"] * 5 + ["a"] * 10 + ["b"] * 15), 6)
    0.4
    """
    x, y = np.asarray(one), np.asarray(other)
    kinds = np.unique(np.concatenate([x, y]))
    agreed = float(np.mean(x == y))
    chance = float(sum(np.mean(x == kind) * np.mean(y == kind) for kind in kinds))
    return (agreed - chance) / (1 - chance) if chance < 1 else float("nan")


def _between_raters(judged: pl.DataFrame, raters: tuple[str, ...]) -> tuple[float | None, int]:
    """Mean kappa over pairs of raters, weighted by the items that both judged, and these items."""
    total, weight = 0.0, 0
    for one, other in combinations(raters, 2):
        both = judged.filter(pl.col("rater") == one).join(
            judged.filter(pl.col("rater") == other), on="item_id", suffix="_other"
        )
        if both.height < FEWEST_SHARED:
            continue
        kappa = cohen_kappa(both["score"], both["score_other"])
        if np.isfinite(kappa):
            total, weight = total + kappa * both.height, weight + both.height
    return (total / weight if weight else None), weight


def win_rate(items: pl.DataFrame) -> Estimate | None:
    """Share of items won by the new one, ties one half, with Wilson's interval on the items."""
    return share(float(items["score"].sum()), items.height) if items.height else None
