"""What gold costs: 100 labels an evaluation alone, and beside a judge of 2,000 responses.

Power on big falls, KL at the alarm over KL at the peak (misses as infinite), and false alarms at
the end of the log, through the verdict. Labels scatter by 1, the gain of gold up to its peak is 1,
there are 21 evaluations on fresh prompts, a plan is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import polars as pl

from analytics import onset
from analytics.measured.rows import CheaperGoldRow
from analytics.onset.evidence.measurements import FloatArray
from analytics.quality.medians import median, rounded
from analytics.simulated import BIG_FALL, D_END, OVEROPTIMISING, curve, honest_curve
from analytics.wording import fixed, number

LOOKS, LABELS, JUDGED, STEPS_APART = 21, 100, 2_000, 10
CORRELATIONS = (None, 0.5, 0.7, 0.85)
"""Of judge and labels; None = labels alone."""
SHAPES = OVEROPTIMISING[:3]
HONEST = ("flat", "plateau")
ONSET = ("overoptimized", "collapsed")
D = np.linspace(0, D_END, LOOKS)


def measure(
    runs: int, seed: int, correlations: tuple[float | None, ...] = CORRELATIONS
) -> list[CheaperGoldRow]:
    """One row a correlation; runs: of falling gold (Gao et al.'s three curves in turn), of flat
    gold, and half as many of gold that rises and stays."""
    return [measure_one(correlation, runs, seed) for correlation in correlations]


def measure_one(correlation: float | None, runs: int, seed: int) -> CheaperGoldRow:
    """Power and delay on big falls, false alarms, and what the judge was worth."""
    delays, worth = [], []
    for i in range(runs):
        rng = np.random.default_rng([seed, i])
        peak = D_END * rng.uniform(0.3, 0.8)
        truth = curve(SHAPES[i % len(SHAPES)], D, peak, rng)
        row = judged(truth, correlation, rng)
        worth += [row["prediction_powered"]["as_good_as"]] if row["prediction_powered"] else []
        if truth[-1] <= 1 - BIG_FALL:
            seen = row["status"] in ONSET
            delays.append(row["alarm"]["kl"] / peak**2 if seen else np.inf)
    late = np.array(delays)
    ratio, ratio_se = median(late)
    figures = {
        "correlation": correlation, "labels": LABELS, "judged": JUDGED, "runs": runs,
        "big_falls": len(late), **_share("power", np.isfinite(late)), "ratio": ratio,
        "ratio_se": ratio_se, "as_good_as": rounded(float(np.median(worth))) if worth else LABELS,
    }  # fmt: skip
    for kind in HONEST:
        count = runs if kind == "flat" else runs // 2
        ended, ever = [], []
        for i in range(count):
            rng = np.random.default_rng([seed, i, *kind.encode()])
            truth = 0 * D if kind == "flat" else honest_curve(kind, D, rng)
            row = judged(truth, correlation, rng)
            ended.append(row["status"] in ONSET)
            ever.append(row["alarm"] is not None)
        figures |= _share(kind, np.array(ended)) | _share(f"{kind}_ever", np.array(ever))
    return cast("CheaperGoldRow", figures)


def judged(
    truth: FloatArray, correlation: float | None, rng: np.random.Generator
) -> Mapping[str, Any]:
    """The verdict's row on one run; truth: (looks,)."""
    step = np.arange(LOOKS) * STEPS_APART
    trajectory = pl.DataFrame({"step": step, "stretch": 0, "kl": D**2, "proxy_reward": D / D_END})
    facts = {
        "gold_kind": "score", "kl_conversion": "exact", "max_steps": int(step[-1]),
    }  # fmt: skip
    if correlation is None:
        scores = truth[:, None] + rng.standard_normal((LOOKS, LABELS))
        gold = pl.DataFrame({
            "source": "evaluation", "step": step, "gold_reward": scores.mean(axis=1),
            "gold_reward_se": scores.std(axis=1, ddof=1) / np.sqrt(LABELS), "n_prompts": LABELS,
        })  # fmt: skip
        return onset.verdict(gold, trajectory, facts).row
    nothing = pl.DataFrame(
        schema={"source": pl.String, "step": pl.Int64, "gold_reward": pl.Float64}
    )
    return onset.verdict(nothing, trajectory, facts, scored=responses(truth, correlation, rng)).row


def responses(truth: FloatArray, correlation: float, rng: np.random.Generator) -> pl.DataFrame:
    """Responses of a run, each of a prompt of its own: the judge scored all, people the first.

    The judge's scores have another scale and level than the labels. Columns as `scored`.
    """
    looks = len(truth)
    own = rng.standard_normal((looks, JUDGED))
    noise = rng.standard_normal((looks, JUDGED))
    judge = 5 + 2 * (truth[:, None] + correlation * own + np.sqrt(1 - correlation**2) * noise)
    labelled = np.tile(np.arange(JUDGED) < LABELS, looks)
    return pl.DataFrame({
        "step": np.repeat(np.arange(looks) * STEPS_APART, JUDGED),
        "prompt_id": np.arange(looks * JUDGED), "response": np.arange(looks * JUDGED),
        "judge": judge.ravel(), "gold": (truth[:, None] + own).ravel(), "source": "human",
    }).with_columns(
        pl.when(pl.Series(labelled)).then(pl.col(name)).alias(name) for name in ("gold", "source")
    )  # fmt: skip


def sentence(row: Mapping[str, Any]) -> str:
    """One row in words, for the terminal."""
    how = "alone" if row["correlation"] is None else f"beside a judge at {row['correlation']}"
    delay = (
        "never" if row["ratio"] is None else f"{number(row['ratio'])} ± {number(row['ratio_se'])}"
    )
    return (
        f"{row['labels']} labels {how} (as good as {number(row['as_good_as'])}): power "
        f"{fixed(row['power'], 3)} on {row['big_falls']} big falls, KL at alarm : KL at peak "
        f"{delay}; false alarms flat {fixed(row['flat'], 3)} (ever {fixed(row['flat_ever'], 3)}), "
        f"plateau {fixed(row['plateau'], 3)} (ever {fixed(row['plateau_ever'], 3)})"
    )


def _share(name: str, values: np.ndarray) -> dict[str, float | None]:
    smooth = (float(np.sum(values)) + 1) / (len(values) + 2)
    error = float(np.sqrt(smooth * (1 - smooth) / len(values)))
    return {name: rounded(float(np.mean(values))), f"{name}_se": rounded(error)}
