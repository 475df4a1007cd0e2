"""Where one more gold evaluation would narrow the peak's interval most, and how many it takes.

Curves of equal posterior (the model average) say how far they differ at each KL and how that goes
with the place of their peak; a measurement is worth its squared correlation with the answer.
Source: Chaloner and Verdinelli 1995 (Bayesian experimental design), linear approximation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.onset.curves.hump_average import HumpAverage
from analytics.onset.curves.humps import EXPONENTS, FALLS, humps
from analytics.onset.evidence.measurements import FloatArray

NARROWER = 0.2
"""Share by which the stated number of evaluations narrows the interval."""
MOST = 64
"""Evaluations beyond which the share is said to be out of reach."""
_EXACT = 1e-5
"""Standard error, in units of gold's range, below which gold is taken for exact."""
_CANDIDATES = 48
_AHEAD = 1.4
"""Largest d that is proposed while gold has not fallen, over the last d: twice its KL."""
_GAIN_SD = 1.5


@dataclass(frozen=True)
class NextEvaluation:
    """kl: nats; narrower: share of the interval's width that one evaluation there takes off;
    evaluations: how many take off NARROWER, None = more than MOST."""

    kl: float
    narrower: float
    evaluations: int | None


def next_evaluation(
    average: HumpAverage, d: FloatArray, gold: FloatArray, se: FloatArray, before_end: bool
) -> NextEvaluation | None:
    """The best place for one more evaluation, as precise as those nearby.

    average: of these looks; d: sqrt-nats, gold, se: (looks,); before_end: gold has fallen, so the
    KL is one that the run has passed; else one that lies ahead. None where the peak's place is
    certain, or gold has no noise.
    """
    span = float(np.ptp(gold))
    if span <= 0 or float(np.median(se)) < _EXACT * span:
        return None  # without noise one more evaluation is worth what it costs anywhere
    se = np.maximum(se, _EXACT * span)
    end = float(np.max(d))
    ends = (0.02, 1.0) if before_end else (1.0, _AHEAD)
    asked = np.linspace(*ends, _CANDIDATES) * end
    answer = np.log(average.d[average.draws[:, 1]])
    spread = float(np.var(answer))
    if spread <= 0:
        return None
    expected, within = _predictions(average, d, gold, se, asked, end)
    between = np.var(expected, axis=0)
    covariance = np.mean((expected - expected.mean(axis=0)) * (answer - answer.mean())[:, None], 0)
    order = np.argsort(d)
    noise = np.interp(asked, d[order], se[order]) ** 2
    known = between + within.mean(axis=0)
    share = np.minimum(covariance**2 / (spread * (known + noise)), 1.0)
    best = int(np.argmax(share))
    narrower = 1 - float(np.sqrt(1 - share[best]))
    # evaluations n with covariance^2 / (spread (known + noise / n)) at the wished share
    wished = 1 - (1 - NARROWER) ** 2
    left = covariance[best] ** 2 / (wished * spread) - known[best]
    count = int(np.ceil(noise[best] / left)) if left > 0 else MOST + 1
    return NextEvaluation(float(asked[best]) ** 2, narrower, count if count <= MOST else None)


def _predictions(
    average: HumpAverage,
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    asked: FloatArray,
    end: float,
) -> tuple[FloatArray, FloatArray]:
    """Expected gold at `asked` under each drawn curve and its variance given the curve, (curves,
    asked); baseline and sizes are fitted to the looks again."""
    shape, position = average.draws.T
    every = humps(np.concatenate([d, asked]) / end, average.d[position] / end)
    curves = np.arange(len(position))
    free = shape >= len(EXPONENTS)
    rise, fall = np.divmod(shape - len(EXPONENTS), len(FALLS))
    first = np.where(
        free[:, None],
        every.rises[np.where(free, rise, 0), curves],
        every.gao[np.where(free, 0, shape), curves],
    )
    second = np.where(free[:, None], every.falls[np.where(free, fall, 0), curves], 0.0)
    columns = np.stack([np.ones_like(first), first, second], axis=2)
    looks, new = columns[:, : len(d)], columns[:, len(d) :]
    left = looks / se[None, :, None]
    ridge = 1 / (_GAIN_SD * float(np.ptp(gold))) ** 2
    information = left.swapaxes(1, 2) @ left + ridge * np.diag([1e-9, 1.0, 1.0])
    covariance = np.linalg.inv(information)
    sizes = covariance @ (left.swapaxes(1, 2) @ (gold / se)[:, None])
    expected = (new @ sizes)[..., 0]
    within = np.einsum("cai,cij,caj->ca", new, covariance, new)
    return expected, within
