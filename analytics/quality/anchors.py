"""Does the judge drift, as its anchors tell: false drift, drifts found, and what the alarm gains.

There are 21 evaluations, a plan is stated. The gain of gold up to its peak is 1, an evaluation's
error .05. The judge scores 30 anchors each time, their mean has an error of .03.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import polars as pl

from analytics import onset
from analytics.measured.rows import AnchorRow
from analytics.onset.evidence.measurements import FloatArray
from analytics.onset.labels.judge_drift import judge_drift
from analytics.quality.medians import median, rounded
from analytics.simulated import D_END, curve
from analytics.wording import fixed, number

LOOKS, ANCHORS, STEPS_APART = 21, 30, 10
GOLD_ERROR, ERROR = 0.05, 0.03
ONSET = ("overoptimized", "collapsed")
D = np.linspace(0, D_END, LOOKS)
Scatter = Callable[[np.random.Generator, tuple[int, int]], FloatArray]
SD = ERROR * np.sqrt(ANCHORS)

JUDGES: dict[str, Scatter] = {
    "normal": lambda rng, size: SD * rng.standard_normal(size),
    "heavy tails (t3)": lambda rng, size: SD * rng.standard_t(3, size) / np.sqrt(3),
    "whole points of five": lambda rng, size: _points(rng, size),
    "repeats itself but for 2 %": lambda rng, size: (rng.random(size) < 0.02) * rng.choice(
        [-1.0, 1.0], size[1]),
    "repeats itself": lambda rng, size: np.zeros(size),
}  # fmt: skip
"""What a stable judge's scores of a fixed response do, (evaluations, anchors)."""
DRIFTS: dict[str, Callable[[np.random.Generator], FloatArray]] = {
    "none": lambda rng: np.zeros(LOOKS),
    "a step of 3 se of the anchors' mean": lambda rng: _step(rng, 3 * ERROR),
    "slow, 3 se of the anchors' mean by the end": lambda rng: _slow(3 * ERROR),
    "slow, 6 se of the anchors' mean by the end": lambda rng: _slow(6 * ERROR),
    "a step of -3 se of gold": lambda rng: _step(rng, -3 * GOLD_ERROR),
}


def measure(runs: int, seed: int, drifts: tuple[str, ...] | None = None) -> list[AnchorRow]:
    """One row a kind of stable judge (the share told to drift), then one a drift of a normal one:
    the share told, how many evaluations later, and what the verdict says of flat and falling gold
    with the anchors and without. Stable judges are measured on five times as many runs, as they
    need no verdict. drifts: of `DRIFTS`, None = all, and the stable judges."""
    stable = [] if drifts else [_stable(name, 5 * runs, seed) for name in JUDGES]
    return stable + [_drifting(name, runs, seed) for name in drifts or DRIFTS]


def sentence(row: Mapping[str, Any]) -> str:
    """One row in words, for the terminal."""
    sentence = (
        f"{row['judge']}, drift {row['drift']}: told in {fixed(row['told'], 3)} ± "
        f"{fixed(row['told_se'], 3)} of {row['runs']}"
    )
    if "flat" not in row:
        return sentence
    late = "never" if row["later"] is None else f"{number(row['later'])} evaluations later"
    return (
        f"{sentence}, {late}; false alarms {fixed(row['flat'], 3)} (without anchors "
        f"{fixed(row['flat_without'], 3)}), falls called {fixed(row['falling'], 3)} (without "
        f"{fixed(row['falling_without'], 3)})"
    )


def scores(scatter: FloatArray, level: FloatArray, moved: FloatArray) -> pl.DataFrame:
    """Anchors' scores as `anchors` of a verdict; scatter: (evaluations, anchors), level of each."""
    every = level + scatter + moved[:, None]
    return pl.DataFrame({
        "step": np.repeat(np.arange(len(moved)) * STEPS_APART, scatter.shape[1]),
        "prompt_id": np.tile(np.arange(scatter.shape[1]).astype(str), len(moved)),
        "response": "fixed", "score": every.ravel(),
    })  # fmt: skip


def _stable(name: str, runs: int, seed: int) -> AnchorRow:
    false_drifts = []
    for i in range(runs):
        rng = np.random.default_rng([seed, i, *name.encode()])
        scatter = JUDGES[name](rng, (LOOKS, ANCHORS))
        found = judge_drift(scores(scatter, rng.standard_normal(ANCHORS), np.zeros(LOOKS)))
        false_drifts.append(found is not None and found.found)
    share, error = _share(false_drifts)
    return {"judge": name, "drift": "none", "runs": runs, "told": share, "told_se": error}


def _drifting(name: str, runs: int, seed: int) -> AnchorRow:
    found, later = [], []
    ended: dict[str, list[bool]] = {
        key: [] for key in ("flat", "flat_without", "falling", "falling_without")
    }
    for i in range(runs):
        rng = np.random.default_rng([seed, i, *name.encode()])
        moved = DRIFTS[name](rng)
        anchors = scores(JUDGES["normal"](rng, (LOOKS, ANCHORS)), np.zeros(ANCHORS), moved)
        errors = GOLD_ERROR * rng.standard_normal(LOOKS)
        for kind, truth in (("flat", 0 * D), ("falling", curve("mid", D, D_END / 2, rng))):
            for end, how in (("", anchors), ("_without", None)):
                row = _judged(truth + moved + errors, how)
                ended[kind + end].append(row["status"] in ONSET)
                if kind == "flat" and how is not None:
                    since = row["judge_drift"]["since"]
                    found.append(since is not None)
                    begun = np.flatnonzero(moved)[0] if np.any(moved) else 0
                    later.append(np.inf if since is None else since / STEPS_APART - begun)
    shares = dict[str, float | None]()
    for key, values in (("told", found), *ended.items()):
        shares[key], shares[f"{key}_se"] = _share(values)
    late = median(np.array(later))[0]
    row = {"judge": "normal", "drift": name, "runs": runs, "later": late, **shares}
    return cast("AnchorRow", row)


def _judged(gold: FloatArray, anchors: pl.DataFrame | None) -> Mapping[str, Any]:
    step = np.arange(LOOKS) * STEPS_APART
    rows = pl.DataFrame({
        "source": "evaluation", "step": step, "gold_reward": gold, "gold_reward_se": GOLD_ERROR,
        "n_prompts": 400, "kl": D**2,
    })  # fmt: skip
    path = pl.DataFrame({"step": step, "stretch": 0, "kl": D**2, "proxy_reward": D / D_END})
    facts = {"gold_kind": "score", "kl_conversion": "exact", "max_steps": int(step[-1])}
    return onset.verdict(rows, path, facts, anchors=anchors).row


def _points(rng: np.random.Generator, size: tuple[int, int]) -> FloatArray:
    level = 3 + rng.standard_normal(size[1])
    return np.clip(np.round(level + 0.35 * rng.standard_normal(size)), 1, 5) - level


def _step(rng: np.random.Generator, size: float) -> FloatArray:
    return np.where(np.arange(LOOKS) >= rng.integers(5, LOOKS - 5), size, 0.0)


def _slow(size: float) -> FloatArray:
    return size * np.linspace(0, 1, LOOKS)


def _share(values: list[bool]) -> tuple[float | None, float | None]:
    smooth = (sum(values) + 1) / (len(values) + 2)
    error = float(np.sqrt(smooth * (1 - smooth) / len(values)))
    return rounded(sum(values) / len(values)), rounded(error)
