"""The responses that all of this reads: which length, which are the start and which are now."""

from __future__ import annotations

from math import ceil

import numpy as np
import polars as pl

from analytics.paid_for.clusters import GROUPS, LARGEST

LOGGED = "logged_"
"""Before a measure: whether a value of it was logged, be it a number or not."""
ENDS = 0.1
"""Share of the steps that have responses which is the start of a run, and which is now."""


def draws(frame: pl.DataFrame) -> pl.DataFrame:
    """Responses ready to be compared within prompts.

    Args:
        frame: rows of the query paid_responses: step, prompt_id, proxy, gold, tokens, characters.

    Returns:
        the same rows with ``length`` (tokens where all have them, else characters), ``cell`` (its
        draw: prompt and step), ``group`` (its prompt, prompts beyond GROUPS sharing numbers),
        ``window`` ("start", "now" or null: the first and last tenth of the steps; null throughout
        where they would overlap). What is no number below LARGEST is null; ``logged_proxy`` and
        ``logged_gold`` say where something was logged.
    """
    tokens = frame.height > 0 and frame["tokens"].null_count() == 0
    steps = frame["step"].unique().sort()
    many = ceil(ENDS * len(steps))
    ends = pl.lit(None, pl.String)
    if len(steps) > 1:
        ends = pl.when(pl.col("step") <= steps[many - 1]).then(pl.lit("start")).when(
            pl.col("step") >= steps[-many]
        ).then(pl.lit("now"))  # fmt: skip
    clean = [
        pl.when(pl.col(name).abs() < LARGEST).then(pl.col(name)).alias(name)
        for name in ("proxy", "gold", "length")
    ]
    return (
        frame.with_columns(length=pl.col("tokens" if tokens else "characters").cast(pl.Float64))
        .with_columns(
            *clean, pl.col("proxy", "gold").is_not_null().name.prefix(LOGGED),
            cell=pl.struct("step", "prompt_id").rank("dense") - 1,
            group=(pl.col("prompt_id").rank("dense") - 1) % GROUPS,
            window=ends,
        )
    )  # fmt: skip


def unit_of(frame: pl.DataFrame) -> str:
    """What the lengths of ``draws`` count."""
    return "tokens" if frame.height and frame["tokens"].null_count() == 0 else "characters"


def within(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Rows that have all of ``names``, each less its mean over its draw; draws of one are left out.

    A difference between responses to one prompt from one policy: neither the prompt nor the
    training step can be what makes it.
    """
    whole = frame.drop_nulls(names)
    return whole.filter(pl.len().over("cell") > 1).with_columns(
        pl.col(name) - pl.col(name).mean().over("cell") for name in names
    )


def sums(frame: pl.DataFrame, *values: pl.Expr) -> np.ndarray:
    """Sums of expressions by group of prompts, (groups, values), groups in a fixed order."""
    named = [value.sum().alias(str(at)) for at, value in enumerate(values)]
    found = frame.group_by("group").agg(*named).sort("group")
    totals = np.zeros((GROUPS, len(values)))
    if found.height:
        totals[found["group"].to_numpy()] = found.drop("group").cast(pl.Float64).to_numpy()
    return totals
