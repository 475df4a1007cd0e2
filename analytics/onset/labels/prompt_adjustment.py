"""Gold of training batches with the levels of their prompts taken out.

A batch of easy prompts scores high whatever the policy does. What a prompt scored at earlier steps,
against the run's level then, says how easy it is; the mean of that over a row's logged prompts
explains a part of the row's gold, and that part is taken off. Only earlier steps are used, so a
row's value never changes once it is there. Source: best linear prediction of a random prompt
effect (Robinson 1991), used as a control variate; docs/methods.md.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.onset.evidence.measurements import FloatArray, IntArray, Rows

SHRINK = 2.0
"""Visits after which a prompt's own mean counts for half: sampling noise over prompt variance."""
LEVEL_ROWS = 8
"""Rows whose mean stands for the run's level."""
FEWEST_ROWS = 16
"""Rows with known prompts that must have been seen before anything is taken off."""
SURE = 2.0
"""Standard errors by which the slope must lie above 0 before anything is taken off."""
MEMORY = 0.98
"""Weight of a row against the next one's: prompts drift apart as the policy does."""
MOST_SLOPE = 3.0


@dataclass(frozen=True)
class Adjustment:
    """rows: adjusted rows; prompts: that came back; explained: share of the rows' variance about
    the run's level that the prompts' levels explained, over the adjusted rows."""

    rows: int
    prompts: int
    explained: float


def adjusted(rows: Rows, prompts: pl.DataFrame) -> tuple[Rows, Adjustment | None]:
    """Rows with the prompts' levels taken out of gold, and what was done (None = nothing).

    rows: (rows,) in step order, of one gold source; prompts: step, prompt_id, n, gold_reward
    (means over a prompt's completions), same unit of gold. A change of stretch starts anew.
    """
    cells = _cells(prompts, rows)
    if not cells:
        return rows, None
    gold = rows.gold.copy()
    changed: list[int] = []
    apart: list[tuple[float, float]] = []
    came_back: set[int] = set()
    state = _State()
    for i, step in enumerate(rows.step.tolist()):
        if i > 0 and rows.stretch[i] != rows.stretch[i - 1]:
            state = _State()
        cell = cells.get(step)
        level = state.level()
        if cell is None:
            state.golds.append(float(gold[i]))
            continue
        ids, values, counts = cell
        effects, known = state.effects(ids)
        mean = float(np.average(effects, weights=counts))
        taken = state.slope() * mean
        if taken != 0.0:
            gold[i] = rows.gold[i] - taken
            changed.append(i)
            came_back |= set(ids[known].tolist())
            if level is not None:
                apart.append((float(rows.gold[i]) - level, float(gold[i]) - level))
        if level is not None:
            state.learn(mean, float(rows.gold[i]) - level)
        state.golds.append(float(gold[i]))
        state.visit(ids, values - float(np.average(values - effects, weights=counts)))
    if not changed:
        return rows, None
    before, after = np.array(apart).T
    explained = 1 - float(np.mean(after**2) / np.mean(before**2)) if np.any(before) else 0.0
    return replace(rows, gold=gold), Adjustment(len(changed), len(came_back), explained)


class _State:
    """What has been seen so far: sums and visits by prompt, the level, the slope's sums."""

    def __init__(self) -> None:
        self.total = np.zeros(0)
        self.visits = np.zeros(0)
        self.golds: deque[float] = deque(maxlen=LEVEL_ROWS)
        self.rows = 0
        self.sums = np.zeros(5)  # 1, x, y, x x, x y; by MEMORY
        self.squares = 0.0

    def level(self) -> float | None:
        return float(np.mean(self.golds)) if len(self.golds) == LEVEL_ROWS else None

    def effects(self, ids: IntArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Best linear prediction of each prompt's level about the mean of all that have been seen,
        0 where it is new; and which are not new."""
        size = int(ids.max()) + 1
        if size > len(self.total):
            grown = max(size, 2 * len(self.total))
            self.total = np.pad(self.total, (0, grown - len(self.total)))
            self.visits = np.pad(self.visits, (0, grown - len(self.visits)))
        known = self.visits[ids] > 0
        every = self.total / (self.visits + SHRINK)
        # without a fixed mean the levels and the run's course could drift against each other
        mean = float(every.sum()) / max(int(np.count_nonzero(self.visits)), 1)
        return np.where(known, every[ids] - mean, 0.0), known

    def visit(self, ids: IntArray, apart: FloatArray) -> None:
        np.add.at(self.total, ids, apart)
        np.add.at(self.visits, ids, 1.0)

    def learn(self, x: float, y: float) -> None:
        if x == 0.0:
            return
        self.rows += 1
        self.sums = MEMORY * self.sums + np.array([1.0, x, y, x * x, x * y])
        self.squares = MEMORY * self.squares + y * y

    def slope(self) -> float:
        """How much of a row's gold goes with its prompts' levels; 0 until that is sure."""
        if self.rows < FEWEST_ROWS:
            return 0.0
        count, sx, sy, sxx, sxy = self.sums
        var = sxx - sx * sx / count
        if var <= 0:
            return 0.0
        slope = (sxy - sx * sy / count) / var
        left = self.squares - sy * sy / count - slope * slope * var
        error = np.sqrt(max(left, 0.0) / max(count - 2, 1.0) / var)
        return float(np.clip(slope, 0.0, MOST_SLOPE)) if slope > SURE * error else 0.0


def _cells(prompts: pl.DataFrame, rows: Rows) -> dict[int, tuple[IntArray, FloatArray, FloatArray]]:
    """Prompt numbers, mean gold and responses of each step, for the steps of the rows."""
    counts = pl.col("n") if "n" in prompts.columns else pl.lit(1)
    frame = (
        prompts.select(
            pl.col("step").cast(pl.Int64),
            pl.col("prompt_id").cast(pl.String),
            pl.col("gold_reward").cast(pl.Float64, strict=False),
            counts.cast(pl.Float64).alias("n"),
        )
        .filter(
            pl.col("gold_reward").is_finite()
            & (pl.col("n") > 0)
            & pl.col("step").is_in(rows.step.tolist())
        )
        .sort("step", "prompt_id")
    )
    if frame.is_empty() or frame["prompt_id"].n_unique() == frame.height:
        return {}
    frame = frame.with_columns(pl.col("prompt_id").rank("dense").cast(pl.Int64).alias("id") - 1)
    found = {}
    for (step,), part in frame.group_by("step", maintain_order=True):
        found[int(str(step))] = (
            part["id"].to_numpy(),
            part["gold_reward"].to_numpy(),
            part["n"].to_numpy(),
        )
    return found
