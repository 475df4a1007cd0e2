"""What best-of-n would give, from a pool of samples: unbiased, for every n at once.

A pool holds N samples of each of P prompts, drawn from the initial policy and scored. Best-of-n
takes the sample with the highest proxy among n; averaged over all subsets of size n the i-th
lowest of N (i from 1) is taken with weight C(i-1, n-1) / C(N, n). Tied proxies are broken at
random: every function here returns the mean over all such orders, so no result depends on the
order of rows or on a seed. Source: Nakano et al. 2021, appendix I; Coste et al. 2024 (arXiv
2310.02743), appendix B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from analytics.computing.kept import kept
from analytics.kl import best_of_n_kl_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def best_of_n(proxy: ArrayLike, value: ArrayLike, n: ArrayLike) -> FloatArray:
    """Mean value of the best of n by proxy, for each prompt and n.

    proxy, value: (P, N) or (N,), finite; n: (K,), whole, 1 <= n <= N. Returns (P, K). The value
    may be gold, the proxy itself, or any other number of a sample.

    Raises ValueError where an n is out of range or a proxy is not finite.

    >>> best_of_n([1, 2, 3, 4, 5], [0.1, 0.4, 0.9, 0.6, -0.2], [1, 2, 3, 4, 5])[0].round(9).tolist()
    [0.36, 0.32, 0.15, -0.04, -0.2]
    """
    ranked = Ranked(proxy)
    return ranked.mean_over_ties(ranked.sorted(value)) @ selection(ranked.samples, _whole(n))


def best_of_n_kl_better(proxy: ArrayLike, log_probability: ArrayLike, n: ArrayLike) -> FloatArray:
    """The estimate of KL from the selected sample's own probability, for each prompt and n.

    log_probability: ln of the probability of each response under the reference, nats, (P, N) or
    (N,); the rest as in best_of_n. Source: analytics.kl.best_of_n_kl_of.
    """
    ranked = Ranked(proxy)
    chances = ranked.sorted(log_probability)
    sizes = _whole(n)
    weights = selection(ranked.samples, sizes)
    columns = [
        ranked.mean_over_ties(best_of_n_kl_of(size, chances)) @ weights[:, column]
        for column, size in enumerate(sizes)
    ]
    return np.stack(columns, axis=1)


class Ranked:
    """The samples of each prompt sorted ascending by proxy, with their ties.

    order: (P, N), positions of the sorted samples in the given arrays. first, last: (P, N),
    position of the first and of the last sample with the same proxy.
    """

    def __init__(self, proxy: ArrayLike, then_by: ArrayLike | None = None) -> None:
        """Sort by proxy (P, N) or (N,), within ties by then_by, if given.

        Raises ValueError where a proxy is not finite.
        """
        table = np.atleast_2d(np.asarray(proxy, dtype=np.float64))
        if not np.all(np.isfinite(table)):
            raise ValueError("every response needs a finite proxy")
        if then_by is None:
            self.order: IntArray = np.argsort(table, axis=1, kind="stable")
        else:
            second = np.atleast_2d(np.asarray(then_by, dtype=np.float64))
            self.order = np.lexsort((second, table), axis=1)
        self.samples = table.shape[1]
        values = np.take_along_axis(table, self.order, axis=1)
        fresh = np.ones(values.shape, dtype=bool)
        fresh[:, 1:] = values[:, 1:] != values[:, :-1]
        place = np.broadcast_to(np.arange(self.samples), values.shape)
        self.first: IntArray = np.maximum.accumulate(np.where(fresh, place, 0), axis=1)
        ends = np.ones(values.shape, dtype=bool)
        ends[:, :-1] = fresh[:, 1:]
        above = np.where(ends, place, self.samples)[:, ::-1]
        self.last: IntArray = np.minimum.accumulate(above, axis=1)[:, ::-1]

    def sorted(self, value: ArrayLike) -> FloatArray:
        """Values (P, N) or (N,) in the order of the proxy."""
        table = np.atleast_2d(np.asarray(value, dtype=np.float64))
        return np.take_along_axis(table, self.order, axis=1)

    def mean_over_ties(self, value: FloatArray) -> FloatArray:
        """Sorted values with those of one proxy replaced by their mean."""
        if np.all(self.first == self.last):
            return value
        whole = self.first + self.samples * np.arange(len(value))[:, None]
        total = np.bincount(whole.ravel(), weights=value.ravel(), minlength=value.size)
        count = self.last - self.first + 1
        return np.asarray(total[whole] / count)


@kept(64)
def _selection(samples: int, sizes: tuple[int, ...]) -> FloatArray:
    place = np.arange(1, samples + 1, dtype=np.float64)[:, None]
    size = np.asarray(sizes, dtype=np.float64)[None, :]
    chance = np.exp(log_choose(place - 1, size - 1) - log_choose(samples, size))
    chance.flags.writeable = False
    return chance


def selection(samples: int, sizes: IntArray) -> FloatArray:
    """Chance that the i-th lowest of N samples is the best of n, (N, K); columns sum to 1.

    Raises ValueError where an n is below 1 or above N.
    """
    if len(sizes) and (sizes.min() < 1 or sizes.max() > samples):
        raise ValueError(f"n must lie between 1 and the {samples} samples of a prompt")
    return _selection(samples, tuple(sizes.tolist()))


def log_choose(whole: ArrayLike, part: ArrayLike) -> FloatArray:
    """Natural logarithm of the binomial coefficient; -inf where part > whole or part < 0."""
    n, k = np.broadcast_arrays(np.asarray(whole, float), np.asarray(part, float))
    possible = (k >= 0) & (k <= n)
    n, k = np.where(possible, n, 1.0), np.where(possible, k, 0.0)
    value = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(np.where(possible, value, -np.inf))


def grid(largest: int) -> IntArray:
    """The n at which a curve is computed: 1, 2, 3, 4, 6, 8, 12, … and the largest itself.

    >>> grid(20).tolist()
    [1, 2, 3, 4, 6, 8, 12, 16, 20]
    """
    doubles = [2**k for k in range(64) if 2**k <= largest]
    halves = [3 * 2**k for k in range(62) if 3 * 2**k <= largest]
    return np.array(sorted({*doubles, *halves, largest}), dtype=np.int64)


def _whole(n: ArrayLike) -> IntArray:
    return np.atleast_1d(np.asarray(n, dtype=np.int64))
