"""Each judge against people: does it rank responses as those do who labelled or reviewed them?"""

from __future__ import annotations

from typing import Any

import polars as pl

from analytics.gate.agreement import agreement
from analytics.paid_for.clusters import GROUPS
from analytics.paid_for.judge_ranks import ranks


def against_labels(scored: pl.DataFrame) -> list[dict[str, Any]]:
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


def against_reviewers(reviews: pl.DataFrame, generations: pl.DataFrame) -> list[dict[str, Any]]:
    """Gold and proxy of a loop against its reviewers, pair by pair, at each reviewed iteration.

    Returns:
        measure ("gold", "proxy"), iteration, before, n (pairs), agreement, low, high (Wilson).
    """
    if reviews.is_empty():
        return []
    kept = ("measure", "iteration", "before", "n", "agreement", "low", "high")
    return [
        {key: row[key] for key in kept}
        for row in agreement(reviews, generations)
        if row["slice"] == "all" and row["n"]
    ]
