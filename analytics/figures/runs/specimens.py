"""Runs that are made up, with all that a chart can mark: for the page Style and for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from analytics.figures.drawing.curves import RunCurve

ROWS, LOOKS = 60, 12


def specimen(ordinal: int, name: str = "") -> RunCurve:
    """One run whose gold rises and falls; each third has no alarm and a peak without upper end.

    Args:
        ordinal: makes it differ from others, and gives it its colour.
        name: its id; "" = a name like those of a sweep.
    """
    rate = 1.0 + 0.07 * ordinal
    step = np.arange(ROWS) * 8
    kl = (np.arange(ROWS) / 10) ** 2 * rate
    d = np.sqrt(kl)
    fallen = ordinal % 3 != 2
    top = 2.2 + 0.1 * (ordinal % 5) if fallen else 1.15 * d[-1]
    gold = 1.4 * (1 - (1 - d / top) ** 2) / rate
    proxy = 0.7 * d * rate + 0.15 * np.sin(np.arange(ROWS) * 1.7)
    rows = pl.DataFrame({
        "run_id": name, "phase": "train", "step_start": step, "step_end": step, "n_rows": 1,
        "kl": kl, "proxy_reward": proxy, "gold_reward": gold + 0.2 * np.sin(np.arange(ROWS) * 2.3),
        "response_length": 20.0 + step / 4, "entropy": 2 - step / 400,
    })  # fmt: skip
    at = np.linspace(0, ROWS - 1, LOOKS).astype(int)
    looks = pl.DataFrame({
        "step_start": step[at], "step_end": step[at], "step": step[at].astype(float), "kl": kl[at],
        "gold_reward": gold[at], "gold_se": np.full(LOOKS, 0.05), "proxy_reward": proxy[at],
    })  # fmt: skip
    base = {"proxy_reward": 0.0, "gold_reward": 0.0, "proxy_reward_sd": 1.0, "gold_reward_sd": 1.0}
    name = name or f"ppo_rm{ordinal}_seed{ordinal % 4}"
    verdict = _verdict(name, top**2, float(kl[-1]), int(step[-1]), fallen)
    return RunCurve(name, ordinal, rows, looks, verdict, base, (160, 240, 400))


def _verdict(name: str, peak: float, kl_end: float, step_end: int, fallen: bool) -> dict[str, Any]:
    at = min(int(np.sqrt(peak) * 80), step_end - 40)
    made: dict[str, Any] = {
        "run": name, "axis": "kl", "kl_end": kl_end, "step_end": step_end, "flags": [],
        "gold_evaluations": LOOKS, "gold_source": "evaluation", "p_past_peak": 0.97,
        "peak": {"kl": peak, "kl_low": 0.7 * peak, "kl_high": 1.4 * peak, "step": at,
                 "step_low": at - 30, "step_high": at + 40, "gold": 1.3},
    }  # fmt: skip
    if not fallen:
        made["peak"] |= {"kl_low": 0.8 * kl_end, "kl_high": None, "step_high": None}
        return made | {
            "status": "no_onset", "alarm": None, "gold_lost": None, "detectable": 0.3,
            "reasons": ["Gold has not fallen so far that it could be told from noise."],
            "forecast": {"kl": 1.3 * kl_end, "kl_low": 1.1 * kl_end, "kl_high": 1.6 * kl_end,
                         "gold": 1.5, "gain": 1.5, "form": "rl", "siblings": 0},
            "recommendation": {
                "action": "measure", "kl": round(1.2 * kl_end, 1), "evaluations": 2,
                "responses": 400, "reason": "The next evaluation decides most ahead of the end."},
        }  # fmt: skip
    return made | {
        "status": "overoptimized", "gold_lost": {"value": 0.8, "low": 0.5, "high": 1.1},
        "alarm": {"kl": 2.2 * peak, "step": at + 120, "statistic": 4.0, "boundary": 3.0},
        "reasons": ["Gold fell: the scan statistic crossed its boundary."],
        "recommendation": {
            "action": "candidate", "checkpoint": "checkpoint-240", "step": 240,
            "kl": round(1.6 * peak, 1), "gold": {"value": 1.2, "low": 1.0, "high": 1.4},
            "p_better": 0.99, "past_peak": True, "responses_to_confirm": 400, "gain": 0.7,
            "cost": step_end - 240,
            "reason": "Best saved candidate: checkpoint-240 (past the peak): gold 1.0 to 1.4 "
            "against 0.4 to 0.6 now, better with probability 0.99. Before you ship it, compare "
            "400 fresh responses of it with as many of the end."},
    }  # fmt: skip
