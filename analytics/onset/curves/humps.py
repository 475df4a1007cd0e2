"""Humps: shapes of expected gold that rise to one peak and fall after it, over d = sqrt(KL).

Gao et al.'s family (five exponents, one gain each) and a wide family whose rise and fall are
chosen apart, each with a size of its own: it holds kinks, cliffs and late rises that no formula
of the field has. Source: Gao et al. 2022 (arXiv 2210.10760), section 1; docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.computing.kept import kept
from analytics.gao import normalised_gold
from analytics.onset.evidence.measurements import FloatArray

EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def _smooth(x: FloatArray) -> FloatArray:
    inside = np.clip(x, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside))


Rise = Callable[[FloatArray], FloatArray]
Fall = Callable[[FloatArray, FloatArray], FloatArray]

RISES: dict[str, Rise] = {
    "straight": lambda x: x,
    "bent": lambda x: x**0.75,
    "root": lambda x: np.sqrt(x),
    "parabola": lambda x: 1 - (1 - x) ** 2,
    "smooth": _smooth,
    "late": lambda x: _smooth((x - 0.4) / 0.6),
    "saturating": lambda x: (1 - np.exp(-3 * x)) / (1 - np.exp(-3)),
    "early": lambda x: 1 - np.exp(-8 * x),
    "square": lambda x: x**2,
}
"""Rise from 0 to 1 over x = d / d*, for x in [0, 1]."""

FALLS: dict[str, Fall] = {
    "straight": lambda s, p: np.maximum(s / p - 1, 0),
    "parabola": lambda s, p: np.maximum(s / p - 1, 0) ** 2,
    "root": lambda s, p: np.sqrt(np.maximum(s / p - 1, 0)),
    "levelling": lambda s, p: 1 - np.exp(-2 * np.maximum(s / p - 1, 0)),
    "smooth": lambda s, p: _smooth(s / p - 1),
    "cliff": lambda s, p: np.clip((s - p) / 0.1, 0, 1),
    "slope": lambda s, p: np.clip((s - p) / 0.3, 0, 1),
    "smooth_cliff": lambda s, p: _smooth((s - p) / 0.3),
}
"""Fall from 0 at the peak, over s = d / last d and the peak's own place p on that scale."""

ABRUPT = tuple(name in ("cliff", "smooth_cliff") for name in FALLS)
"""Falls that are over within a tenth, or the steepest part of three tenths, of the run's d."""


@dataclass(frozen=True)
class Humps:
    """Curves over the looks for every position of the peak, (shapes, positions, looks).

    place: (looks,) d over the last d; peaks: (positions,), on the same scale. gao: R / R*;
    rises: the rise alone, level after the peak; falls: minus the fall alone.
    """

    place: FloatArray
    peaks: FloatArray
    gao: FloatArray
    rises: FloatArray
    falls: FloatArray


def humps(place: FloatArray, peaks: FloatArray) -> Humps:
    """Every shape at every position of its peak; place >= 0, peaks > 0."""
    s, p = place[None, :], peaks[:, None]
    x = s / p
    risen = np.minimum(x, 1.0)
    return Humps(
        place,
        peaks,
        np.stack([normalised_gold(x, g) for g in EXPONENTS]),
        np.stack([rise(risen) for rise in RISES.values()]),
        np.stack([-fall(s, p) for fall in FALLS.values()]),
    )


@kept(8)
def one_percent_below(loss: float = 0.01) -> FloatArray:
    """d / d* at which each of Gao's curves has lost `loss` of its gain, shape (exponents,).

    Bisection on the falling side, to 1e-12.

    >>> one_percent_below().round(4).tolist()
    [1.1447, 1.1285, 1.1166, 1.1074, 1.1]
    """
    low, high = np.ones(len(EXPONENTS)), np.full(len(EXPONENTS), 2.0)
    for _ in range(45):
        middle = (low + high) / 2
        gold = np.array(
            [float(normalised_gold(x, g)) for x, g in zip(middle, EXPONENTS, strict=True)]
        )
        above = gold > 1 - loss
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def fall_reached(share: FloatArray, peaks: FloatArray, fall: str) -> FloatArray:
    """d (over the last d) at which a fall has reached `share` of its unit, inf where it never
    does; share, peaks: broadcastable."""
    s = np.asarray(share, dtype=np.float64)
    never = np.where(s <= 1, 0.0, np.inf)
    inside = np.clip(s, 0, 1)
    smooth = 0.5 - np.sin(np.arcsin(1 - 2 * inside) / 3)
    places = {
        "straight": peaks * (1 + s),
        "parabola": peaks * (1 + np.sqrt(s)),
        "root": peaks * (1 + s**2),
        "levelling": peaks * (1 - np.log(np.maximum(1 - s, 1e-300)) / 2) + never,
        "smooth": peaks * (1 + smooth) + never,
        "cliff": peaks + 0.1 * s + never,
        "slope": peaks + 0.3 * s + never,
        "smooth_cliff": peaks + 0.3 * smooth + never,
    }
    return np.asarray(places[fall])
