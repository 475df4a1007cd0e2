"""How much gold was given away since the peak, without the winner's curse.

The peak is chosen because it is high, so measuring it with the data that chose it flatters it. A
parametric bootstrap around the unimodal fit repeats choice and measurement and takes its mean
error off. Source: docs/methods.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.onset.curves.unimodal import misfit_by_mode, unimodal_fit
from analytics.onset.evidence.measurements import FloatArray

REPEATS = 200
WIDTH = 1.8
"""In bootstrap standard deviations: the normal 1.645, and 10 % because the curve that the
bootstrap starts from is itself estimated (coverage of the plain interval: .82 to .98)."""


@dataclass(frozen=True)
class GoldLost:
    """Expected gold at the peak minus expected gold now, with its 90 % interval, gold's unit."""

    value: float
    low: float
    high: float


def gold_lost(gold: FloatArray, se: FloatArray, rho: float, freedom: float) -> GoldLost:
    """The loss at the last look.

    gold, se: (looks,), same unit; rho: correlation of neighbouring looks; freedom: degrees of
    freedom behind se, inf = known. The seed is fixed.
    """
    count = len(gold)
    scale = float(np.max(np.abs(gold))) or 1.0
    y, error = gold / scale, np.maximum(se / scale, 1e-7)
    error = np.maximum(error, 0.1 * float(np.median(error)))
    weights = 1 / error**2
    loss, plausible = _loss(y[None, :], weights)
    fit = unimodal_fit(y, weights, int(np.argmax(plausible[0])))
    rng = np.random.default_rng(20221021)
    errors = rng.standard_normal((REPEATS // 2, count))
    for t in range(1, count if rho > 0 else 0):
        errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho * rho) * errors[:, t]
    repeated, _ = _loss(fit + error * np.vstack([errors, -errors]), weights)
    excess = repeated - float(np.max(fit) - fit[-1])
    value = float(loss[0] - excess.mean())
    few = 1 + 1.5 / max(freedom, 1.0) if np.isfinite(freedom) else 1.0
    half = WIDTH * few * float(excess.std())
    return GoldLost(value * scale, (value - half) * scale, (value + half) * scale)


def _loss(curves: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gold averaged over the plausible modes minus the last look, (curves,), and the weights."""
    misfit = misfit_by_mode(curves, weights)
    plausible = np.exp(-(misfit - misfit.min(axis=1, keepdims=True)) / 2)
    plausible /= plausible.sum(axis=1, keepdims=True)
    return np.sum(plausible * curves, axis=1) - curves[:, -1], plausible
