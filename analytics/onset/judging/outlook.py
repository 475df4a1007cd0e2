"""What follows from the peak: forecast, first loss of 1 %, cliff, and the next gold evaluation.

Each is a plain value, or null with its reason in the verdict's key `withheld`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from analytics.onset.curves.fits import has_form
from analytics.onset.curves.next_evaluation import NARROWER
from analytics.onset.evidence.verdict_keys import (
    Adjustment,
    Cliff,
    Forecast,
    NextEvaluation,
    Outlook,
    Place,
)
from analytics.onset.judging.decision import Evidence, climbs
from analytics.onset.judging.peak_row import steps_within
from analytics.onset.sentences import withheld

SURE_CLIFF = 0.9
"""Posterior of an abrupt fall from which its place is told."""

T = TypeVar("T")
Found = tuple[T | None, str | None]
"""What is known, or why it is not: a part of a sentence."""


def outlook(evidence: Evidence, facts: Mapping[str, Any]) -> Outlook:
    """The keys forecast, kl_1_percent, cliff, next_evaluation and withheld of a verdict.

    kl_1_percent: first KL after the peak at which expected gold is more than 1 % of its gain below
    it, null where the peak may lie at the start. withheld: the reason, a part of a sentence, for
    each of the four that is null.
    """
    forecast, no_forecast = _forecast(evidence, facts)
    one_percent, no_percent = _one_percent(evidence)
    cliff, no_cliff = _cliff(evidence)
    following, no_next = _next(evidence)
    why = {
        "forecast": no_forecast, "kl_1_percent": no_percent, "cliff": no_cliff,
        "next_evaluation": no_next,
    }  # fmt: skip
    return {
        "forecast": forecast,
        "kl_1_percent": one_percent,
        "cliff": cliff,
        "next_evaluation": following,
        "withheld": {name: reason for name, reason in why.items() if reason is not None},
    }


def _forecast(evidence: Evidence, facts: Mapping[str, Any]) -> Found[Forecast]:
    if evidence.test is None:
        return None, withheld.TOO_FEW
    if evidence.past_peak:
        return None, withheld.FALLEN
    if evidence.axis == "kl" and not has_form(facts):
        return None, withheld.NO_FORM
    why = _no_curve(evidence)
    if why is not None:
        return None, why
    ahead = evidence.forecast
    if ahead is None:
        return None, withheld.FEW_KL
    if ahead.refused is not None:
        return None, withheld.refused(ahead.refused)
    if not np.all(np.isfinite([ahead.kl, ahead.low, ahead.high, ahead.gold, ahead.gain])):
        return None, withheld.STILL
    assert evidence.model is not None
    return {
        "kl": ahead.kl,
        "kl_low": ahead.low,
        "kl_high": ahead.high,
        "gold": ahead.gold * evidence.scale,
        "gain": ahead.gain * evidence.scale,
        "form": evidence.model.form,
        "siblings": evidence.shared.runs if evidence.shared is not None else 0,
    }, None


def _one_percent(evidence: Evidence) -> Found[Place]:
    why = _no_fall(evidence)
    average = evidence.average
    if why is not None or average is None:
        return None, why
    if evidence.peak is not None and evidence.peak.starts:
        return None, withheld.NO_GAIN
    if not average.fits:
        return None, withheld.NO_GAO
    spot = average.one_percent
    end = float(np.max(evidence.looks.kl[evidence.tested :]))
    return {
        "kl": spot.kl if spot.kl <= end else None,
        "kl_low": spot.low,
        "kl_high": spot.high if spot.high <= end else None,
    }, None


def _cliff(evidence: Evidence) -> Found[Cliff]:
    why = _no_fall(evidence)
    average = evidence.average
    if why is not None or average is None:
        return None, why
    if not average.some_hump_fits:
        return None, withheld.NO_CURVE_FITS
    if average.cliff_share < SURE_CLIFF:
        return None, withheld.unsure_cliff(average.cliff_share)
    spot = average.cliff
    return {
        "kl": spot.kl,
        "kl_low": spot.low,
        "kl_high": spot.high,
        "probability": average.cliff_share,
    }, None


def _next(evidence: Evidence) -> Found[NextEvaluation]:
    if evidence.test is None:
        return None, withheld.TOO_FEW
    why = _no_curve(evidence)
    if why is not None:
        return None, why
    assert evidence.average is not None
    if not evidence.average.some_hump_fits:
        return None, withheld.NO_CURVE_FITS
    following = evidence.following
    if following is None:
        return None, withheld.NARROWEST
    kl = evidence.looks.kl[evidence.tested :]
    each = evidence.looks.n_responses[evidence.tested :][int(np.argmin(np.abs(kl - following.kl)))]
    inside = following.kl <= float(np.max(kl))
    steps = steps_within(evidence.looks, evidence.tested, following.kl, following.kl)
    needed = following.evaluations
    return {
        "kl": following.kl,
        "step": round(sum(steps) / 2) if inside else None,
        "narrower": following.narrower,
        "evaluations": needed,
        "responses": round(needed * float(each)) if needed and np.isfinite(each) else None,
        "for": NARROWER,
    }, None


def _no_fall(evidence: Evidence) -> str | None:
    if evidence.test is None:
        return withheld.TOO_FEW
    return withheld.NOT_FALLEN if not evidence.past_peak else _no_curve(evidence)


def _no_curve(evidence: Evidence) -> str | None:
    """Why no curve over KL can be drawn, None where one can."""
    if evidence.axis != "kl":
        return withheld.NO_KL
    if not climbs(evidence.looks.kl[evidence.tested :]):
        return withheld.KL_BACK
    if evidence.average is None:
        return withheld.FEW_TO_AVERAGE
    return None


def adjustment_row(evidence: Evidence) -> Adjustment | None:
    """What the prompts' own levels took out of gold, None where nothing.

    rows: adjusted gold rows; prompts: that came back; explained: share of the rows' variance;
    se_ratio: standard error of the looks over what it would be without.
    """
    done = evidence.adjustment
    if done is None:
        return None
    return {
        "rows": done.rows,
        "prompts": done.prompts,
        "explained": done.explained,
        "se_ratio": evidence.se_ratio,
    }
