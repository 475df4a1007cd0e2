"""Quantiles and tails of the distributions that tests and intervals ask for, by special functions.

``scipy.stats`` gives the same numbers through the same functions, and takes 40 MB of memory and
half a second at every start to be imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special


def normal_quantile(p: npt.ArrayLike) -> Any:
    """Where a standard normal variable lies below with probability ``p``.

    >>> round(float(normal_quantile(0.975)), 4)
    1.96
    """
    return special.ndtri(p)


def t_quantile(p: npt.ArrayLike, freedom: npt.ArrayLike) -> Any:
    """The same of Student's t with ``freedom`` degrees, above 0.

    >>> round(float(t_quantile(0.975, 10)), 4)
    2.2281
    """
    return special.stdtrit(freedom, p)


def chi2_quantile(p: npt.ArrayLike, freedom: npt.ArrayLike) -> Any:
    """The same of chi-squared.

    >>> round(float(chi2_quantile(0.95, 1)), 4)
    3.8415
    """
    return 2 * special.gammaincinv(np.asarray(freedom) / 2, p)


def chi2_beyond(x: npt.ArrayLike, freedom: npt.ArrayLike) -> Any:
    """The probability that chi-squared is above ``x``.

    >>> round(float(chi2_beyond(3.841458820694124, 1)), 4)
    0.05
    """
    tail = special.chdtrc(freedom, np.maximum(x, 0.0))
    return np.where(np.asarray(freedom) > 0, tail, np.nan)[()]


def f_beyond(x: npt.ArrayLike, above: npt.ArrayLike, below: npt.ArrayLike) -> Any:
    """The probability that F is above ``x``; degrees of freedom above and below the line.

    >>> round(float(f_beyond(4.9646, 1, 10)), 4)
    0.05
    """
    return special.fdtrc(above, below, np.maximum(x, 0.0))


def ranks(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Ranks from 1, ties averaged.

    >>> ranks([10, 30, 20, 20]).tolist()
    [1.0, 4.0, 2.5, 2.5]
    """
    _, place, many = np.unique(np.asarray(values).ravel(), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(many) - (many - 1) / 2)[place], dtype=np.float64)


def fisher_exact(a: float, b: float, c: float, d: float) -> float:
    """Two-sided p of Fisher's exact test of the table [[a, b], [c, d]] of whole counts.

    Tables with the same margins that are no more likely than this one are counted (Fisher 1935).

    >>> round(fisher_exact(8, 2, 1, 5), 4)
    0.035
    """
    first, second, whole = a + b, a + c, a + b + c + d
    at = np.arange(max(0.0, first + second - whole), min(first, second) + 1)
    weight = -(
        special.gammaln(at + 1) + special.gammaln(first - at + 1)
        + special.gammaln(second - at + 1) + special.gammaln(whole - first - second + at + 1)
    )  # fmt: skip
    weight = np.exp(weight - weight.max())
    mine = weight[np.flatnonzero(at == a)[0]]
    return float(min(weight[weight <= mine * (1 + 1e-7)].sum() / weight.sum(), 1.0))
