"""Topics sorted by evidence, not by noise: beta-binomial shrinkage (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from analytics.rates import FloatArray

_STRENGTHS = np.geomspace(0.5, 1e6, 160)


@dataclass(frozen=True)
class Shrunken:
    """Rates of topics drawn towards their common mean, arrays of shape (topics,).

    `effect` is the rate minus the mean of topics; `low`, `high` bound the rate, 95 %;
    `strength` is the number of questions that the common mean weighs as.
    """

    rate: FloatArray
    effect: FloatArray
    low: FloatArray
    high: FloatArray
    mean: float
    strength: float


def shrink(events: npt.ArrayLike, n: npt.ArrayLike) -> Shrunken:
    """Posterior of each topic's rate when rates vary between topics as Beta(mM, (1-m)M).

    M maximises the beta-binomial likelihood over a grid from .5 to a million (complete
    pooling); for each M the mean m weighs topics by n / (1 + (n-1)/(M+1)).

    Args:
        events: wrong answers by topic, in [0, n]; may be fractions (question averages).
        n: graded questions by topic; topics with 0 get the common mean.

    Source: Skellam 1948; Kleinman 1973, JASA 68:46; Efron 2010, Large-Scale Inference, ch. 1.

    >>> told = shrink([2, 10, 11, 9], [2, 100, 100, 100])
    >>> bool(0.1 < told.rate[0] < 0.9), bool(abs(told.rate[1] - 0.1) < 0.02)
    (True, True)
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if x.shape != size.shape or np.any(x < -1e-9) or np.any(x > size + 1e-9):
        raise ValueError("events must lie between 0 and n, one pair a topic")
    some = size > 0
    if not some.any():
        gone = np.full(size.shape, np.nan)
        return Shrunken(gone, gone, gone, gone, float("nan"), float("nan"))
    p = x[some] / size[some]
    # rows: strengths, columns: topics
    strength = _STRENGTHS[:, None]
    weight = size[some] / (1 + (size[some] - 1) / (strength + 1))
    mean = np.clip((weight * p).sum(axis=1) / weight.sum(axis=1), 1e-6, 1 - 1e-6)[:, None]
    a, b = mean * strength, (1 - mean) * strength
    fit = special.betaln(a + x[some], b + (size - x)[some]) - special.betaln(a, b)
    best = int(np.argmax(fit.sum(axis=1)))
    m, k = float(mean[best, 0]), float(_STRENGTHS[best])
    if some.sum() == 1:  # one topic says nothing about how topics vary
        m, k = float(p[0]), 0.5
    above, below = m * k + x, (1 - m) * k + size - x
    rate = above / (above + below)
    return Shrunken(
        rate=rate,
        effect=rate - m,
        low=special.betaincinv(above, below, 0.025),
        high=special.betaincinv(above, below, 0.975),
        mean=m,
        strength=k,
    )
