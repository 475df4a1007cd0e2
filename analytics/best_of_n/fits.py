"""Gao's curves fitted to a best-of-n curve, all errors from resampling prompts.

The points of one pool share its samples, so the errors that least squares would state are far too
small or too large; here every draw of prompts gives a curve, a KL axis where that is estimated,
and a fit of its own. Source: Gao et al. 2022 (arXiv 2210.10760), section 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.best_of_n.estimator import FloatArray
from analytics.best_of_n.resampling import FEWEST_PROMPTS, LEVEL, drawn_means, standard_error
from analytics.gao import box_cox_gold
from analytics.onset.curves.fits import FEWEST_LOOKS, LACK_OF_FIT, gao_fit

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class PoolFit:
    """gold = intercept + d (alpha - beta d), best_of_n; intercept + d (alpha - beta ln d), rl.

    kl: of the peak, nats, None where the fitted curve has none. Bounds are 90 %; an upper bound of
    None is none: more than 5 % of the draws have no peak. beyond: the peak lies past the largest
    KL of the pool, where nothing was measured. misfit: largest distance of a point from the curve,
    in units of gold; p: of it; fits: whether p >= 5 %, None
    where there are too few prompts to say. covariance: of (alpha, beta) over the draws, (2, 2).
    """

    form: str
    intercept: float
    alpha: float
    beta: float
    alpha_bounds: Bounds
    beta_bounds: Bounds
    kl: float | None
    kl_bounds: Bounds
    beyond: bool
    misfit: float
    p: float | None
    fits: bool | None
    covariance: FloatArray | None

    def gold(self, d: FloatArray) -> FloatArray:
        """The fitted curve at d, sqrt-nats."""
        if self.form == "best_of_n":
            return np.asarray(self.intercept + d * (self.alpha - self.beta * d))
        return self.intercept + box_cox_gold(d, self.alpha, self.beta, 0.0)


def pool_fit(gold: FloatArray, kl: FloatArray, form: str) -> PoolFit | None:
    """Fit one form by weighted least squares with an intercept; None where that is not possible.

    gold: (P, K), by prompt and n. kl: (K,) where it is known, (P, K) where it is estimated, nats;
    the first column is n = 1 with KL 0. form: "best_of_n" or "rl".
    """
    mean, error = gold.mean(axis=0), standard_error(gold)
    fixed = kl.ndim == 1
    d = np.sqrt(kl if fixed else kl.mean(axis=0))
    if len(d) < FEWEST_LOOKS or not np.all(error > 0):
        return None
    found = gao_fit(d, mean, error, form)
    if found is None:
        return None
    beyond = found.kl is not None and found.kl > float(np.max(d)) ** 2
    residual = _least_squares(d[None, :], mean[None, :], 1 / error, form)[1]
    misfit = float(np.max(np.abs(residual)))
    if len(gold) < FEWEST_PROMPTS:
        return PoolFit(
            form,
            intercept=found.intercept,
            alpha=found.alpha,
            beta=found.beta,
            alpha_bounds=(None, None),
            beta_bounds=(None, None),
            kl=found.kl,
            kl_bounds=(None, None),
            beyond=beyond,
            misfit=misfit,
            p=None,
            fits=None,
            covariance=None,
        )
    drawn = drawn_means(gold if fixed else np.hstack([gold, kl]))
    curves = drawn[:, : len(d)]
    places = np.broadcast_to(d, curves.shape)
    if not fixed:
        places = np.sqrt(np.maximum(drawn[:, len(d) :], 0))
    theta, left = _least_squares(places, curves, 1 / error, form)
    spread = left.std(axis=0)
    usable = spread > 1e-9 * float(np.max(np.abs(mean)) + np.max(error))
    p = 1.0
    if np.any(usable):
        size = np.max(np.abs(residual[0, usable]) / spread[usable])
        largest = np.max(np.abs(left[:, usable] - residual[0, usable]) / spread[usable], axis=1)
        p = float(np.mean(largest >= size))
    peaks = peak_kl(theta[:, 1], theta[:, 2], form)
    return PoolFit(
        form,
        intercept=found.intercept,
        alpha=found.alpha,
        beta=found.beta,
        alpha_bounds=_bounds(theta[:, 1]),
        beta_bounds=_bounds(theta[:, 2]),
        kl=found.kl,
        kl_bounds=_bounds(peaks),
        beyond=beyond,
        misfit=misfit,
        p=p,
        fits=p >= LACK_OF_FIT,
        covariance=np.cov(theta[:, 1:].T),
    )


def peak_kl(alpha: FloatArray, beta: FloatArray, form: str) -> FloatArray:
    """KL of the peak for many fits, nats; inf where gold never falls, 0 where it never rises.

    >>> peak_kl(np.array([0.5, 1.0]), np.array([0.1, 0.25]), "best_of_n").round(9).tolist()
    [6.25, 4.0]
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(beta > 0, alpha / np.where(beta > 0, beta, 1.0), np.inf)
        if form == "best_of_n":
            return np.asarray(np.maximum(ratio, 0.0) ** 2 / 4)
        return np.asarray(np.exp(2 * ratio - 2))


def _least_squares(
    d: FloatArray, y: FloatArray, weight: FloatArray, form: str
) -> tuple[FloatArray, FloatArray]:
    """Weighted fits of many curves at once: parameters (draws, 3) and residuals (draws, K)."""
    bend = d**2 if form == "best_of_n" else d * np.log(np.where(d > 0, d, 1.0))
    design = np.stack([np.ones(d.shape), d, -bend], axis=2)
    scaled = design * weight[None, :, None]
    square = scaled.transpose(0, 2, 1) @ scaled
    right = scaled.transpose(0, 2, 1) @ (y * weight[None, :])[:, :, None]
    theta = (np.linalg.pinv(square, hermitian=True) @ right)[:, :, 0]
    return theta, y - (design @ theta[:, :, None])[:, :, 0]


def _bounds(values: FloatArray) -> Bounds:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return (float(low) if np.isfinite(low) else None, float(high) if np.isfinite(high) else None)
