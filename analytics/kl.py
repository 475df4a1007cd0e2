"""KL divergence between policies: the best-of-n bound and the three sample estimators.

All in nats, from lists, NumPy arrays, Polars or pandas series, or PyArrow arrays. Per response
means summed over its tokens, not divided by its length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.computing.any_frame import array
from analytics.wording import number

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


def best_of_n_kl_of(n: ArrayLike, log_probability: ArrayLike) -> FloatArray:
    """Estimate of D_KL(best-of-n || reference) from one selected response, nats per response.

    (1-e)^n [ln n + (n-1) ln(1-e) - (n-1)/n] + (1 - (1-e)^n) ln[(1 - (1-e)^n) / e], where e is the
    probability of the selected response under the reference; to be averaged over draws and
    prompts. It lies in [0, ln n - (n-1)/n]: the bound where e -> 0, 0 where e = 1. That its mean
    is at least the KL is a conjecture. n: >= 1; log_probability: ln e <= 0, nats; any shapes that
    broadcast. Source: Beirami et al. 2024 (arXiv 2401.01879).

    >>> best_of_n_kl_of([2, 4, 16], np.log(0.5)).round(4).tolist()
    [0.1791, 0.4991, 0.693]
    """
    samples = np.asarray(n, dtype=np.float64)
    log_e = np.minimum(np.asarray(log_probability, dtype=np.float64), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_rest = np.log1p(-np.exp(log_e))  # ln(1 - e), -inf where e = 1
        log_missed = samples * log_rest  # ln (1-e)^n
        missed = np.exp(log_missed)
        spread = np.log(samples) - (samples - 1) / samples
        first = np.where(missed > 0, missed * (spread + (samples - 1) * log_rest), 0.0)
        hit = -np.expm1(log_missed)
        second = np.where(hit > 0, hit * (np.log(hit) - log_e), 0.0)
    return np.asarray(np.clip(first + second, 0.0, spread), dtype=np.float64)


def best_of_n_chi2(n: ArrayLike) -> FloatArray:
    """Chi-square divergence of best-of-n from the reference, no ties: (n-1)^2 / (2n-1).

    >>> best_of_n_chi2(4).item() == 9 / 7
    True
    """
    samples = np.asarray(n, dtype=np.float64)
    return np.asarray((samples - 1) ** 2 / (2 * samples - 1), dtype=np.float64)


def n_of_best_of_n_kl(kl: float) -> float:
    """The n whose bound ln n - (n - 1) / n is kl (nats, >= 0); inf where kl exceeds 30 nats.

    >>> round(n_of_best_of_n_kl(float(best_of_n_kl(16))), 6)
    16.0
    """
    if not 0 <= kl <= 30:
        return float("inf") if kl > 0 else 1.0
    low, high = 0.0, kl + 1.0  # of ln n: ln n - 1 < kl
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle + np.expm1(-middle) < kl else (low, middle)
    return float(np.exp((low + high) / 2))


def k1(log_ratio: ArrayLike) -> FloatArray:
    """Schulman's k1 = ln(pi/pi_ref), nats: unbiased under samples from pi, may be negative.

    log_ratio: ln pi(y) - ln pi_ref(y), any shape. Source: Schulman 2020, "Approximating KL
    Divergence".
    """
    return array(log_ratio, "log_ratio")


def k2(log_ratio: ArrayLike) -> FloatArray:
    """Schulman's k2 = ln(pi/pi_ref)^2 / 2, nats: biased, and not a KL far from the reference.

    log_ratio: ln pi(y) - ln pi_ref(y), any shape. Source: Schulman 2020.
    """
    return array(log_ratio, "log_ratio") ** 2 / 2


def k3(log_ratio: ArrayLike) -> FloatArray:
    """Schulman's k3 = (r - 1) - ln r with r = pi_ref/pi, nats: unbiased, never negative.

    log_ratio: ln pi(y) - ln pi_ref(y), any shape. Heavy-tailed above a few nats. Source:
    Schulman 2020.
    """
    ratio = array(log_ratio, "log_ratio")
    return np.expm1(-ratio) + ratio


def chi_square(log_ratio: ArrayLike) -> float:
    """Plug-in chi-square divergence of a policy from its reference: mean of e^(ln pi/pi_ref) - 1.

    log_ratio: ln pi(y) - ln pi_ref(y) of responses drawn from pi. The largest ratio rules the
    mean: past about 5 nats of KL it is worth nothing. Source: Laidlaw, Singhal, Dragan 2025 (arXiv
    2403.03185).
    """
    return float(np.mean(np.expm1(array(log_ratio, "log_ratio"))))


def gold_gain_bound(proxy_gain: float, chi2: float, correlation: float) -> float:
    """Least gain of gold that a gain of the proxy allows, both in their reference sd.

    (proxy gain - sqrt((1 - r^2) chi2)) / r, with r in (0, 1] the correlation of proxy and gold
    under the reference and chi2 the policy's divergence from it. Source: Laidlaw, Singhal, Dragan
    2025 (arXiv 2403.03185), theorem 5.1.

    Raises ValueError for a correlation outside of (0, 1].

    >>> round(gold_gain_bound(0.5, np.expm1(0.25), 0.8), 4)
    0.2253
    """
    if not 0 < correlation <= 1:
        raise ValueError(f"correlation must lie in (0, 1], not {number(correlation)}")
    return float((proxy_gain - np.sqrt((1 - correlation**2) * chi2)) / correlation)
