"""Autocorrelation of the rows, and what it does to the mean of a look.

AR(1) is the working model; its bias-corrected estimate is used only where it is significantly
positive, because at 20 points an estimate of a true 0 is off by .2 either way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.computing.kept import kept
from analytics.onset.evidence.broken_line import MANY_ROWS, basis, columns_of, residuals
from analytics.onset.evidence.measurements import FloatArray

FEWEST_ROWS = 12
FEWEST_EXACT = 10
MOST_TURNS = 2
"""Of a curve without noise."""
_GRID = np.linspace(0.0, 0.95, 39)
_MOST_EXACT = 256


def estimate(values: FloatArray) -> float:
    """Lag-1 autocorrelation of values (shape (n,), time order) about a smooth trend, in [0, .95].

    Residuals about a broken line (one knot for every 8 values, at most 16); their lag-1 ratio is
    compared with what AR(1) noise of each rho would give after the same fit, which removes the
    bias of the fit. 0 where not significantly positive (one-sided 5 %, 1 % below MANY_ROWS),
    where there are fewer than 12 values, or where the fit leaves nothing but rounding.
    """
    return float(estimates(values[None, :])[0])


def estimates(values: FloatArray) -> FloatArray:
    """`estimate` of many series of one length, shape (series, n) to (series,)."""
    found, significant = _about_trend(values)
    return np.where(significant, found, 0.0)


def cautious(values: FloatArray) -> float:
    """The estimate and half a standard error, significant or not, to the next tenth, <= .9.

    For dense gold, which a test must not trust to be independent while its rows are few: a true
    correlation of .5 is not significant in 16 of them.
    """
    found = float(_about_trend(values[None, :])[0][0])
    error = np.sqrt((1 - found * found) / max(len(values), 1))
    return min(0.9, round(10 * (found + 0.5 * float(error))) / 10)


def _about_trend(values: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Bias-corrected lag-1 autocorrelation, not below 0, and whether it is significant.

    values: (series, n); both results (series,).
    """
    count, n = values.shape
    if n < FEWEST_ROWS:
        return np.zeros(count), np.zeros(count, dtype=bool)
    scale = np.max(np.abs(values), axis=1, keepdims=True)
    y = values / np.where(scale > 0, scale, 1.0)
    residual = residuals(y) if n > _MOST_EXACT else y - (y @ _basis(n)) @ _basis(n).T
    left = np.sum(residual**2, axis=1)
    # a noise-free curve leaves only its own misfit, which says nothing about noise
    spread_out = np.sum((y - y.mean(axis=1, keepdims=True)) ** 2, axis=1)
    noisy = left > np.maximum(1e-3 * spread_out, 1e-20 * n)
    ratio = np.sum(residual[:, 1:] * residual[:, :-1], axis=1) / np.where(noisy, left, 1.0)
    if n > _MOST_EXACT:
        expected = _GRID - (1 + 3 * _GRID + columns_of(n)) / n
        spread = 1 / np.sqrt(n)
    else:
        expected, spread = _expected_ratios(n)
    limit = expected[0] + (1.645 if n >= MANY_ROWS else 2.326) * spread
    found = np.interp(ratio, np.maximum.accumulate(expected), _GRID)
    return np.where(noisy, found, 0.0), noisy & (ratio > limit)


def is_exact(values: FloatArray) -> bool:
    """Whether values (shape (n,), time order) lie on a smooth curve without visible noise.

    Noise keeps its variance under repeated differencing, a smooth curve loses it: fourth against
    first differences, below 1 %. A smoothed log of noise also loses it, but turns many times: a
    curve with more than MOST_TURNS turning points is never called exact.
    """
    if len(values) < FEWEST_EXACT:
        return False
    scale = float(np.max(np.abs(values))) or 1.0
    first = np.diff(values / scale)
    rough = float(np.mean(np.diff(first, n=3) ** 2)) / 70
    return rough < 0.01 * float(np.mean(first**2)) / 2 and turns(values) <= MOST_TURNS


def turns(values: FloatArray) -> int:
    """How often values (shape (n,), time order) turn from rising to falling or back.

    >>> turns(np.array([0.0, 1.0, 1.0, 0.5, 2.0]))
    2
    """
    first = np.diff(values)
    return int(np.sum(np.diff(np.sign(first[first != 0])) != 0))


def variance_inflation(rho: float, rows: int) -> float:
    """Var(mean of `rows` AR(1) values) over what independent values would give.

    >>> variance_inflation(0.0, 8), round(variance_inflation(0.5, 2), 3)
    (1.0, 1.5)
    """
    lags = np.arange(1, rows)
    return float(1 + 2 * np.sum((1 - lags / rows) * rho**lags))


def between_looks(rho: float, rows: int) -> float:
    """Correlation of the means of two neighbouring looks of `rows` AR(1) values each.

    >>> between_looks(0.5, 1), round(between_looks(0.5, 2), 3)
    (0.5, 0.375)
    """
    lags = np.arange(1, 2 * rows)
    weight = np.minimum(lags, 2 * rows - lags)
    covariance = float(np.sum(weight * rho**lags))
    return covariance / (rows * variance_inflation(rho, rows)) if rho > 0 else 0.0


@kept(_MOST_EXACT)
def _basis(n: int) -> FloatArray:
    return basis(n)


@kept(_MOST_EXACT)
def _expected_ratios(n: int) -> tuple[FloatArray, float]:
    maker = np.eye(n) - _basis(n) @ _basis(n).T
    shift = np.eye(n, k=1) + np.eye(n, k=-1)
    lagged = maker @ shift @ maker / 2
    powers = _GRID[:, None] ** np.arange(n)
    expected = (powers @ _by_lag(lagged)) / (powers @ _by_lag(maker))
    free = np.trace(maker)
    centred = lagged - expected[0] * maker
    spread = float(np.sqrt(2 * np.sum(centred * centred)) / free)
    return expected, spread


def _by_lag(table: FloatArray) -> FloatArray:
    """Sums over |i - j| = 0, 1, ...: AR(1) noise of rho weighs each of them by a power of rho."""
    n = len(table)
    lags = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    sums = np.bincount(lags.ravel(), weights=table.ravel(), minlength=n)
    return np.asarray(sums, dtype=np.float64)
