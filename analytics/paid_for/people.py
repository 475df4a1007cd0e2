"""Each judge against people: does it rank responses as those do who labelled or reviewed them?"""

from __future__ import annotations

from typing import TypedDict

import polars as pl

from analytics.gate.records.agreement import agreement
from analytics.paid_for.clusters import GROUPS
from analytics.paid_for.judge_ranks import Ranks, ranks


class LabelRanks(Ranks):
    """How the judge ranks responses against one source of labels."""

    source: str
    responses: int


class ReviewedPairs(TypedDict):
    """How often a measure prefers what reviewers prefer, between two iterations."""

    measure: str
    iteration: int
    before: int
    n: int
    agreement: float | None
    low: float | None
    high: float | None


def against_labels(scored: pl.DataFrame) -> list[LabelRanks]:
    """The judge that scored most responses against each source of labels.

    Args:
        scored: rows of the query scored: step, prompt_id, judge, source, gold (the label).

    Returns:
        source, responses, pooled, spearman, auroc, slope (of the label on the judge's score) as
        ``judge_ranks.ranks`` gives them.
    """
    labelled = scored.drop_nulls(["source", "gold", "judge"]).select(
        "source", "prompt_id", proxy=pl.col("judge").cast(pl.Float64),
        gold=pl.col("gold").cast(pl.Float64), cell=pl.struct("step", "prompt_id").rank("dense") - 1,
        group=(pl.col("prompt_id").rank("dense") - 1) % GROUPS,
    ).filter(pl.col("proxy").is_finite(), pl.col("gold").is_finite())  # fmt: skip
    return [
        {"source": source, "responses": own.height, **ranks(own)}
        for source in labelled["source"].unique().sort()
        for own in [labelled.filter(source=source)]
    ]


def against_reviewers(reviews: pl.DataFrame, generations: pl.DataFrame) -> list[ReviewedPairs]:
    """Gold and proxy of a loop against its reviewers, pair by pair, at each reviewed iteration.

    Returns:
        measure ("gold", "proxy"), iteration, before, n (pairs), agreement, low, high (Wilson).
    """
    if reviews.is_empty():
        return []
    return [
        {
            "measure": row["measure"], "iteration": row["iteration"], "before": row["before"],
            "n": row["n"], "agreement": row["agreement"], "low": row["low"], "high": row["high"],
        }
        for row in agreement(reviews, generations)
        if row["slice"] == "all" and row["n"]
    ]  # fmt: skip
