"""The forecast as plain values and sentences: where gold will peak, or why that is not said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.onset.decision import Evidence, climbs
from analytics.onset.fits import has_form
from analytics.onset.forecast import FEWEST_LOOKS


def forecast_row(evidence: Evidence) -> dict[str, Any] | None:
    """kl, kl_low, kl_high (90 %), form, siblings (runs that share alpha); None where refused."""
    ahead = evidence.forecast
    if ahead is None or ahead.refused is not None:
        return None
    assert evidence.model is not None
    return {
        "kl": ahead.kl,
        "kl_low": ahead.low,
        "kl_high": ahead.high,
        "form": evidence.model.form,
        "siblings": evidence.shared.runs if evidence.shared is not None else 0,
    }


def refusal(evidence: Evidence, facts: Mapping[str, Any]) -> str | None:
    """Why there is no forecast, as a part of a sentence; None where there is one."""
    if evidence.test is None:
        return "there are too few gold evaluations"
    if evidence.test.alarm is not None:
        return "gold has fallen already"
    if evidence.axis != "kl":
        return "KL is not known"
    if not has_form(facts):
        return "no form of gold over KL is known for this optimiser"
    if not climbs(evidence.looks.kl[evidence.tested :]):
        return "KL goes back along the run, so gold is no function of it"
    if evidence.forecast is None:
        return f"there are fewer than {FEWEST_LOOKS} looks at different KL, or gold is constant"
    return evidence.forecast.refused
