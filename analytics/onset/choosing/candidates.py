"""Which saved checkpoint is the best candidate, and its gold without the winner's curse.

The candidate is chosen because it looks good, and compared with an end that looked bad. So a
parametric bootstrap around the unimodal fit repeats choice and measurement, and what they add on
average is taken off again (as for `gold_lost`). Between two evaluations nothing was measured: gold
that goes up, then down is nowhere between them below the worse of the two, so a checkpoint there
is chosen and compared by that one. Source: docs/methods.md (Candidates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from analytics.onset.curves.gold_lost import WIDTH
from analytics.onset.evidence.measurements import FloatArray, IntArray
from analytics.onset.evidence.verdict_keys import Interval

REPEATS = 400
SUREST = 0.99
"""Largest probability that is stated: errors have no Gaussian tails, and alarms err."""
_FULL = 1.645


class Estimate(NamedTuple):
    """A value and its 90 % interval, gold's unit."""

    value: float
    low: float
    high: float

    def times(self, scale: float) -> Estimate:
        """The same in another unit."""
        return Estimate(self.value * scale, self.low * scale, self.high * scale)

    def row(self) -> Interval:
        """As it stands in a verdict."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Candidate:
    """A saved checkpoint: gold there, how far it is above now, gold now, and the probability that
    it is above now."""

    step: int
    gold: Estimate
    gain: Estimate
    now: Estimate
    better: float


@dataclass(frozen=True)
class _Places:
    """Evaluations before and after each checkpoint (the same where it has its own), (saved,);
    share: how far it lies from the first to the second."""

    before: IntArray
    after: IntArray
    share: FloatArray


def measured(saved: Sequence[int], steps: FloatArray) -> list[int]:
    """The checkpoints whose gold can be told: at an evaluation before the last, or between two.

    Just before the last evaluation gold may be as low as there: no such checkpoint is better.

    steps: (looks,) ascending.

    >>> measured([5, 10, 15, 20, 25, 30], np.array([10.0, 20.0, 30.0]))
    [10, 15, 20]
    """
    last = len(steps) - 1
    found = []
    for step in sorted(set(saved)):
        after = int(np.searchsorted(steps, step))
        own = after < last and steps[after] == step
        if own or 0 < after < last:
            found.append(step)
    return found


def best_candidate(
    saved: Sequence[int], steps: FloatArray, gold: FloatArray, fit: FloatArray, se: FloatArray,
    rho: float, freedom: float,
) -> Candidate:  # fmt: skip
    """The best of some checkpoints, at least one, all of `measured`.

    steps, gold, fit (unimodal), se: (looks,); rho: correlation of neighbouring looks; freedom:
    degrees of freedom behind se, inf = known. The seed is fixed.
    """
    scale = float(np.max(np.abs(gold))) or 1.0
    y, truth, error = gold / scale, fit / scale, np.maximum(se / scale, 1e-7)
    places = _places(saved, steps)
    truth = shrunk(truth, y, error, rho)
    curves = truth + error * _errors(len(y), rho)
    few = 1 + 1.5 / max(freedom, 1.0) if np.isfinite(freedom) else 1.0
    picked = _chosen(curves, places)
    mine = int(_chosen(y[None, :], places)[0])
    golds, gains = [], []
    for side in (places.before, places.after):
        at, every = int(side[mine]), side[picked]
        golds.append(
            _corrected(
                y,
                error=error,
                at=at,
                against=None,
                few=few,
                off=curves - truth,
                chosen=every,
                rho=rho,
            )
        )
        gains.append(
            _corrected(
                y,
                error=error,
                at=at,
                against=len(y) - 1,
                few=few,
                off=curves - truth,
                chosen=every,
                rho=rho,
            )
        )
    best, gain = (_between(pair, float(places.share[mine])) for pair in (golds, gains))
    better = min(float(ndtr(_FULL * value / half)) for value, half in gains)
    end, half = float(y[-1]), WIDTH * few * float(error[-1])
    return Candidate(
        int(saved[mine]), best.times(scale), gain.times(scale),
        Estimate(end, end - half, end + half).times(scale), min(better, SUREST),
    )  # fmt: skip


def shrunk(fit: FloatArray, gold: FloatArray, se: FloatArray, rho: float) -> FloatArray:
    """A fitted curve as flat as the looks allow: its spread without that of their errors.

    A fit to noise alone has a peak at what stands highest by chance, and choosing again around such
    a peak looks easier than it was: the correction came out too small. Where gold really rises and
    falls nothing changes. Looks (weights w = 1/se^2) that differ by chance alone have
    E[sum w (y - mean)^2] = n - sum_ij rho^|i-j| / n; what they have beyond that is gold's own, and
    the fit's is scaled to it. Source: the positive-part estimator of James and Stein 1961.

    fit, gold, se: (looks,); rho: correlation of neighbouring looks. Returns (looks,).
    """
    weights = 1 / se**2
    looks = np.arange(len(gold))
    noise = len(gold) - float(np.mean(rho ** np.abs(looks[:, None] - looks))) * len(gold)
    spread = [
        float(np.sum(weights * (part - np.average(part, weights=weights)) ** 2))
        for part in (gold, fit)
    ]
    if not spread[1]:
        return fit
    kept = np.sqrt(min(max(spread[0] - noise, 0.0) / spread[1], 1.0))
    level = np.average(fit, weights=weights)
    return np.asarray(level + kept * (fit - level))


def _places(saved: Sequence[int], steps: FloatArray) -> _Places:
    at = np.array(saved, dtype=np.float64)
    after = np.searchsorted(steps, at)
    before = np.where(steps[after] == at, after, after - 1)
    span = np.where(after > before, steps[after] - steps[before], 1.0)
    return _Places(before, after, (at - steps[before]) / span)


def _errors(looks: int, rho: float) -> FloatArray:
    """Standard errors of autocorrelated looks and their negatives, (REPEATS, looks)."""
    errors = np.random.default_rng(20221023).standard_normal((REPEATS // 2, looks))
    for t in range(1, looks if rho > 0 else 0):
        errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho * rho) * errors[:, t]
    return np.vstack([errors, -errors])


def _chosen(curves: FloatArray, places: _Places) -> IntArray:
    """Index of the checkpoint that is chosen on each curve, the earliest of equals.

    By the mean of each evaluation and its neighbours, and by the worse of the two around it.
    """
    total, count = curves.copy(), np.ones(curves.shape[1])
    total[:, 1:] += curves[:, :-1]
    total[:, :-1] += curves[:, 1:]
    count[1:] += 1
    count[:-1] += 1
    smooth = np.round(total / count, 12)
    return np.asarray(
        np.argmax(np.minimum(smooth[:, places.before], smooth[:, places.after]), axis=1)
    )


def _corrected(
    y: FloatArray, error: FloatArray, at: int, against: int | None, few: float,
    off: FloatArray, chosen: IntArray, rho: float,
) -> tuple[float, float]:  # fmt: skip
    """An evaluation (against: its difference to another), less what choosing adds, and its half.

    off: (curves, looks), errors of the repeated measurements; chosen: (curves,), what each took.
    """
    curves = np.arange(len(off))
    value, size = float(y[at]), error[at]
    wrong, sizes = off[curves, chosen], error[chosen]
    if against is not None:
        value -= float(y[against])
        wrong = wrong - off[:, against]
        size = _of_difference(error, np.array([at]), against, rho)[0]
        sizes = _of_difference(error, chosen, against, rho)
    standard = wrong / sizes
    half = WIDTH * few * max(float(standard.std()), 1.0) * float(size)
    return value - float(standard.mean()) * float(size), half


def _of_difference(error: FloatArray, at: IntArray, against: int, rho: float) -> FloatArray:
    """Standard error of looks at minus the one against."""
    shared = rho ** np.abs(at - against) * error[at] * error[against]
    return np.asarray(np.sqrt(np.maximum(error[at] ** 2 + error[against] ** 2 - 2 * shared, 1e-20)))


def _between(pair: list[tuple[float, float]], share: float) -> Estimate:
    """Value between two evaluations, and the ends of the wider of their intervals."""
    (first, half_first), (second, half_second) = pair
    low = min(first - half_first, second - half_second)
    high = max(first + half_first, second + half_second)
    return Estimate(first + share * (second - first), low, high)
