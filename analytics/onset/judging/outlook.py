"""What follows from the peak: forecast, first loss of 1 %, cliff, and the next gold evaluation.

Each is a plain value, or null with its reason in the verdict's key `withheld`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from analytics.onset.curves.fits import has_form
from analytics.onset.curves.forecast import FEWEST_LOOKS
from analytics.onset.curves.hump_average import FEWEST_LOOKS as FEWEST_TO_AVERAGE
from analytics.onset.curves.next_evaluation import NARROWER
from analytics.onset.evidence.verdict_keys import (
    Adjustment,
    Cliff,
    Forecast,
    NextEvaluation,
    Outlook,
    Place,
    VerdictRow,
)
from analytics.onset.judging.decision import Evidence, climbs
from analytics.onset.judging.peak_row import steps_within
from analytics.wording import MISSING, OPEN, alike, count, fixed, number, percent, whole

SURE_CLIFF = 0.9
"""Posterior of an abrupt fall from which its place is told."""
LEAST_NARROWER = 0.05
"""Of the peak's interval: less of it changes no decision."""
FORM_NAMES = {"rl": "RL", "best_of_n": "best-of-n"}

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
        return None, "there are too few gold evaluations"
    if evidence.past_peak:
        return None, "gold has fallen already"
    if evidence.axis == "kl" and not has_form(facts):
        return None, "no form of gold over KL is known for this optimiser"
    why = _no_curve(evidence)
    if why is not None:
        return None, why
    ahead = evidence.forecast
    if ahead is None:
        return None, f"there are fewer than {FEWEST_LOOKS} evaluations at different KL"
    if ahead.refused is not None:
        return None, ahead.refused
    if not np.all(np.isfinite([ahead.kl, ahead.low, ahead.high, ahead.gold, ahead.gain])):
        return None, "gold moves by too little for a fit"
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
        return None, "gold may have been falling from its first evaluation on, without any gain"
    if not average.fits:
        return None, "Gao et al.'s curves do not fit, and without one its place is guesswork"
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
        return None, "no curve of the model fits this gold"
    if average.cliff_share < SURE_CLIFF:
        return None, f"an abrupt fall has a probability of {fixed(average.cliff_share, 2)} only"
    spot = average.cliff
    return {
        "kl": spot.kl,
        "kl_low": spot.low,
        "kl_high": spot.high,
        "probability": average.cliff_share,
    }, None


def _next(evidence: Evidence) -> Found[NextEvaluation]:
    if evidence.test is None:
        return None, "there are too few gold evaluations"
    why = _no_curve(evidence)
    if why is not None:
        return None, why
    assert evidence.average is not None
    if not evidence.average.some_hump_fits:
        return None, "no curve of the model fits this gold"
    following = evidence.following
    if following is None:
        return None, "the peak's place cannot be narrowed further"
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
        return "there are too few gold evaluations"
    return "gold has not been shown to fall" if not evidence.past_peak else _no_curve(evidence)


def _no_curve(evidence: Evidence) -> str | None:
    """Why no curve over KL can be drawn, None where one can."""
    if evidence.axis != "kl":
        return "KL is not known"
    if not climbs(evidence.looks.kl[evidence.tested :]):
        return "KL goes back along the run, so gold is no function of it"
    if evidence.average is None:
        return f"fewer than {FEWEST_TO_AVERAGE} evaluations differ in KL, or gold is constant"
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


def _adjustment_sentence(done: Adjustment) -> str:
    narrower = 1 - (done["se_ratio"] or 1.0)
    gain = f"which makes the standard errors {percent(narrower)} smaller"
    if narrower < 0.005:
        gain = "which leaves the standard errors as they are"
    return (
        f"The levels of {count(done['prompts'], 'prompt')}, known from earlier steps, were taken "
        f"out of {count(done['rows'], 'gold row')}, {gain}; evaluating the same prompts at every "
        "checkpoint would take out the rest."
    )


def sentences(row: VerdictRow) -> list[str]:
    """The outlook of a finished row in sentences that can be read out."""
    said = []
    if row["prompt_adjustment"] is not None:
        said.append(_adjustment_sentence(row["prompt_adjustment"]))
    if row["status"] == "no_onset":
        said.append(_forecast_sentence(row))
    spot = row["kl_1_percent"]
    if spot is not None and spot["kl"] is not None:
        first, reach = _spot(spot)
        said.append(
            f"Gold falls more than 1 % of its gain below the peak from KL {first} nats on "
            f"(90 %: {reach})."
        )
    cliff = row["cliff"]
    if cliff is not None:
        turn, reach = _spot(cliff)
        said.append(
            f"The fall is abrupt (probability {fixed(cliff['probability'], 2)}): gold's slope "
            f"turns at KL {turn} nats (90 %: {reach}), if it is a cliff."
        )
    if row["next_evaluation"] is not None and worth_it(row["next_evaluation"]):
        said.append(_next_sentence(row["next_evaluation"]))
    return said


def _forecast_sentence(row: VerdictRow) -> str:
    made = row["forecast"]
    if made is None:
        return f"No forecast of gold's peak: {row['withheld']['forecast']}."
    runs = made["siblings"]
    shared = f", with alpha of {count(runs, 'run')} of the same setup" if runs else ""
    when = (
        "it peaks" if (made["kl"] or 0.0) > (row["kl_end"] or 0.0) else "it is about at its peak,"
    )
    at, reach = _spot(made)
    return (
        f"Forecast: if gold goes on along Gao et al.'s {FORM_NAMES[made['form']]} curve{shared}, "
        f"{when} at KL {at} nats (90 %: {reach})."
    )


def _spot(found: Place) -> tuple[str, str]:
    """A KL and its interval, in words with the same decimals."""
    at, low, high = alike(found["kl"], found["kl_low"], found["kl_high"])
    return at, f"{low} to {OPEN if high == MISSING else high}"


def worth_it(following: NextEvaluation) -> bool:
    """Whether measuring there can change what is done: advice that cannot is not given."""
    return following["evaluations"] is not None and following["narrower"] >= LEAST_NARROWER


def _next_sentence(following: NextEvaluation) -> str:
    kl, step = f"KL {number(following['kl'])} nats", following["step"]
    told = (
        f"Next gold evaluation: at {kl} (beyond the last) another one like those so far"
        if step is None
        else f"Measure gold again at {kl}, which the run has reached (about step {whole(step)}): "
        "another evaluation like those so far, of a checkpoint saved there,"
    )
    told += f" would narrow the peak's interval most, by about {percent(following['narrower'])}"
    needed = following["evaluations"]
    if needed == 1:
        return f"{told}."
    of = f" ({count(following['responses'], 'response')})" if following["responses"] else ""
    return f"{told}; about {whole(needed)}{of} would narrow it by {percent(following['for'])}."
