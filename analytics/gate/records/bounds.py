"""Estimates with bounds that hold far out in the tails, where a year of looks puts them.

A level here is one-sided: the share of cases in which the truth lies beyond that one end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from analytics.computing.quantiles import ranks as ranked
from analytics.gate.rules.policy import quantile
from analytics.rates import FloatArray, clustered_error, newcombe, wilson

POWER = 0.8
"""With this probability the number of items that is named decides."""


@dataclass(frozen=True)
class Estimate:
    """A value with its ends at any level.

    ends: one-sided level -> (low, high).
    n: items behind it; sd: of one item, so that the standard error is about sd / sqrt(n).
    """

    value: float
    ends: Callable[[float], tuple[float, float]]
    n: int
    sd: float
    retraining: float = 0.0

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Lower end at the level `low` and upper end at the level `high`.

        What two trainings of one recipe differ by is added to either end (as Newcombe adds the
        errors of two groups: squares of the distances add up).
        """
        return (
            self.value - np.hypot(self.value - self.ends(low)[0], quantile(low) * self.retraining),
            self.value + np.hypot(
                self.ends(high)[1] - self.value, quantile(high) * self.retraining
            ),
        )  # fmt: skip

    def widened(self, retraining: float) -> Estimate:
        """The same with a standard deviation between trainings."""
        return replace(self, retraining=retraining)

    def items(self, distance: float, level: float) -> int | None:
        """Items with which a bound clears a limit that far away, with probability `POWER`.

        None: no number would, for trainings differ by too much.
        """
        if distance <= 0 or not np.isfinite(self.sd):
            return None
        error = distance / (quantile(level) + quantile(1 - POWER))
        room = error**2 - self.retraining**2
        if room <= 0:
            return None
        return int(np.ceil(self.sd**2 / room))

    def deciding(
        self, limit: float, neutral: float, passing: float, failing: float
    ) -> int | None:  # fmt: skip
        """Items that would decide: as planned for no harm, else as the value stands now.

        With the value beyond the limit, those that would show it at the level `failing`.
        """
        beyond = (self.value - limit) * (1 if limit >= neutral else -1)
        if beyond > 0:
            return self.items(beyond, failing)
        planned = self.items(abs(limit - neutral), passing)
        return planned if planned and planned > self.n else self.items(-beyond, passing)


def mean(values: npt.ArrayLike, clusters: npt.ArrayLike | None = None) -> Estimate | None:
    """Mean of independent items, or of clusters of them, with Student's t; None below two.

    Source: Student 1908; clusters: Miller 2024 (arXiv 2411.00640), section 2.2.
    """
    sample = np.asarray(values, dtype=np.float64)
    n = len(sample)
    groups = n if clusters is None else len(np.unique(np.asarray(clusters)))
    if n < 2 or groups < 2:
        return None
    error = float(sample.std(ddof=1) / np.sqrt(n))
    if clusters is not None and groups < n:
        grown = np.sqrt(groups / (groups - 1))
        error = max(error, grown * clustered_error(sample, clusters))
    return normal(float(sample.mean()), error, n, groups - 1)


def normal(value: float, error: float, n: int, freedom: float = np.inf) -> Estimate:
    """An estimate with a standard error, on so many degrees of freedom."""

    def ends(level: float) -> tuple[float, float]:
        z = quantile(level) if np.isinf(freedom) else -special.stdtrit(freedom, level)
        half = float(z) * error
        return value - half, value + half

    return Estimate(value, ends, n, error * np.sqrt(n))


def welch(now: npt.ArrayLike, before: npt.ArrayLike) -> Estimate | None:
    """Difference of the means of two independent groups (Welch 1947); None below two each."""
    x, y = np.asarray(now, dtype=np.float64), np.asarray(before, dtype=np.float64)
    if min(len(x), len(y)) < 2:
        return None
    a, b = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    freedom = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1)) if a + b else np.inf
    return normal(float(x.mean() - y.mean()), float(np.sqrt(a + b)), len(x), freedom)


def paired_rate(
    differences: npt.ArrayLike, clusters: npt.ArrayLike | None = None
) -> Estimate | None:
    """Change of a rate over the same questions, by the score interval of paired counts.

    A Wald interval is too short where few answers change, which is the rule here: with 4 of 1,000
    newly wrong it excludes one point at one-sided .002, with a chance of .03 where the truth is one
    point. The score's error is that of the limit itself, and half a question is taken off.

    Args:
        differences: shape (questions,), wrong now - wrong before, in [-1, 1].
        clusters: shape (questions,), the entity asked about, where questions go together: counts
            are divided by the factor by which the variance grows.

    Source: Tango 1998, Statistics in Medicine 17:891, eq. 4 to 7.
    """
    sample = np.asarray(differences, dtype=np.float64)
    n = len(sample)
    if n < 2:
        return None
    worse, better = float(sample[sample > 0].sum()), float(-sample[sample < 0].sum())
    grown = 1.0
    if clusters is not None and sample.any():
        own = float(sample.std() / np.sqrt(n))
        grown = max(1.0, (clustered_error(sample, clusters) / own) ** 2) if own else 1.0
    b, c, size = worse / grown, better / grown, n / grown

    def ends(level: float) -> tuple[float, float]:
        z = quantile(level)
        return _score_end(b, c, size, -z), _score_end(b, c, size, z)

    sd = float(np.sqrt(max(worse + better, 1.0) / n * grown))
    return Estimate((worse - better) / n, ends, n, sd)


def _score(b: float, c: float, n: float, delta: float) -> float:
    """(Observed - delta) over its error where delta is the truth."""
    first = 2 * n
    second = -b - c + (2 * n - b + c) * delta
    third = -c * delta * (1 - delta)
    back = (np.sqrt(max(second**2 - 4 * first * third, 0)) - second) / (2 * first)
    variance = n * (2 * max(back, 0) + delta * (1 - delta))
    gap = b - c - n * delta
    gap = np.sign(gap) * max(abs(gap) - 0.5, 0)
    return float(gap / np.sqrt(max(variance, 1e-12)))


def _score_end(b: float, c: float, n: float, z: float) -> float:
    """The delta at which the score is -z: z > 0 the upper end, z < 0 the lower."""
    centre, far = (b - c) / n, 1.0 if z > 0 else -1.0
    if abs(_score(b, c, n, far * (1 - 1e-9))) <= abs(z):
        return far
    near, far = centre, far * (1 - 1e-9)
    while abs(far - near) > 1e-12:  # the score falls as delta grows
        middle = (near + far) / 2
        if (_score(b, c, n, middle) + z > 0) == (z > 0):
            near = middle
        else:
            far = middle
    return (near + far) / 2


def share(events: float, n: float) -> Estimate | None:
    """A rate with Wilson's interval; None of nothing."""
    if n <= 0:
        return None

    def ends(level: float) -> tuple[float, float]:
        low, high = wilson(events, n, 1 - 2 * level)
        return float(low), float(high)

    p = events / n
    return Estimate(p, ends, round(n), float(np.sqrt(max(p * (1 - p), 1 / n**2))))


def rate_change(events: float, n: float, before: float, n_before: float) -> Estimate | None:
    """Difference of two independent rates with Newcombe's interval; None of nothing."""
    if n <= 0 or n_before <= 0:
        return None

    def ends(level: float) -> tuple[float, float]:
        _, low, high = newcombe(events, n, before, n_before, 1 - 2 * level)
        return float(low), float(high)

    p, q = events / n, before / n_before
    smaller = min(n, n_before)
    variance = p * (1 - p) / n + q * (1 - q) / n_before
    return Estimate(p - q, ends, round(smaller), float(np.sqrt(max(variance * smaller, 1e-9))))


def excess(estimates: list[tuple[float, float]]) -> float:
    """Standard deviation between trainings that sampling errors do not explain; 0 below four.

    Args:
        estimates: (value, standard error) of the loop's earlier iterations against one anchor. A
            change that goes on is harm, no scatter: second differences take it out, whose variance
            is 6 times that of a value.

    Source: second differences: Gasser, Sroka and Jennen-Steinmetz 1986, Biometrika 73:625.
    """
    if len(estimates) < 4:
        return 0.0
    values, errors = (np.array(column) for column in zip(*estimates, strict=True))
    scatter = float(np.mean(np.diff(values, 2) ** 2)) / 6
    return float(np.sqrt(max(scatter - float(np.mean(errors**2)), 0.0)))


def scores(values: FloatArray) -> FloatArray:
    """Ranks scaled to mean 0 and variance 1, ties averaged (for rank correlations)."""
    ranks = ranked(values)
    spread = ranks.std()
    return (ranks - ranks.mean()) / spread if spread else np.zeros(len(ranks))
