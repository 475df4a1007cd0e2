"""Whether looks scatter more than their standard errors say, and by how much."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from analytics.onset.evidence.measurements import FloatArray

FEWEST_DIFFERENCES = 4
"""Second differences needed: a cliff within four looks cannot be told from understated errors,
and a collapse must not wait for more evidence than that."""
_MEDIAN_CHI_SQUARE = 0.455


def excess_scatter(gold: FloatArray, variances: FloatArray) -> FloatArray:
    """Factor >= 1 on the variances used at each look, shape (looks,).

    gold: (looks,); variances: (looks, looks), [k, j] = variance of look j as look k uses it. The
    factor is the median of squared second differences, in units of their expected size: a cliff
    moves a mean, not a median. Used only where it exceeds what white noise gives in 99 % of
    cases; looks after k do not enter the factor of look k.
    """
    count = len(gold)
    widen = np.ones(count)
    if count < FEWEST_DIFFERENCES + 2:
        return widen
    last = np.arange(FEWEST_DIFFERENCES + 1, count)
    table = variances[last]
    expected = table[:, :-2] + 4 * table[:, 1:-1] + table[:, 2:]
    later = np.arange(count - 2) >= last[:, None] - 1
    usable = np.all((expected > 0) | later, axis=1)
    second = np.diff(gold, n=2) ** 2
    with np.errstate(all="ignore"):
        ordered = np.sort(np.where(later, np.inf, second / expected), axis=1)
        row, below, above = np.arange(len(last)), (last - 2) // 2, (last - 1) // 2
        ratio = (ordered[row, below] + ordered[row, above]) / 2 / _MEDIAN_CHI_SQUARE
    much = usable & (ratio > [_limit(one - 1) for one in last.tolist()])
    widen[last] = np.where(much, ratio, 1.0)
    return widen


def factors(gold: FloatArray, variance: FloatArray) -> FloatArray:
    """The factor of the last look of many curves, gold (curves, looks), variance (looks,)."""
    widen = np.ones(len(gold))
    expected = variance[:-2] + 4 * variance[1:-1] + variance[2:]
    if gold.shape[1] >= FEWEST_DIFFERENCES + 2 and np.all(expected > 0):
        second = np.diff(gold, n=2, axis=1) ** 2
        ratio = np.median(second / expected, axis=1) / _MEDIAN_CHI_SQUARE
        widen = np.where(ratio > _limit(gold.shape[1] - 2), ratio, 1.0)
    return widen


@lru_cache(maxsize=64)
def _limit(differences: int) -> float:
    """The ratio that white noise exceeds in 1 % of cases; simulated with a fixed seed."""
    rng = np.random.default_rng(differences)
    noise = np.diff(rng.standard_normal((differences + 2, 2000)), n=2, axis=0) ** 2 / 6
    return float(np.quantile(np.median(noise, axis=0), 0.99)) / _MEDIAN_CHI_SQUARE
