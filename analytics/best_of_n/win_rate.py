"""How often best-of-n beats a fresh sample of the reference, unbiased, ties one half.

Over all subsets of size n and all samples outside them: with the samples sorted by proxy, the
i-th lowest (i from 1) is taken and compared with a higher one in C(i-1, n-1) cases, with a lower
one in C(i-2, n-1), out of C(N, n) (N - n). Win rate by the proxy itself is at most n / (n + 1)
(Beirami et al. 2024, arXiv 2401.01879), and is that where no two proxies tie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analytics.best_of_n.estimator import FloatArray, IntArray, Ranked, log_choose


def win_rate(proxy: ArrayLike, value: ArrayLike, n: ArrayLike) -> FloatArray:
    """Chance that the best of n by proxy has a higher value than a fresh sample; ties count half.

    proxy, value: (P, N) or (N,), finite; n: (K,), whole. Returns (P, K), NaN for n = N, where no
    sample is left to compare with. Tied proxies are broken at random (their mean is returned).

    >>> win_rate([3, 1, 2], [3, 1, 2], [1, 2, 3])[0].round(6).tolist()
    [0.5, 0.666667, nan]
    """
    table = np.atleast_2d(np.asarray(value, dtype=np.float64))
    ranked = Ranked(proxy, then_by=-table)
    size = np.atleast_1d(np.asarray(n, dtype=np.int64))
    samples = ranked.samples
    below, above = _beaten(ranked, ranked.sorted(table))
    place = np.arange(1, samples + 1, dtype=np.float64)[:, None]
    cases = log_choose(samples, size[None, :]) + np.log(np.maximum(samples - size, 1))[None, :]
    higher = np.exp(log_choose(place - 1, size[None, :] - 1) - cases)
    lower = np.exp(log_choose(place - 2, size[None, :] - 1) - cases)
    # Of two samples of one proxy either may be taken: half of their chance, whatever they hold.
    position = np.broadcast_to(np.arange(samples), below.shape)
    tied = 0.5 * ((ranked.last - position) @ higher + (position - ranked.first) @ lower)
    won = ranked.mean_over_ties(above) @ higher + ranked.mean_over_ties(below) @ lower + tied
    return np.asarray(np.where(size[None, :] < samples, won, np.nan))


def _beaten(ranked: Ranked, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many samples of lower, and of higher, proxy each sample beats in value, ties one half.

    value: (P, N), sorted by proxy and, within one proxy, descending.
    """
    _, rank = np.unique(value, return_inverse=True)
    rank = rank.reshape(value.shape).astype(np.int64)
    position = np.broadcast_to(np.arange(value.shape[1]), value.shape)
    changes = np.ones(value.shape, dtype=bool)  # where a run of one proxy and one value starts
    changes[:, 1:] = (ranked.first[:, 1:] != ranked.first[:, :-1]) | (rank[:, 1:] != rank[:, :-1])
    start = np.maximum.accumulate(np.where(changes, position, 0), axis=1)
    ends = np.ones(value.shape, dtype=bool)
    ends[:, :-1] = changes[:, 1:]
    after = np.where(ends, position, ranked.samples)[:, ::-1]
    end = np.minimum.accumulate(after, axis=1)[:, ::-1]
    # Within one proxy values descend: an earlier one is never smaller, a later one never larger.
    below = (_before(rank, equal=False) + _before(rank, equal=True) - (position - start)) / 2
    inside = (end - start) / 2 + (ranked.last - end)
    return below, _beaten_in_row(rank) - below - inside


def _beaten_in_row(rank: IntArray) -> FloatArray:
    """How many of its row's others each value beats, ties one half."""
    ordered = np.sort(rank, axis=1)
    offset = (rank.max() + 1) * np.arange(len(rank))[:, None]  # rows apart, so one search does
    flat, wanted = (ordered + offset).ravel(), (rank + offset).ravel()
    start = rank.shape[1] * np.repeat(np.arange(len(rank)), rank.shape[1])
    less = np.searchsorted(flat, wanted, side="left") - start
    upto = np.searchsorted(flat, wanted, side="right") - start
    return np.asarray(((less + upto - 1) / 2).reshape(rank.shape))


def _before(rank: IntArray, equal: bool) -> IntArray:
    """How many earlier values of its row are smaller (or equal), by merging: N log² N."""
    rows, samples = rank.shape
    width = 1 << max(samples - 1, 0).bit_length()
    padded = np.full((rows, width), rank.max() + 1, dtype=np.int64)
    padded[:, :samples] = rank
    count = np.zeros((rows, width), dtype=np.int64)
    half = 1
    while half < width:
        block = padded.reshape(rows, -1, 2 * half)
        left = np.arange(2 * half) < half
        key = 2 * block + (~left if equal else left)  # who comes first among equals
        order = np.argsort(key, axis=2, kind="stable")
        seen = np.cumsum(order < half, axis=2)
        added = np.zeros_like(block)
        np.put_along_axis(added, order, seen, axis=2)
        added[:, :, :half] = 0
        count += added.reshape(rows, width)
        half *= 2
    return count[:, :samples]
