"""How often a recommended checkpoint is better than the end, on runs whose truth is known.

A policy is saved at every second evaluation and half way between two others. Each run is judged
at its end and at the look of its alarm, where the end is what happened to be low. The honest kinds
are in it: a candidate after a false alarm is a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from analytics.measured.rows import CandidateFigures, CandidateRow, NullRow
from analytics.onset.choosing.candidates import best_candidate
from analytics.onset.choosing.other_half import other_half
from analytics.onset.curves.unimodal import misfit_by_mode, unimodal_fit
from analytics.onset.evidence.measurements import FloatArray
from analytics.onset.judging.decision import Evidence, gather
from analytics.onset.judging.flags import flags_of
from analytics.onset.judging.peak_row import peak_row
from analytics.onset.judging.recommendation import after_fall
from analytics.quality.medians import median, rounded
from analytics.simulated import HONEST, OVEROPTIMISING, SimulatedRun, gold_measurements, simulate
from analytics.wording import fixed, percent_spread, rate_text

SCENARIOS = ("base_n20_s05", "noisy_n20_s10", "sparse_n10_s05")
WHEN = ("end", "alarm")
NULL = ("as measured", "corrected for choosing", "reported on the other half")
NULL_LOOKS, NULL_PROMPTS = 21, 200
FACTS = {"gold_kind": "score", "kl_conversion": "exact"}


def measure(runs: int, seed: int, scenarios: tuple[str, ...] = SCENARIOS) -> list[CandidateRow]:
    """One row a scenario, kind and time of judging, and one of all falling kinds together."""
    rows: list[CandidateRow] = []
    for scenario in scenarios:
        found = {
            kind: judged(scenario, kind, runs // len(OVEROPTIMISING), seed)
            for kind in (*OVEROPTIMISING, *HONEST)
        }
        for when in WHEN:
            parts = {kind: part[when] for kind, part in found.items()}
            falls = np.vstack([parts[kind] for kind in OVEROPTIMISING])
            for kind, part in {**parts, "falling": falls}.items():
                rows.append(
                    {"scenario": scenario, "kind": kind, "judged_at": when, **summary(part)}
                )
    return rows


def measure_null(runs: int, seed: int) -> list[NullRow]:
    """What the best of 20 saved checkpoints that differ by chance alone is said to gain.

    In standard errors of one evaluation (for gains: of a difference) on all prompts; the truth is
    0. 200 prompts, of which half of the spread between responses is the prompts' own.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in NULL}
    steps: FloatArray = np.linspace(0.0, 200.0, NULL_LOOKS)
    equal = np.ones(NULL_LOOKS)
    saved = [int(step) for step in steps[:-1]]
    for i in range(runs):
        random = np.random.default_rng([seed, i])
        own = random.standard_normal(NULL_PROMPTS)
        cells: FloatArray = own + random.standard_normal((NULL_LOOKS, NULL_PROMPTS))
        cells = cells * np.sqrt(NULL_PROMPTS)
        gold = cells.mean(axis=1) - own.mean() * np.sqrt(NULL_PROMPTS)  # paired: levels cancel
        best = int(np.argmax(gold[:-1]))
        found["as measured"].append((gold[best], gold[best] - gold[-1]))
        mode = int(np.argmin(misfit_by_mode(gold[None], equal)[0]))
        fit = unimodal_fit(gold, equal, mode)
        one = best_candidate(saved, steps, gold, fit, equal, 0.0, np.inf)
        found["corrected for choosing"].append((one.gold.value, one.gain.value))
        half = other_half(cells, steps, saved)
        assert half is not None
        level = cells[:, 1::2].mean()
        found["reported on the other half"].append((half.gold.value - level, half.gain.value))
    return [null_row(name, np.array(rows)) for name, rows in found.items()]


def null_row(name: str, found: FloatArray) -> NullRow:
    """Mean of gold and gain, and twice the standard error of the gain's mean."""
    gain = found[:, 1] / np.sqrt(2)
    return {
        "what": f"best of {NULL_LOOKS - 1} null checkpoints, {name}", "runs": len(found),
        "gold_bias": rounded(float(found[:, 0].mean())), "gain_bias": rounded(float(gain.mean())),
        "twice_bias": rounded(2 * float(gain.std(ddof=1) / np.sqrt(len(gain)))),
    }  # fmt: skip


def judged(scenario: str, kind: str, runs: int, seed: int) -> dict[str, FloatArray]:
    """By time of judging one row a run: whether a candidate was told, its probability, whether it
    is better, whether its gold is within its interval, what it lacks to the best saved, the
    interval's width (R* units); NaN where none was told. (runs, 6)."""
    found: dict[str, list[list[float]]] = {when: [] for when in WHEN}
    for i in range(runs):
        run = simulate(kind, scenario, seed * 100_000 + i)
        at_end = _evidence(run, None)
        found["end"].append(_one(run, at_end))
        alarm = at_end.test.alarm if at_end.test is not None else None
        early = at_end if alarm is None else _evidence(run, alarm.step)
        found["alarm"].append(_one(run, early))
    return {when: np.array(rows) for when, rows in found.items()}


def summary(found: FloatArray) -> CandidateFigures:
    """Shares of what `judged` gives, each with its standard error; null where none was told."""
    recommended = found[found[:, 0] > 0]
    sure = recommended[recommended[:, 1] >= 0.9]
    right, right_se = _share(sure[:, 2])
    coverage, coverage_se = _share(recommended[:, 3])
    return {
        "runs": len(found), "told": rounded(float(found[:, 0].mean())), "right": right,
        "right_se": right_se, "coverage": coverage, "coverage_se": coverage_se,
        "lacks": median(recommended[:, 4])[0], "width": median(recommended[:, 5])[0],
    }  # fmt: skip


def _share(part: FloatArray) -> tuple[float | None, float | None]:
    share = float(part.mean()) if len(part) else np.nan
    return rounded(share), rounded(float(np.sqrt(share * (1 - share) / max(len(part), 1))))


def sentence(row: Mapping[str, Any]) -> str:
    """One row in words, for the terminal."""
    if "what" in row:
        gold, gain, error = (fixed(row[f"{key}_bias"], 2) for key in ("gold", "gain", "twice"))
        return (
            f"{row['what']}: gold too high by {gold} standard errors, gain by {gain} ± {error}, "
            f"{row['runs']} runs"
        )
    at = f"{row['scenario']}, {row['kind']}, judged at its {row['judged_at']}"
    return (
        f"{at}: a candidate in {rate_text(row['told'])} of {row['runs']}, better than the end in "
        f"{percent_spread(row['right'], row['right_se'])}; its gold within the interval in "
        f"{percent_spread(row['coverage'], row['coverage_se'])}"
    )


def _evidence(run: SimulatedRun, until: int | None) -> Evidence:
    gold = gold_measurements(run)
    path = gold.select("step", "stretch", "kl", pl.lit(None, pl.Float64).alias("proxy_reward"))
    return gather(gold, path, FACTS, None, None, until, peak_only=True)


def _one(run: SimulatedRun, evidence: Evidence) -> list[float]:
    nothing = [0.0, *[np.nan] * 5]
    if not evidence.past_peak:
        return nothing
    steps, truth = (run.frame[name].to_numpy() for name in ("step", "truth"))
    last = int(evidence.rows.step[-1])
    saved = [step + 5 * (i % 2) for i, step in enumerate(range(0, last, 20))]
    peak, flags = peak_row(evidence), flags_of(evidence, FACTS, "overoptimized")
    if peak is None:
        return nothing
    advice = after_fall(evidence, peak, flags, saved)
    if advice["action"] != "candidate":
        return nothing
    at = np.interp([advice["step"], last, *saved], steps, truth)
    gold = advice["gold"]
    return [
        1.0, advice["p_better"], float(at[0] > at[1] + 1e-9),
        float(gold["low"] <= at[0] <= gold["high"]), float(at[2:].max() - at[0]),
        gold["high"] - gold["low"],
    ]  # fmt: skip
