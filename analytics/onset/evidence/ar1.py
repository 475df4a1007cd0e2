"""AR(1) noise: how it is made from independent values, and how it is made independent again.

scipy.signal.lfilter gives the same and is asked by the tests; importing it takes 50 MB, which the
process that serves pages does not spend on a recursion of one line.
"""

from __future__ import annotations

import numpy as np

from analytics.onset.evidence.measurements import FloatArray


def correlated(white: FloatArray, rho: float, axis: int = -1) -> FloatArray:
    """Stationary AR(1) noise of unit variance, shape as `white`, which it replaces in place.

    white: independent values of unit variance; rho: lag-1 correlation along `axis`, in (-1, 1).

    >>> correlated(np.array([1.0, 0.0, 0.0]), 0.5).tolist()
    [1.0, 0.5, 0.25]
    """
    along = np.moveaxis(white, axis, 0)
    for time in range(1, len(along) if rho != 0 else 0):
        along[time] = rho * along[time - 1] + np.sqrt(1 - rho * rho) * along[time]
    return white


def whitened(values: FloatArray, rho: float, axis: int = -1) -> FloatArray:
    """Values whose AR(1) errors of unit variance are made independent, shape as `values`.

    rho: lag-1 correlation along `axis`, in [0, 1). Source: Prais and Winsten 1954.

    >>> whitened(np.array([1.0, 0.5, 0.25]), 0.5).tolist()
    [1.0, 0.0, 0.0]
    """
    if rho <= 0:
        return values
    along = np.moveaxis(values, axis, 0)
    later = (along[1:] - rho * along[:-1]) / np.sqrt(1 - rho * rho)
    return np.moveaxis(np.concatenate([along[:1], later]), 0, axis)
