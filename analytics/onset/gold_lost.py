"""How much gold was given away since the peak, without the winner's curse.

The peak is chosen because it is high, so measuring it with the data that chose it flatters it.
Gaussian thinning (Rasines and Young 2023; Leiner et al. 2023, data fission) splits each look into
two independent halves: one half chooses, the other measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.onset.measurements import FloatArray
from analytics.onset.unimodal import misfit_by_mode

LEVEL_Z = 1.645
SPLITS = 200


@dataclass(frozen=True)
class GoldLost:
    """Expected gold at the peak minus expected gold now, with its 90 % interval, gold's unit."""

    value: float
    low: float
    high: float


def gold_lost(gold: FloatArray, se: FloatArray, rho: float, freedom: float) -> GoldLost:
    """The loss at the last look, averaged over many splits of the same data.

    gold, se: (looks,), same unit; rho: correlation of neighbouring looks; freedom: degrees of
    freedom behind se, inf = known. With rho > 0 the halves are split with the same correlation,
    so that they stay independent. The halves' seed is fixed.
    """
    count = len(gold)
    scale = float(np.max(np.abs(gold))) or 1.0
    y, error = gold / scale, np.maximum(se / scale, 1e-7)
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    correlation = rho**distance if rho > 0 else np.eye(count)
    shape = np.linalg.cholesky(correlation)
    rng = np.random.default_rng(20230101)
    shake = rng.standard_normal((SPLITS // 2, count)) @ shape.T * error
    shake = np.vstack([shake, -shake])
    chooser, measure = y + shake, y - shake
    misfit = misfit_by_mode(chooser, 1 / error**2)
    plausible = np.exp(-(misfit - misfit.min(axis=1, keepdims=True)) / 4)
    plausible /= plausible.sum(axis=1, keepdims=True)
    peak = float(np.mean(np.sum(plausible * measure, axis=1)))
    contrast = plausible.mean(axis=0)
    contrast[-1] -= 1.0
    value = peak - float(y[-1])
    scaled = contrast * error
    spread = float(np.sqrt(max(float(scaled @ correlation @ scaled), 0.0)))
    # thinning halves what chooses, and the choice itself varies: both cost a little width
    z = LEVEL_Z * (1 + 1.5 / max(freedom, 1.0) if np.isfinite(freedom) else 1.0)
    return GoldLost(value * scale, (value - z * spread) * scale, (value + z * spread) * scale)
