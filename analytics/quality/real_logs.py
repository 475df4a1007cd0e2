"""The committed logs of genuine small trainings, and what their truth is.

Policies of up to two layers were trained against learnt proxies where gold can be computed;
`bench/real_runs` has the trainings and says what they are. A team's log of each run has gold on 512
responses an evaluation; the truth is gold on 4,096 others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analytics.onset.evidence.measurements import FloatArray, IntArray

LOGS = Path(__file__).resolve().parents[2] / "bench" / "real_runs" / "logs"
UNITS = 56
"""Gold is a multiple of one over this."""
WAYS = {
    "stated": "512 responses to 64 prompts, error over prompts",
    "few": "64 responses to 16 prompts, error over prompts",
    "spread": "512 responses to 64 prompts, their spread and number, no prompts",
    "bare": "512 responses to 64 prompts, gold alone",
}
"""How gold is logged, from the same responses."""
FALLEN = 0.25
"""Of gold's range over the run, below the highest evaluation at the end: a falling run."""
KEPT = 0.05
"""The same for a healthy run: at most this, or what 4,096 responses cannot tell from nothing."""
WENT_BACK = 0.6
"""KL at the end over the largest of the run, below which KL walked back."""


def logged(labels: pl.DataFrame, way: str) -> pl.DataFrame:
    """run_id, step, gold_reward and what else a way of logging states, one row an evaluation.

    labels: run_id, step, prompt, gold (list of 8, in 1 / UNITS). Raises KeyError for no such way.
    """
    WAYS[way]
    if way == "few":
        labels = labels.filter(pl.col("prompt") < 16).with_columns(pl.col("gold").list.head(4))
    gold = labels.with_columns(pl.col("gold").list.eval(pl.element().cast(pl.Float64) / UNITS))
    if way == "spread":
        each = gold.explode("gold").group_by("run_id", "step", maintain_order=True)
        return each.agg(
            pl.col("gold").mean().alias("gold_reward"),
            pl.col("gold").std().alias("gold_reward_sd"),
            pl.len().cast(pl.Int64).alias("n_responses"),
        )
    each = gold.with_columns(
        pl.col("gold").list.mean().alias("mean"), pl.col("gold").list.len().alias("n")
    ).group_by("run_id", "step", maintain_order=True)
    stated = each.agg(
        pl.col("mean").mean().alias("gold_reward"),
        (pl.col("mean").std() / pl.len().sqrt()).alias("gold_reward_se"),
        pl.len().cast(pl.Int64).alias("n_prompts"),
        pl.col("n").sum().cast(pl.Int64).alias("n_responses"),
    )
    return stated.select("run_id", "step", "gold_reward") if way == "bare" else stated


def team_log(logs: RealRuns, way: str) -> pl.DataFrame:
    """Every training row of every run, and gold as this way logs it in the rows that have any."""
    plain = [name for name in logs.log.columns if not name.startswith(("gold", "n_"))]
    return logs.log.select(plain).join(
        logged(logs.labels, way), on=["run_id", "step"], how="left", maintain_order="left"
    )


@dataclass(frozen=True)
class Truth:
    """What a run's gold really did, by evaluation. kind: healthy, falling, slight, walked back.

    peak: index of the highest gold; level: those that are not told from it by two standard errors.
    fallen: share of gold's range lost from the peak to the end.
    """

    step: IntArray
    kl: FloatArray
    gold: FloatArray
    se: FloatArray
    kind: str
    peak: int
    level: IntArray
    fallen: float


def truth_of(rows: pl.DataFrame) -> Truth:
    """The truth of one run; rows: step, kl, gold, gold_se in the order of steps."""
    step, kl, gold, se = (rows[name].to_numpy() for name in ("step", "kl", "gold", "gold_se"))
    peak = int(np.argmax(gold))
    lost, error = float(gold[peak] - gold[-1]), float(np.hypot(se[peak], se[-1]))
    fallen = lost / max(float(np.ptp(gold)), 1e-12)
    level = np.flatnonzero(gold[peak] - gold <= 2 * np.hypot(se, se[peak]))
    return Truth(
        step,
        kl=kl,
        gold=gold,
        se=se,
        kind=_kind(kl, fallen, lost, error),
        peak=peak,
        level=level,
        fallen=fallen,
    )


def _kind(kl: FloatArray, fallen: float, lost: float, error: float) -> str:
    if kl[-1] < WENT_BACK * np.max(kl):
        return "walked back"
    if fallen >= FALLEN and lost > 4 * error:
        return "falling"
    return "healthy" if fallen <= KEPT or lost <= 2 * error else "slight"


@dataclass(frozen=True)
class RealRuns:
    """The committed set. log: every training row with gold as `stated`; labels; truth by run."""

    log: pl.DataFrame
    labels: pl.DataFrame
    truths: dict[str, Truth]


def real_runs(folder: Path = LOGS) -> RealRuns:
    """Read the set. Raises FileNotFoundError where the folder lacks it."""
    truth = pl.read_parquet(folder / "truth.parquet").sort("run_id", "step")
    parts: dict[Any, pl.DataFrame] = truth.partition_by("run_id", as_dict=True, maintain_order=True)
    return RealRuns(
        pl.read_parquet(folder / "log.parquet"),
        pl.read_parquet(folder / "labels.parquet"),
        {str(name): truth_of(rows) for (name,), rows in parts.items()},
    )
