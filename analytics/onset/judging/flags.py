"""What a reader must know about the log before trusting a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analytics.onset.alarm.way_back import goes_back
from analytics.onset.judging.decision import Evidence
from analytics.onset.labels.kl_honesty import UMBRELLA, Doubt

BLIND_KL_RATIO = 1.5
BLIND_KL_NATS = 0.5
BLIND_SPACINGS = 3.0
BLIND_SHARE = 0.1
_ROUNDING = -1e-6


def kl_end(evidence: Evidence) -> float | None:
    """KL at the end of the log, nats per response: mean of the last look's worth of rows."""
    logged = evidence.trajectory.kl
    if not np.any(np.isfinite(logged)):
        logged = evidence.rows.kl
    known = logged[np.isfinite(logged)][-max(1, min(evidence.size, 8)) :]
    return float(np.mean(known)) if len(known) else None


def step_end(evidence: Evidence) -> int | None:
    """The last step of gold or training rows."""
    ends = [rows.step[-1] for rows in (evidence.rows, evidence.trajectory) if len(rows)]
    return int(max(ends)) if ends else None


def flags_of(
    evidence: Evidence, facts: Mapping[str, Any], status: str, against: Sequence[Doubt] = (),
    judge_drifts: bool = False,
) -> list[str]:  # fmt: skip
    """The flags of a verdict, in a fixed order; the words are the interface's.

    against: what speaks against the logged KL; each raises its own flag and the general one.
    judge_drifts: as its anchors say.
    """
    doubted = {flag for one in against for flag in (one.flag, UMBRELLA[one.flag])}
    conversion = facts.get("kl_conversion")
    looks = evidence.looks
    any_kl = bool(
        np.any(np.isfinite(evidence.rows.kl)) or np.any(np.isfinite(evidence.trajectory.kl))
    )
    noise, test, peak = evidence.noise, evidence.test, evidence.peak
    tests = {
        "blind": is_blind(evidence),
        "kl_missing": not any_kl or (evidence.axis == "step" and len(looks) > 0),
        "kl_unit_unknown": conversion == "unknown" or "kl_unit_unknown" in doubted,
        "kl_estimator_unreliable": conversion == "unreliable"
        or "kl_estimator_unreliable" in doubted,
        **{flag: flag in doubted for flag in UMBRELLA},
        "kl_negative": bool(np.any(looks.kl[np.isfinite(looks.kl)] < _ROUNDING)),
        "kl_back_and_forth": goes_back(looks.kl[evidence.tested :]),
        "kl_went_back": evidence.back is not None,
        "alarm_withdrawn": evidence.withdrawn is not None,
        "single_evaluation": _single(evidence),
        "smoothed_gold": evidence.smoothed,
        "clustered_unknown": noise is not None and evidence.clustered_unknown,
        "gold_noise_unknown": noise is not None and not evidence.noise_known,
        "autocorrelated": noise is not None and noise.rho_rows > 0 and test is not None,
        "poor_fit": evidence.model_fits is False,
        "duplicate_steps": bool(facts.get("steps_replaced")) or evidence.rows.repeated > 0,
        "peak_at_start": evidence.past_peak and peak is not None and peak.starts,
        "prompts_vary": evidence.source == "training",
        "judge_changed": evidence.judges is not None,
        "judge_drifted": judge_drifts,
        "reference_changed": bool(
            len(np.unique(looks.stretch)) - 1 > (evidence.judges.alone if evidence.judges else 0)
            or (len(evidence.trajectory) and len(np.unique(evidence.trajectory.stretch)) > 1)
        ),
        "recovered": evidence.recovered,
        "proxy_missing": bool(facts.get("proxy_missing")),
    }
    return [flag for flag, present in tests.items() if present]


def _single(evidence: Evidence) -> bool:
    """Whether an alarm was not raised, or was withdrawn, because one evaluation carries it."""
    taken, test = evidence.withdrawn, evidence.test
    if taken is not None:
        return taken.kind == "single_evaluation"
    return test is not None and test.alarm is None and test.unborne is not None


def is_blind(evidence: Evidence) -> bool:
    """Whether the run has moved on notably since its last gold.

    KL: half as much again and at least half a nat above that of the last look. Steps: more than
    three usual distances between gold rows, and a tenth of the run.
    """
    if len(evidence.rows) == 0 or len(evidence.trajectory) == 0:
        return False
    now, then = kl_end(evidence), float(evidence.looks.kl[-1])
    ahead = float(evidence.trajectory.step[-1] - evidence.rows.step[-1])
    if now is not None and np.isfinite(then) and ahead > 0:
        far = now > BLIND_KL_RATIO * max(then, 0.0) and now > then + BLIND_KL_NATS
        if far:
            return True
    spacing = float(np.median(np.diff(evidence.rows.step))) if len(evidence.rows) > 1 else 0.0
    return ahead > BLIND_SPACINGS * spacing and ahead > BLIND_SHARE * evidence.trajectory.step[-1]
