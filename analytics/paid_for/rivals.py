"""Rival explanations beside an alarm: what else moved when gold fell, as far as it was logged.

Each is compared with two baselines, the run's start and the steps just before the peak, so that
what moves in every training is not taken for news. That something moved at the onset does not make
it the cause; that it did not move is said only of what was logged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

import numpy as np
import polars as pl

from analytics.paid_for.clusters import FloatArray

SEEN, NOT_SEEN, NOT_LOGGED = "seen", "not seen", "not logged"
FEWEST_ROWS = 4
"""Rows of a number before the onset, and at it."""
SURE = 4.0
"""Standard deviations of its rows, beyond both baselines, that a number must move."""
TIMES = 1.5
"""And so many times: down to a half of a baseline is as far as up to twice of it."""
LEAST = 0.01
"""Where a baseline is 0, a number must reach this: single clipped tokens are no news."""
SPIKE = 3.0
"""Times its usual size that a single row must reach, where spikes are looked for."""


class RivalRow(TypedDict):
    """What a rival explanation looked like: key (of the log), medians at the start, before the
    peak and at the onset, and the step where it was seen."""

    rival: str
    words: str
    result: str
    key: str | None
    start: float | None
    before: float | None
    at: float | None
    step: int | None


class Rival(NamedTuple):
    """A rival explanation: the keys that would show it, and which way it goes."""

    name: str
    words: str
    keys: re.Pattern[str]
    way: str  # "up", "down", "spike"


RIVALS = (
    Rival("engine_mismatch", "the inference engine and the trainer disagree on probabilities",
          re.compile(r"sampling_logp_difference|logprob_abs_diff|rollout_probs_diff|logp_diff"
                     r"|mismatch|vllm_kl|rollout_corr/.*kl|train_infer"), "up"),
    Rival("staleness", "responses are stale or off policy",
          re.compile(r"stale|off_?policy|clip_?frac|(^|/)clip_ratio(/region_mean)?$|(^|/)ppo_kl$"
                     r"|approx_?kl|policy_lag|weight_version_lag"), "up"),
    Rival("entropy_collapse", "entropy collapses",
          re.compile(r"(^|/)(policy_)?entropy(_avg|/mean)?$"), "down"),
    Rival("cut_off", "responses are cut off at the length limit",
          re.compile(r"^clipped_share$|clipped_ratio|response_length/clip_ratio|truncat|overlong"),
          "up"),
    Rival("learning_rate", "the learning rate jumps",
          re.compile(r"(^|/)(learning_rate|lr)$"), "spike"),
    Rival("gradient", "the gradient’s norm jumps", re.compile(r"grad_?norm"), "spike"),
)  # fmt: skip


def onset_of(verdict: Mapping[str, Any]) -> tuple[float, float] | None:
    """From the peak's best step to the alarm's, of an alarm that was raised; None without one."""
    alarm, peak = verdict.get("alarm"), verdict.get("peak")
    if not alarm or not peak or peak.get("step") is None:
        return None
    return float(peak["step"]), float(alarm["step"])


def rivals(numbers: pl.DataFrame, resets: list[int], onset: tuple[float, float]) -> list[RivalRow]:
    """What each rival explanation looked like at the onset.

    Args:
        numbers: key, step, value: every number that was logged of training, in order of steps.
        resets: steps at which the proxy was retrained or the KL reference changed, as logged.
        onset: of ``onset_of``.

    Returns:
        rival, words, result ("seen", "not seen" or "not logged"), key, start, before, at (medians
        of the first tenth of the rows, of the tenth before the onset, and at the onset; of a spike
        the usual size and the largest row), step (of a spike or a reset, else null).
    """
    keys = numbers["key"].unique().sort().to_list()
    rows = []
    for one in RIVALS:
        found = [
            _looked(one, key, numbers.filter(key=key), onset)
            for key in keys if one.keys.search(key.lower())
        ]  # fmt: skip
        found.sort(key=lambda row: (SEEN, NOT_SEEN, NOT_LOGGED).index(row["result"]))
        rows.append(found[0] if found else _row(one.name, one.words, NOT_LOGGED))
    at = [step for step in resets if onset[0] <= step <= onset[1]]
    rows.append(_row("reference_change", "the KL reference or the proxy was changed",
                     SEEN if at else NOT_SEEN, step=at[0] if at else None))  # fmt: skip
    return rows


def _row(name: str, words: str, result: str, step: int | None = None) -> RivalRow:
    return {
        "rival": name, "words": words, "result": result, "key": None, "start": None,
        "before": None, "at": None, "step": step,
    }  # fmt: skip


def _looked(one: Rival, key: str, rows: pl.DataFrame, onset: tuple[float, float]) -> RivalRow:
    rows = rows.filter(pl.col("value").is_finite()).sort("step")
    step, value = rows["step"].to_numpy().astype(np.float64), rows["value"].to_numpy()
    before = value[step < onset[0]]
    inside = (step >= onset[0]) & (step <= onset[1])
    at = value[inside]
    row = _row(one.name, one.words, NOT_LOGGED)
    row["key"] = key
    if len(before) < FEWEST_ROWS or len(at) < FEWEST_ROWS:
        return row
    many = max(FEWEST_ROWS, len(value) // 10)
    start, last = before[:many], before[-many:]
    row["start"], row["before"] = float(np.median(start)), float(np.median(last))
    if one.way == "spike":
        highest = int(np.argmax(at))
        usual = float(np.median(np.concatenate([last, at])))
        beyond = max(SPIKE * abs(usual), float(np.max(before)))
        row["result"] = SEEN if at[highest] > beyond else NOT_SEEN
        row["at"], row["step"] = float(at[highest]), int(step[inside][highest])
        return row
    row["result"] = SEEN if _moved(one.way, (start, last), at) else NOT_SEEN
    row["at"] = float(np.median(at))
    return row


def _moved(way: str, baselines: tuple[FloatArray, FloatArray], at: FloatArray) -> bool:
    """Whether a number lies beyond both baselines, by its scatter and by its size."""
    now = float(np.median(at))
    for base in baselines:
        usual = float(np.median(base))
        scatter = 1.4826 * float(np.median(np.abs(base - usual)))
        far = (now - usual) * (1 if way == "up" else -1)
        times = now > max(TIMES * usual, 0 if usual else LEAST)
        times = times if way == "up" else now * TIMES < usual
        if not (far > SURE * scatter / np.sqrt(len(base)) and far > 0 and times):
            return False
    return True
