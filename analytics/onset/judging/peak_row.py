"""The peak's interval as plain values: which of two intervals is the headline, and the model's.

After an alarm, and where Gao et al.'s curves are not rejected, the headline is the interval of the
average over humps; else the shape-only set, which assumes nothing but up, then down.
"""

from __future__ import annotations

import numpy as np

from analytics.onset.errors.noise import EXACT
from analytics.onset.evidence.pooling import Looks
from analytics.onset.evidence.verdict_keys import Peak, PeakModel
from analytics.onset.judging.decision import Evidence, climbs

CREDIBLE = 0.95
"""Posterior probability inside a headline interval of nominally 90 %: gold follows none of the
averaged curves exactly. Its coverage by shape is measured (docs/methods.md)."""

LEAST_SHARE = 0.8
"""Posterior of Gao's family, against humps whose rise and fall are free, from which on the average
is the headline: below it the shape is not known, and nothing but the shape is assumed."""
TRUSTED_SHARE = 0.9
"""The same, from which on the peak of Gao's family alone is told."""


def peak_row(evidence: Evidence) -> Peak | None:
    """The headline: kl, step and gold of the peak with 90 % intervals; None without a test.

    method is "average" (humps, after an alarm, where Gao's curves fit) or "shape" (up, then down).
    """
    found = evidence.peak
    if found is None:
        return None
    looks = evidence.looks
    inside = slice(evidence.tested + found.first, evidence.tested + found.last + 1)
    mode = evidence.tested + found.mode
    # a peak that the test cannot tell from "still rising" has no upper bound
    open_end = not evidence.past_peak or evidence.tested + found.last == len(looks) - 1
    peak: Peak = {
        "kl": None,
        "kl_low": None,
        "kl_high": None,
        "step": round(float(looks.step[mode])),
        "step_low": int(looks.step_start[inside][0]),
        "step_high": None if open_end else int(looks.step_end[inside][-1]),
        "gold": found.gold * evidence.scale,
        "method": "shape",
    }
    if evidence.axis == "kl":
        kl = looks.kl[inside]
        peak["kl"] = float(looks.kl[mode])
        peak["kl_low"] = max(0.0, float(np.min(kl)))
        peak["kl_high"] = None if open_end else max(0.0, float(np.max(kl)))
    exact = evidence.noise is not None and evidence.noise.phrase == EXACT
    if exact and not evidence.smoothed:
        _sharpen(peak, evidence, mode)
    elif uses_average(evidence):
        _narrow(peak, evidence)
    return peak


def model_row(evidence: Evidence) -> PeakModel | None:
    """The peak if gold follows Gao's curve; None without KL or with too few looks.

    alpha and beta are those of `form`. kl and its 90 % interval: method "fieller" takes the form
    as known (best-of-n), "average" runs over the five exponents between RL and best-of-n. They are
    null where other humps explain the looks about as well (trusted), or Gao's do not.
    """
    fit, average = evidence.model, evidence.average
    if fit is None:
        return None
    row: PeakModel = {
        "form": fit.form,
        "kl": fit.kl,
        "kl_low": fit.kl_low,
        "kl_high": fit.kl_high,
        "alpha": fit.alpha * evidence.scale,
        "beta": fit.beta * evidence.scale,
        "intercept": fit.intercept * evidence.scale,
        "chi_square": fit.chi_square,
        "freedom": fit.freedom,
        "p": fit.p,
        "fits": fit.fits,
        "method": "fieller",
        "trusted": average is not None and average.gao_share >= TRUSTED_SHARE,
    }
    if fit.form == "best_of_n" or average is None:
        return row if row["trusted"] else _without_place(row)
    spot, end = average.interval(0.9, "gao"), _end(evidence)
    row |= {
        "kl": spot.kl if spot.kl < end else None,
        "kl_low": spot.low,
        "kl_high": spot.high if spot.high < end else None,
        "chi_square": average.chi_square,
        "freedom": average.freedom,
        "p": average.p,
        "fits": average.fits,
        "method": "average",
        "fieller": {"kl": fit.kl, "kl_low": fit.kl_low, "kl_high": fit.kl_high, "p": fit.p},
    }
    return row if row["trusted"] and row["fits"] else _without_place(row)


def _without_place(row: PeakModel) -> PeakModel:
    return row | {"kl": None, "kl_low": None, "kl_high": None}


def uses_average(evidence: Evidence) -> bool:
    """Whether the headline comes from the average over humps."""
    average = evidence.average
    return (
        average is not None
        and average.fits
        and average.gao_share >= LEAST_SHARE
        and evidence.past_peak
        and climbs(evidence.looks.kl[evidence.tested :])
    )


def _width(low: float, high: float) -> float:
    """In d = sqrt(KL): near 0 a ratio of KLs says little."""
    return float(np.sqrt(high) - np.sqrt(low))


def _end(evidence: Evidence) -> float:
    return float(np.max(evidence.looks.kl[evidence.tested :]))


def _narrow(peak: Peak, evidence: Evidence) -> None:
    """The average's interval where it is the narrower one, its steps by when KL was within it."""
    assert evidence.average is not None
    spot = evidence.average.interval(CREDIBLE)
    low = spot.low
    if evidence.peak is not None and evidence.peak.starts:
        # humps rise before they fall: gold that fell from its first look on may have had no rise
        low = min(low, max(0.0, float(evidence.looks.kl[evidence.tested])))
    ends = peak["kl_low"], peak["kl_high"]
    if (
        ends[0] is not None
        and ends[1] is not None
        and (_width(low, spot.high) >= _width(ends[0], ends[1]))
    ):
        return
    open_end = spot.high >= 0.99 * _end(evidence)
    first, last = steps_within(evidence.looks, evidence.tested, low, spot.high)
    middle = steps_within(evidence.looks, evidence.tested, spot.kl, spot.kl)
    peak |= {
        "kl": spot.kl,
        "kl_low": low,
        "kl_high": None if open_end else spot.high,
        "step": round((middle[0] + middle[1]) / 2),
        "step_low": int(np.floor(first)),
        "step_high": None if open_end else int(np.ceil(last)),
        "method": "average",
    }


def steps_within(looks: Looks, tested: int, low: float, high: float) -> tuple[float, float]:
    """The first step at which KL reached `low` and the last at which it was at `high` or below.

    Between looks KL is taken to run straight; where it goes back the wider span is told.
    """
    kl, step = looks.kl[tested:], looks.step[tested:]
    reached = np.maximum.accumulate(kl)
    later = np.minimum.accumulate(kl[::-1])[::-1]
    return float(np.interp(low, reached, step)), float(np.interp(high, later, step))


def _sharpen(peak: Peak, evidence: Evidence, mode: int) -> None:
    """Without noise a single row is worth as much as a look: the peak lies next to the highest."""
    rows = evidence.rows
    bounds = evidence.looks.bounds
    start = bounds[max(mode - 1, evidence.tested)][0]
    end = bounds[min(mode + 1, len(bounds) - 1)][1]
    best = start + int(np.argmax(rows.gold[start:end]))
    peak["step"], peak["gold"] = int(rows.step[best]), float(rows.gold[best])
    near = slice(max(best - 1, 0), best + 2)
    open_end = not evidence.past_peak or best == len(rows) - 1
    peak["step_low"] = int(rows.step[near][0])
    peak["step_high"] = None if open_end else int(rows.step[near][-1])
    if evidence.axis == "kl" and np.all(np.isfinite(rows.kl[near])):
        peak["kl"] = float(rows.kl[best])
        peak["kl_low"] = max(0.0, float(np.min(rows.kl[near])))
        peak["kl_high"] = None if open_end else max(0.0, float(np.max(rows.kl[near])))
