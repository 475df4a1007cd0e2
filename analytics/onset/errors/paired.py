"""Errors of evaluations that ask the same prompts each time: the prompts' own levels cancel.

Every contrast between looks has weights that sum to 0, so how hard a prompt is moves none of them,
as long as it stays as hard. What is left of an evaluation's error is how prompts move against each
other. It is measured on contrasts between looks too, so that prompts whose level drifts count for
what they do there. Source: two-way layout without replication; Miller 2024 (arXiv 2411.00640),
paired standard errors; docs/methods.md (Noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.onset.errors.prompt_clusters import FEWEST_CLUSTERS
from analytics.onset.evidence.contrasts import FIRST_LOOK, humps_at_end
from analytics.onset.evidence.measurements import FloatArray, Rows
from analytics.onset.evidence.pooling import MOST_SINGLE, rows_per_look

FEWEST_SHARED = 0.95
"""Share of each evaluation's responses whose prompts all evaluations ask."""
FEWEST_ROWS = 3
_SAME_MEAN = 0.05
"""Of the error of fresh prompts: how far the responses' mean may be from the row's gold (rounding),
so that they are the responses behind it."""
_LEAST = 0.25
"""Of the mean variance: no single evaluation's is taken for smaller."""


@dataclass(frozen=True)
class Paired:
    """cells: mean gold of each shared prompt at each row, (rows, prompts); fresh: (rows,) standard
    error that counts the prompts as fresh ones; left: (rows,) share of responses to others; step:
    (rows,)."""

    cells: FloatArray
    fresh: FloatArray
    left: FloatArray
    step: FloatArray

    @property
    def prompts(self) -> int:
        """Prompts that every evaluation asks."""
        return int(self.cells.shape[1])

    def error(self, rows: int) -> FloatArray | None:
        """Standard error of each of the first rows, (rows,), from these alone; None = too few."""
        if rows < FEWEST_ROWS:
            return None
        moved = self.cells[:rows] - self.cells[:rows].mean(axis=1, keepdims=True)
        apart = moved - moved.mean(axis=0)
        each = np.sum(apart**2, axis=1) / (self.prompts - 1)
        mean = float(each.mean()) * rows / (rows - 1)
        variance = np.maximum((each - mean / rows) / (1 - 2 / rows), _LEAST * mean)
        variance *= _of_contrasts(moved, variance)
        return np.asarray(
            np.sqrt(variance / self.prompts + self.left[:rows] * self.fresh[:rows] ** 2)
        )


def paired(prompts: pl.DataFrame, rows: Rows) -> Paired | None:
    """What the responses behind these rows say, None where they are not there or not paired.

    prompts: step, prompt_id, gold_n, gold_reward (mean over gold_n responses); rows: of one
    stretch. Every row must have its responses, with its gold for their mean, and at least 20
    prompts that all rows share, for 95 % of its responses.
    """
    if "gold_n" not in prompts.columns or len(rows) < FEWEST_ROWS:
        return None
    means = prompts.select(
        pl.col("step").cast(pl.Int64), pl.col("prompt_id").cast(pl.String),
        n=pl.col("gold_n").cast(pl.Float64), gold=pl.col("gold_reward").cast(pl.Float64),
    ).filter(
        pl.col("gold").is_finite() & (pl.col("n") > 0) & pl.col("step").is_in(rows.step.tolist())
    )  # fmt: skip
    asked_in = pl.col("step").n_unique().over("prompt_id")
    means = means.with_columns(shared=asked_in == len(rows)).sort("step", "prompt_id")
    if means.get_column("step").n_unique() < len(rows) or len(set(rows.step.tolist())) < len(rows):
        return None
    fresh, left = np.empty(len(rows)), np.empty(len(rows))
    for i, (_, part) in enumerate(means.group_by("step", maintain_order=True)):
        gold, n, shared = (part.get_column(name).to_numpy() for name in ("gold", "n", "shared"))
        if len(n) < FEWEST_CLUSTERS:
            return None
        mean = float(n @ gold / n.sum())
        fresh[i] = np.sqrt(np.sum((n * (gold - mean)) ** 2) * len(n) / (len(n) - 1)) / n.sum()
        left[i] = 1 - n[shared].sum() / n.sum()
        if abs(mean - rows.gold[i]) > max(_SAME_MEAN * fresh[i], 1e-9 * abs(mean)):
            return None
    if float(left.max()) > 1 - FEWEST_SHARED:
        return None
    cells = means.filter("shared").get_column("gold").to_numpy().reshape(len(rows), -1)
    if cells.shape[1] < FEWEST_CLUSTERS:
        return None
    return Paired(cells, fresh, left, np.asarray(rows.step, dtype=np.float64))


def _of_contrasts(moved: FloatArray, variance: FloatArray) -> float:
    """Variance of hump contrasts over what independent rows would give them, at least 1.

    moved: (rows, prompts), without the rows' means; variance: (rows,) of one prompt.
    """
    size = 1 if len(moved) <= MOST_SINGLE else rows_per_look(len(moved))
    looks = len(moved) // size
    if looks <= FIRST_LOOK:
        return 1.0
    used = slice(0, looks * size)
    pooled = moved[used].reshape(looks, size, -1).mean(axis=1)
    independent = variance[used].reshape(looks, size).mean(axis=1) / size
    contrasts = humps_at_end(looks)
    found = np.sum((contrasts @ pooled) ** 2, axis=1) / (moved.shape[1] - 1)
    return max(1.0, float(np.mean(found / np.maximum(contrasts**2 @ independent, 1e-300))))
