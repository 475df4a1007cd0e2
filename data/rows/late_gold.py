"""Gold that was measured apart from the training log: later, elsewhere, by somebody else.

A table with gold but neither KL nor proxy reward (``run_id, step, gold_reward``) is such a
measurement, and so is every row that names its ``gold_source``. It joins the run by step and stays
a source of its own: two measures of gold are never pooled, nor written over one another.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.columns import GOLD_COLUMNS, RunLog, conform
from data.readers.layouts.table_rows import merged


def parted(log: RunLog) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The metric rows of a log, and the gold that stands apart (GOLD_COLUMNS, may be empty).

    Only plain tables have such gold, and tables of responses that hold a gold of each; a trainer's
    own log is returned as it is.
    """
    rows = log.metrics
    nothing = pl.DataFrame(schema=GOLD_COLUMNS)
    if log.format not in ("table", "samples") or not rows.height:
        return rows, nothing
    has_gold = pl.col("gold_reward").is_not_null()
    # A KL that no length converts is one all the same: the table is a training log.
    beside = [c for c in ("kl", "kl_logged", "proxy_reward") if c in rows.columns]
    alone = all(rows[c].null_count() == rows.height for c in beside)
    if not alone and "gold_source" not in rows.columns:
        return rows, nothing
    if "gold_source" in rows.columns:
        named = pl.col("gold_source").is_not_null() & (pl.col("gold_source") != "")
    else:
        rows, named = rows.with_columns(gold_source=pl.lit(None, pl.String)), pl.lit(False)
    apart = has_gold & (pl.lit(alone) | named)
    named_rows = rows.filter(apart).with_columns(
        run_id=pl.lit(log.run, pl.String),
        source=pl.col("gold_source").fill_null(Path(log.path).stem),
        kind=pl.lit(log.facts.gold_kind, pl.String),
    )
    gold = conform(named_rows, GOLD_COLUMNS)
    if not gold.height:
        return rows.drop("gold_source"), nothing
    bare = apart & pl.col("kl").is_null() & pl.col("proxy_reward").is_null()
    judged = ("gold_reward", "gold_reward_se", "gold_reward_sd", "gold_version")
    emptied = [pl.when(apart).then(None).otherwise(pl.col(c)).alias(c) for c in judged]
    # A row of gold alone counts the responses that were judged, not those of the step.
    counts = [pl.when(bare).then(None).otherwise(pl.col(c)).alias(c)
              for c in ("n_responses", "n_prompts")]  # fmt: skip
    rows = merged(rows.with_columns(*emptied, *counts).drop("gold_source"), ["phase", "step"])
    return rows.clear() if alone else rows, gold.unique(["source", "step"], keep="last").sort(
        "step"
    )
