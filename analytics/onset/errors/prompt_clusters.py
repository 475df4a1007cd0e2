"""What completions logged with their prompts say about the noise of a look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.onset.evidence.measurements import FloatArray, Rows
from analytics.onset.evidence.pooling import Looks

FEWEST_SHARE = 0.8
"""Of the looks that must hold completions before they are used at all."""
SEEN_OFTEN = 3
"""Looks a prompt must occur in before its own level is taken out."""


FEWEST_CLUSTERS = 20
"""Prompts of one evaluation: the error from fewer clusters is too uncertain to stand for it."""
_SAME_COUNT = 0.01


def clustered_error(prompts: pl.DataFrame, rows: Rows) -> FloatArray:
    """Standard error of each row's mean gold, clustered by prompt; NaN where it cannot be told.

    Responses to one prompt are alike, so that sd / sqrt(n) is too small (in our own loop by a
    factor of 2.2). prompts: step, prompt_id, gold_n, gold_reward (mean over gold_n responses).
    Used only where these are the responses behind the row: as many with gold as the row states,
    within 1 %, of at least 20 prompts. Shape (rows,). Source: Miller 2024 (arXiv 2411.00640), CR1.
    """
    error = np.full(len(rows), np.nan)
    if "gold_n" not in prompts.columns or not len(rows):
        return error
    means = prompts.select(
        pl.col("step").cast(pl.Int64),
        n=pl.col("gold_n").cast(pl.Float64),
        gold=pl.col("gold_reward").cast(pl.Float64, strict=False),
    ).filter(pl.col("gold").is_finite() & (pl.col("n") > 0))
    mean = (pl.col("gold") * pl.col("n")).sum().over("step") / pl.col("n").sum().over("step")
    moved = pl.col("n") * (pl.col("gold") - mean)
    by_step = means.with_columns(square=moved**2).group_by("step").agg(
        pl.col("n").sum(), pl.col("square").sum(), clusters=pl.len()
    )  # fmt: skip
    known = {step: values for step, *values in by_step.iter_rows()}
    for i, (step, stated) in enumerate(zip(rows.step.tolist(), rows.n_responses, strict=True)):
        n, square, clusters = known.get(step, (0.0, 0.0, 0))
        if clusters >= FEWEST_CLUSTERS and abs(n - stated) <= _SAME_COUNT * stated:
            error[i] = np.sqrt(square * clusters / (clusters - 1)) / n
    return error


@dataclass(frozen=True)
class PromptScatter:
    """variance: (looks,) of a look's mean, if its cells (step, prompt) were independent.

    freedom: degrees of freedom of one look's variance. shared_prompts: factor >= 1 for the same
    prompt coming back within a look (cluster-robust variance over independent variance).
    """

    variance: FloatArray
    freedom: int
    shared_prompts: float


def prompt_scatter(prompts: pl.DataFrame, rows: Rows, looks: Looks) -> PromptScatter | None:
    """Scatter between prompts by look, or None where too few looks hold two prompts a step.

    prompts: step, prompt_id, gold_reward (means over a prompt's completions). A cell is one
    (step, prompt). Source: docs/methods.md; cluster-robust variance after Miller 2024
    (arXiv 2411.00640).
    """
    cells = prompts.select(
        pl.col("step").cast(pl.Int64),
        pl.col("prompt_id").cast(pl.String),
        pl.col("gold_reward").cast(pl.Float64, strict=False),
    ).filter(pl.col("gold_reward").is_finite() & pl.col("step").is_in(rows.step.tolist()))
    if cells.height == 0 or len(looks) == 0:
        return None
    look = np.searchsorted(looks.step_start, cells.get_column("step").to_numpy(), "right") - 1
    cells = (
        cells.with_columns(pl.Series("look", look))
        .with_columns(
            (pl.col("gold_reward") - pl.col("gold_reward").mean().over("step")).alias("within"),
            pl.len().over("step").alias("size"),
        )
        .filter(pl.col("size") >= 2)
    )
    if cells.height == 0:
        return None
    steps = cells.group_by("look", "step").agg(
        (pl.col("within") ** 2).sum() / (pl.len() - 1) / pl.len(), (pl.len() - 1).alias("free")
    )
    by_look = steps.group_by("look").agg(
        (pl.col("within").mean() / pl.len()).alias("variance"), pl.col("free").sum()
    )
    variance = np.full(len(looks), np.nan)
    variance[by_look.get_column("look").to_numpy()] = by_look.get_column("variance").to_numpy()
    known = np.isfinite(variance) & (variance > 0)
    if known.mean() < FEWEST_SHARE:
        return None
    # a look without completions borrows the last course known before it
    at = np.maximum.accumulate(np.where(known, np.arange(len(looks)), -1))
    at = np.where(at < 0, int(np.flatnonzero(known)[0]), at)
    freedom = int(max(1, np.median(by_look.get_column("free").to_numpy())))
    return PromptScatter(variance[at], freedom, _shared_prompts(cells))


def _shared_prompts(cells: pl.DataFrame) -> float:
    """Variance of the look means clustered by prompt, over that of independent cells.

    The level of a prompt that occurs in several looks is taken out first: it moves all of them
    alike and cancels in every contrast between looks.
    """
    around = cells.with_columns(
        (pl.col("gold_reward") - pl.col("gold_reward").mean().over("look")).alias("residual"),
        pl.col("look").n_unique().over("prompt_id").alias("seen"),
    ).with_columns(
        pl.when(pl.col("seen") >= SEEN_OFTEN)
        .then(
            (pl.col("residual") - pl.col("residual").mean().over("prompt_id"))
            * (pl.col("seen") / (pl.col("seen") - 1)).sqrt()
        )
        .otherwise(pl.col("residual"))
        .alias("residual")
    )
    sums = around.group_by("look", "prompt_id").agg(
        pl.col("residual").sum().alias("total"), (pl.col("residual") ** 2).sum().alias("squares")
    )
    squares = float(sums.get_column("squares").sum())
    if squares <= 0:
        return 1.0
    return max(1.0, float((sums.get_column("total") ** 2).sum()) / squares)
