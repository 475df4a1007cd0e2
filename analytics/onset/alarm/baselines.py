"""Rules that teams use or that textbooks offer, for the comparison only: none enters a verdict.

Each gives a number per look, shape (runs, looks), that is compared with a threshold; a number at
look k uses nothing after k. Sources: Prechelt 1998 (patience); Killick, Fearnhead and Eckley 2012
(PELT, arXiv 1101.1438).
"""

from __future__ import annotations

import numpy as np

from analytics.onset.evidence.measurements import FloatArray

_SMOOTH = 3
_PENALTIES = np.geomspace(2.0, 120.0, 18)
"""Of a segment, in units of the errors' variance."""


def patience(gold: FloatArray) -> FloatArray:
    """Looks since the highest gold so far.

    >>> patience(np.array([[0.0, 2.0, 1.0, 1.5]])).tolist()
    [[0.0, 0.0, 1.0, 2.0]]
    """
    highest = np.maximum.accumulate(gold, axis=1)
    new = np.concatenate([np.ones((len(gold), 1), bool), gold[:, 1:] > highest[:, :-1]], axis=1)
    look = np.arange(gold.shape[1])
    return np.asarray(look - np.maximum.accumulate(np.where(new, look, 0), axis=1), dtype=float)


def smoothed(values: FloatArray) -> FloatArray:
    """Mean of the last three looks (of fewer at the start)."""
    total = np.cumsum(values, axis=1)
    window = np.minimum(np.arange(values.shape[1]) + 1, _SMOOTH)
    before = np.pad(total, ((0, 0), (_SMOOTH, 0)))[:, : values.shape[1]]
    return np.asarray((total - before) / window)


def below_smoothed_peak(gold: FloatArray, se: FloatArray) -> FloatArray:
    """How far the mean of the last three looks is below its highest, in standard errors."""
    level = smoothed(gold)
    return np.asarray((np.maximum.accumulate(level, axis=1) - level) / se)


def proxy_gold_gap(proxy: FloatArray, gold: FloatArray, se: FloatArray) -> FloatArray:
    """How much more the proxy has gained than gold, each in units of its own early gain.

    Proxy and gold have no common unit, so each is divided by its mean gain over looks 1 to 3, or
    by gold's standard error where that is smaller; 0 up to there.
    """
    early = slice(1, _SMOOTH + 1)
    found = np.zeros(gold.shape)
    gains = []
    for values, least in ((proxy, 1e-9), (gold, float(se[0]))):
        gain = smoothed(values) - values[:, :1]
        start = (values[:, early] - values[:, :1]).mean(axis=1, keepdims=True)
        gains.append(gain / np.maximum(start, least))
    found[:, _SMOOTH + 1 :] = (gains[0] - gains[1])[:, _SMOOTH + 1 :]
    return found


def pelt_last_segment_lower(gold: FloatArray, se: FloatArray) -> FloatArray:
    """The largest penalty at which the best segmentation ends with a fall; 0 where none does.

    Piecewise constant means, each segment costs the penalty: exact minimum by dynamic programming
    over the looks so far.
    """
    runs, looks = gold.shape
    weight = np.concatenate([[0.0], np.cumsum(se**-2.0)])
    zero = np.zeros((runs, 1))
    first = np.concatenate([zero, np.cumsum(gold / se**2, axis=1)], axis=1)
    second = np.concatenate([zero, np.cumsum((gold / se) ** 2, axis=1)], axis=1)
    found = np.zeros((runs, looks))
    rows = np.arange(runs)
    for penalty in _PENALTIES:
        cost = np.zeros((runs, looks + 1))
        start = np.zeros((runs, looks + 1), dtype=np.int64)
        for end in range(1, looks + 1):
            mass = weight[end] - weight[:end]
            total = first[:, end, None] - first[:, :end]
            left = second[:, end, None] - second[:, :end] - total**2 / mass
            options = cost[:, :end] + left + penalty
            start[:, end] = np.argmin(options, axis=1)
            cost[:, end] = options[rows, start[:, end]]
            begin = start[:, end]
            before = start[rows, begin]
            split = begin > 0
            mean = (first[:, end] - first[rows, begin]) / (weight[end] - weight[begin])
            earlier = np.where(split, weight[begin] - weight[before], 1.0)
            falls = split & (mean < (first[rows, begin] - first[rows, before]) / earlier)
            found[falls, end - 1] = penalty
    return found
