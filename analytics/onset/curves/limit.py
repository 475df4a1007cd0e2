"""How early any alarm can come that keeps its error on every gold that never falls.

Such an alarm must tell the hump from its own best never-falling fit: the rise, then a plateau.
The best test of that pair sees D_k = ||mu_1..k - fit|| in standard errors after k looks, and has
half power where D_k reaches the quantile it pays for: 1.645 for one look chosen in advance,
2.2 to 2.6 once all looks are paid for. A typical figure for a curve that is known, no theorem for
one run. Source: Robertson, Wright and Dykstra 1988; docs/methods.md (the limit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.gao import FORMS, box_cox_gold
from analytics.onset.curves.fits import GaoFit
from analytics.onset.curves.unimodal import prefix_short
from analytics.onset.evidence.measurements import FloatArray, IntArray

ONE_LOOK = 1.645
EARLY = 2.2
TYPICAL = 2.6


def distances(mean: FloatArray, se: FloatArray) -> FloatArray:
    """D_k after each look, shape (curves, looks): distance to the never-falling, in errors.

    mean: (curves, looks), expected gold; se: (looks,), same unit. 0 while the curve rises.

    >>> distances(np.array([[0.0, 1.0, 0.0]]), np.ones(3)).round(3).tolist()
    [[0.0, 0.0, 0.707]]
    """
    centred = mean - mean.mean(axis=1, keepdims=True)
    return np.sqrt(prefix_short(centred, 1 / se**2))


def typical_look(mean: FloatArray, se: FloatArray, c: float = TYPICAL) -> IntArray:
    """The first look at which D_k reaches c, -1 where it never does; (curves,)."""
    return first_reached(distances(mean, se), c)


def first_reached(distance: FloatArray, c: float) -> IntArray:
    """The first look whose distance reaches c, -1 for none; (curves, looks) to (curves,)."""
    reached = distance >= c
    return np.where(reached.any(axis=1), reached.argmax(axis=1), -1)


@dataclass(frozen=True)
class HonestAlarm:
    """The look at which a typical honest rule would call a fitted curve, for TYPICAL and EARLY.

    place, early: d in sqrt-nats or steps; look: its index, None beyond the looks that were made.
    form: "gao" or "shape", which curve was taken for true.
    """

    place: float
    early: float
    look: int | None
    form: str


def honest_alarm(
    place: FloatArray, shape: FloatArray, se: FloatArray, model: GaoFit | None
) -> HonestAlarm | None:
    """Where a typical honest rule would call the curve that these looks suggest; None if nowhere.

    place: (looks,) d or steps, in time order; shape: (looks,) the unimodal fit; se: same unit.
    A Gao curve that fits and has a peak is followed for as many looks again, evenly spaced and
    with the last error; a shape says nothing beyond its looks.
    """
    looks, form, mean = len(place), "shape", shape
    if model is not None and model.fits and model.kl is not None and np.all(np.diff(place) > 0):
        spacing = (place[-1] - place[0]) / (looks - 1)
        ahead = place[-1] + spacing * np.arange(1, looks + 1)
        place, se = np.concatenate([place, ahead]), np.pad(se, (0, looks), mode="edge")
        form = "gao"
        g = FORMS[model.form]
        # alpha of Gao's own best-of-n form d (alpha - beta d) is alpha - beta in the family's
        alpha = model.alpha - model.beta if g == 1 else model.alpha
        mean = box_cox_gold(np.maximum(place, 0), alpha, model.beta, g)
    if not np.all(se > 0):
        return None
    distance = distances(mean[None, :], se)
    typical, early = (int(first_reached(distance, c)[0]) for c in (TYPICAL, EARLY))
    if typical < 0:
        return None
    return HonestAlarm(
        float(place[typical]), float(place[early]), typical if typical < looks else None, form
    )
