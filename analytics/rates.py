"""Intervals and tests for rates: Wilson, Newcombe, McNemar, clustered errors, many topics at once.

Every function takes numbers or arrays of one shape (lists, NumPy, Polars, pandas, PyArrow) and
answers elementwise. A rate of nothing
(n = 0) is NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

from analytics.computing.any_frame import array
from analytics.computing.quantiles import fisher_exact

FloatArray: TypeAlias = npt.NDArray[np.float64]

FEW_FLIPS = 10
"""Below this many changed answers a Wald interval of a paired difference is too short."""


def _floats(values: npt.ArrayLike) -> FloatArray:
    return array(values, "an argument")


def _over(top: npt.ArrayLike, bottom: npt.ArrayLike) -> FloatArray:
    """Quotient, NaN where the bottom is not positive."""
    above, below = np.broadcast_arrays(_floats(top), _floats(bottom))
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0))


def normal_quantile(level: float) -> float:
    """z with the share `level` of a standard normal between -z and z: 1.959964 for .95."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return float(special.ndtri(0.5 + level / 2))


def wilson(
    events: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Score interval of a binomial rate.

    Args:
        events: count in [0, n]; may be a fraction where n is an effective number.
        n: trials; 0 or NaN gives NaN.
        level: of the interval.

    Returns:
        low, high in [0, 1], of the shape of the arguments.

    Source: Wilson 1927, JASA 22; recommended by Brown, Cai and DasGupta 2001, section 4.

    >>> [round(float(end), 6) for end in wilson(81, 263)]
    [0.255289, 0.36621]
    """
    z2 = normal_quantile(level) ** 2
    size = _floats(n)
    p = _over(events, size)
    if np.any((p < -1e-12) | (p > 1 + 1e-12)):
        raise ValueError("events must lie between 0 and n")
    p = np.clip(p, 0, 1)
    width = 1 + _over(z2, size)
    centre = p + _over(z2, 2 * size)
    half = np.sqrt(z2 * (_over(p * (1 - p), size) + _over(z2, 4 * size**2)))
    low = np.where(p == 0, 0.0, (centre - half) / width)
    high = np.where(p == 1, 1.0, (centre + half) / width)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def newcombe(
    events: npt.ArrayLike,
    n: npt.ArrayLike,
    events_before: npt.ArrayLike,
    n_before: npt.ArrayLike,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Difference of two independent rates (first minus second) with the hybrid score interval.

    Source: Newcombe 1998, Statistics in Medicine 17:873, method 10.

    Returns:
        difference, low, high; NaN where either n is 0.

    >>> [round(float(number), 6) for number in newcombe(56, 70, 48, 80)]
    [0.2, 0.052431, 0.333873]
    """
    p, q = _over(events, n), _over(events_before, n_before)
    (p_low, p_high), (q_low, q_high) = (
        wilson(events, n, level),
        wilson(events_before, n_before, level),
    )
    difference = p - q
    low = difference - np.sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    high = difference + np.sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return difference, low, high


def unpaired_p(
    events: npt.ArrayLike, n: npt.ArrayLike, events_before: npt.ArrayLike, n_before: npt.ArrayLike
) -> FloatArray:
    """Two-sided p of equal rates in two independent groups, pooled score test.

    Where an expected count is below 5 and all counts are whole: Fisher's exact test.

    >>> float(unpaired_p(62, 400, 48, 400).round(3))
    0.151
    """
    x, size, y, other = np.broadcast_arrays(*map(_floats, (events, n, events_before, n_before)))
    pooled = _over(x + y, size + other)
    spread = np.sqrt(pooled * (1 - pooled) * (_over(1, size) + _over(1, other)))
    z = _over(np.abs(_over(x, size) - _over(y, other)), spread)
    p = np.where(spread == 0, 1.0, 2 * special.ndtr(-z))
    fewest = np.minimum(size, other) * np.minimum(pooled, 1 - pooled)
    whole = np.all([np.mod(counts, 1) == 0 for counts in (x, size, y, other)], axis=0)
    for i in zip(*np.nonzero(np.atleast_1d((fewest < 5) & whole & (spread > 0))), strict=True):
        a, m, b, k = (np.atleast_1d(counts)[i] for counts in (x, size, y, other))
        exact = fisher_exact(a, m - a, b, k - b)
        p = np.atleast_1d(p)
        p[i] = exact
    return np.asarray(p, dtype=np.float64).reshape(x.shape)


@dataclass(frozen=True)
class McNemar:
    """Two-sided p-values of equal rates on the same questions, arrays of one shape.

    `exact` is for gates, `mid_p` for display; `chi2` and `chi2_corrected` are the statistics
    without and with the continuity correction, one degree of freedom.
    """

    exact: FloatArray
    mid_p: FloatArray
    chi2: FloatArray
    chi2_p: FloatArray
    chi2_corrected: FloatArray
    chi2_corrected_p: FloatArray


def mcnemar(newly_wrong: npt.ArrayLike, newly_right: npt.ArrayLike) -> McNemar:
    """Whether answers turned wrong more often than right, or the reverse.

    Args:
        newly_wrong: questions right (or not attempted) before and wrong now, whole counts.
        newly_right: the reverse. Questions that did not change carry no evidence.

    No changed question at all gives p = 1.

    Source: McNemar 1947; mid-p: Fagerland, Lydersen and Laake 2013, BMC Med Res Methodol 13:91.

    >>> test = mcnemar(25, 11)
    >>> round(float(test.exact), 6), round(float(test.mid_p), 6), round(float(test.chi2), 4)
    (0.028817, 0.020074, 5.4444)
    """
    b, c = np.broadcast_arrays(_floats(newly_wrong), _floats(newly_right))
    if np.any(b < 0) or np.any(c < 0):
        raise ValueError("counts of changed answers cannot be negative")
    flips, fewer = b + c, np.minimum(b, c)
    tail = 2 * special.bdtr(fewer, flips.astype(np.int64), 0.5)
    point = np.exp(
        special.gammaln(flips + 1)
        - special.gammaln(fewer + 1)
        - special.gammaln(flips - fewer + 1)
        - flips * np.log(2)
    )
    chi2 = np.where(flips > 0, _over((b - c) ** 2, flips), 0.0)
    distance = np.maximum(np.abs(b - c) - 1, 0)
    corrected = np.where(flips > 0, _over(distance**2, flips), 0.0)
    return McNemar(
        exact=np.minimum(tail, 1.0),
        mid_p=np.minimum(tail - point, 1.0),
        chi2=chi2,
        chi2_p=special.chdtrc(1, chi2),
        chi2_corrected=corrected,
        chi2_corrected_p=special.chdtrc(1, corrected),
    )


def paired_difference(
    total: npt.ArrayLike,
    squares: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    small: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean change over the same questions with its standard error and Wald interval.

    Args:
        total: sum over questions of (wrong now - wrong before): newly wrong - newly right.
        squares: sum of its squares: newly wrong + newly right. With several answers a question,
            both are of the within-question means, so nothing else changes.
        n: shared questions.
        level: of the interval.
        small: where `squares` < 10, add two questions, one changed each way, before taking the
            interval (Bonett and Price 2012): no change seen is not no change possible.

    Returns:
        difference, standard error sqrt(squares - total²/n)/n, low, high.

    Source: Agresti 2013, Categorical Data Analysis, section 11.1.1.

    >>> [round(float(number), 6) for number in paired_difference(25 - 11, 25 + 11, 400)]
    [0.035, 0.014898, 0.005801, 0.064199]
    """
    total, squares, n = np.broadcast_arrays(_floats(total), _floats(squares), _floats(n))
    difference = _over(total, n)
    error = _over(np.sqrt(np.maximum(squares - _over(total**2, n), 0)), n)
    few = (squares < FEW_FLIPS) & small
    size = np.where(few, n + 2, n)
    centre = np.where(few, _over(total, size), difference)
    adjusted = _over(np.sqrt(np.maximum(squares + 2 - _over(total**2, size), 0)), size)
    half = normal_quantile(level) * np.where(few, adjusted, error)
    return difference, error, np.maximum(centre - half, -1), np.minimum(centre + half, 1)


def clustered_error(
    scores: npt.ArrayLike, clusters: npt.ArrayLike, base: Literal["cr0", "n-1"] = "cr0"
) -> float:
    """Standard error of a mean when scores of one entity or document go together.

    Args:
        scores: shape (n,); several answers a question are averaged first (`question_means`).
            For a paired difference, pass the differences.
        clusters: shape (n,), the entity, document or passage each score belongs to.
        base: "cr0" squares the cluster sums; "n-1" adds the products between members of a
            cluster to the usual variance with n - 1.

    Returns:
        The standard error; NaN with fewer than two scores.

    Source: Miller 2024 (arXiv 2411.00640), section 2.2; Liang and Zeger 1986.

    >>> s = [1, 1, 1, 0, 0, 0, 1, 1, 0, 0]
    >>> c = [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    >>> round(clustered_error(s, c), 6), round(clustered_error(s, c, "n-1"), 6)
    (0.254951, 0.260342)
    """
    values = _floats(scores)
    n = len(values)
    if len(np.asarray(clusters)) != n:
        raise ValueError(f"{n} scores, but {len(np.asarray(clusters))} cluster labels")
    if n < 2:
        return float("nan")
    deviation = values - values.mean()
    own = float(deviation @ deviation)
    _, which = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(which.ravel(), weights=deviation)
    between = float(sums @ sums) - own
    variance = (own if base == "cr0" else own * n / (n - 1)) + between
    return float(np.sqrt(max(variance, 0.0)) / n)


def question_means(
    scores: npt.ArrayLike, questions: npt.ArrayLike
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Mean score of each question, in sorted order: the unit is the question, not the sample.

    Source: Miller 2024 (arXiv 2411.00640), section 3.1.

    >>> ids, means = question_means([1, 0, 1, 1], ["b", "b", "a", "a"])
    >>> ids.tolist(), means.tolist()
    (['a', 'b'], [1.0, 0.5])
    """
    names, which = np.unique(np.asarray(questions), return_inverse=True)
    which = which.ravel()
    return names, np.bincount(which, weights=_floats(scores)) / np.bincount(which)


def benjamini_hochberg(p: npt.ArrayLike) -> FloatArray:
    """Adjusted p-values q, shape (m,): reject where q <= the false discovery rate asked for.

    NaN (not tested) stays NaN and does not count as a test. scipy.stats.false_discovery_control
    gives the same (tests/analytics/test_outside_authorities.py); importing it takes 46 MB, which
    the process that serves pages does not spend.

    Source: Benjamini and Hochberg 1995, JRSS B 57:289.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, np.nan]).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    values = _floats(p)
    tested = np.nonzero(~np.isnan(values))[0]
    q = np.full(values.shape, np.nan)
    order = tested[np.argsort(values[tested], kind="stable")]
    m = len(order)
    scaled = values[order] * m / np.arange(1, m + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
