"""KL divergence between policies: the best-of-n bound and the three sample estimators.

All in nats. Per response means summed over its tokens, not divided by its length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def best_of_n_kl(n: ArrayLike) -> FloatArray:
    """Upper bound of D_KL(best-of-n || reference), nats per response: ln n - (n - 1) / n.

    n: number of samples, >= 1, any shape; the result has the same shape. It is the exact value
    only where no two samples ever tie (Beirami et al. 2024, arXiv 2401.01879, theorem 3.1).

    Raises ValueError where an n is below 1 or not a number.

    >>> round(float(best_of_n_kl(2)), 6)
    0.193147
    """
    samples = np.asarray(n, dtype=np.float64)
    if not np.all(samples >= 1):
        raise ValueError(f"n must be at least 1, got {n!r}")
    return np.asarray(np.log(samples) - (samples - 1) / samples, dtype=np.float64)


def k1(log_ratio: ArrayLike) -> FloatArray:
    """Schulman's k1 = ln(pi/pi_ref), nats: unbiased under samples from pi, may be negative.

    log_ratio: ln pi(y) - ln pi_ref(y), any shape. Source: Schulman 2020, "Approximating KL
    Divergence".
    """
    return np.asarray(log_ratio, dtype=np.float64)


def k2(log_ratio: ArrayLike) -> FloatArray:
    """Schulman's k2 = ln(pi/pi_ref)^2 / 2, nats: biased, and not a KL far from the reference.

    log_ratio: ln pi(y) - ln pi_ref(y), any shape. Source: Schulman 2020.
    """
    return np.asarray(log_ratio, dtype=np.float64) ** 2 / 2


def k3(log_ratio: ArrayLike) -> FloatArray:
    """Schulman's k3 = (r - 1) - ln r with r = pi_ref/pi, nats: unbiased, never negative.

    log_ratio: ln pi(y) - ln pi_ref(y), any shape. Heavy-tailed above a few nats. Source:
    Schulman 2020.
    """
    ratio = np.asarray(log_ratio, dtype=np.float64)
    return np.expm1(-ratio) + ratio
