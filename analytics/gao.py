"""Closed forms of Gao, Schulman and Hilton 2022 (arXiv 2210.10760).

d = sqrt(KL) in sqrt-nats, KL in nats per response against the initial policy; the gold reward is
measured from the initial policy's, so that R(0) = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

FORMS = {"rl": 0.0, "best_of_n": 1.0}
"""Exponent g of each form in the Box-Cox family."""


@dataclass(frozen=True)
class Peak:
    """The maximum of a curve: d in sqrt-nats, kl in nats, gold; zero = d where gold is 0 again."""

    d: float
    kl: float
    gold: float
    zero: float


def best_of_n_gold(d: ArrayLike, alpha: float, beta: float) -> FloatArray:
    """Gold under best-of-n: d (alpha - beta d). Source: Gao et al. 2022, section 1."""
    x = np.asarray(d, dtype=np.float64)
    return np.asarray(x * (alpha - beta * x), dtype=np.float64)


def rl_gold(d: ArrayLike, alpha: float, beta: float) -> FloatArray:
    """Gold under RL: d (alpha - beta ln d), 0 at d = 0. Source: Gao et al. 2022, section 1."""
    return box_cox_gold(d, alpha, beta, 0.0)


def box_cox_gold(d: ArrayLike, alpha: float, beta: float, g: float) -> FloatArray:
    """The family that nests both: d (alpha - beta (d^g - 1) / g).

    g -> 0 is the RL form; g = 1 the best-of-n form with alpha_bon = alpha + beta. Linear in
    (alpha, beta) for a given g. d >= 0 of any shape; the result has the same shape.

    Raises ValueError where a d is negative. Source: docs/methods.md, after Gao et al. 2022.
    """
    x = np.asarray(d, dtype=np.float64)
    if np.any(x < 0):
        raise ValueError("d = sqrt(KL) cannot be negative")
    positive = np.where(x > 0, x, 1.0)
    bend = np.log(positive) if g == 0 else (positive**g - 1) / g
    return np.asarray(np.where(x > 0, x * (alpha - beta * bend), 0.0), dtype=np.float64)


def best_of_n_peak(alpha: float, beta: float) -> Peak:
    """d* = alpha / 2 beta, KL* = alpha^2 / 4 beta^2, R* = alpha^2 / 4 beta, zero at alpha / beta.

    Raises ValueError unless alpha > 0 and beta > 0 (otherwise there is no peak). Source: derived
    from Gao et al. 2022, section 1.
    """
    _require_peak(alpha > 0 and beta > 0, alpha, beta)
    d = alpha / (2 * beta)
    return Peak(d, d * d, alpha * alpha / (4 * beta), alpha / beta)


def rl_peak(alpha: float, beta: float) -> Peak:
    """d* = exp(alpha / beta - 1), KL* = d*^2, R* = beta d*, zero again at e d*.

    Raises ValueError unless beta > 0. Source: derived from Gao et al. 2022, section 1.
    """
    _require_peak(beta > 0, alpha, beta)
    d = float(np.exp(alpha / beta - 1))
    return Peak(d, d * d, beta * d, float(np.e) * d)


def box_cox_peak(alpha: float, beta: float, g: float) -> Peak:
    """d* = [(1 + alpha g / beta) / (1 + g)]^(1/g); the RL peak for g = 0.

    Raises ValueError unless beta > 0, g >= 0 and 1 + alpha g / beta > 0. Source: docs/methods.md.
    """
    if g == 0:
        return rl_peak(alpha, beta)
    _require_peak(beta > 0 and g > 0 and 1 + alpha * g / beta > 0, alpha, beta)
    level = 1 + alpha * g / beta
    d = float((level / (1 + g)) ** (1 / g))
    return Peak(d, d * d, float(box_cox_gold(d, alpha, beta, g)), float(level ** (1 / g)))


def normalised_gold(x: ArrayLike, g: float) -> FloatArray:
    """R / R* at x = d / d*: x [1 + (1 - x^g) / g]; RL (g = 0) is x (1 - ln x).

    Source: docs/methods.md, after Gao et al. 2022.
    """
    ratio = np.asarray(x, dtype=np.float64)
    return box_cox_gold(ratio, 1.0, 1.0, g)


def iterated_gold(d: ArrayLike, alpha: float, beta: float, rounds: int) -> FloatArray:
    """Iterated RLHF of `rounds` rounds of d / rounds each: d (alpha - beta ln d + beta ln rounds).

    Raises ValueError where rounds < 1. Source: Gao et al. 2022, section 4.3.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    return box_cox_gold(d, alpha + beta * float(np.log(rounds)), beta, 0.0)


def _require_peak(has_peak: bool, alpha: float, beta: float) -> None:
    if not has_peak:
        raise ValueError(f"no peak for alpha = {alpha}, beta = {beta}")
