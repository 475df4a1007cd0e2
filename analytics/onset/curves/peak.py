"""Where gold peaked, from its shape alone: the 90 % set of looks that may be the mode.

No curve is assumed beyond "up, then down", so a cliff or a tent is covered as well as the curves
of Gao et al. Source: docs/methods.md (shape-only set).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analytics.gao import normalised_gold
from analytics.onset.curves.unimodal import misfit_by_mode, unimodal_fit
from analytics.onset.evidence.measurements import FloatArray

LEVEL = 0.90
CURVES_PER_SHAPE = 400
_NOISE_STEP = 1.25
_NOISE_RANGE = (0.004, 0.6)
_EXPONENTS = (0.5, 1.0, 2.0)
_SHAPES = ("rl", "bon", "mid", "cliff", "tent")


@dataclass(frozen=True)
class PeakSet:
    """first, last: looks (inclusive) of the set, widened by one on each side; starts, ends: whether
    the set held the first, the last look before it was widened; mode: the best single look.
    weights: (looks,) how plausible each look is as the mode, summing to 1. gold: gold at the peak;
    fit: (looks,) the unimodal curve through the mode."""

    first: int
    last: int
    starts: bool
    ends: bool
    mode: int
    weights: FloatArray
    gold: float
    fit: FloatArray


def peak_set(
    gold: FloatArray, se: FloatArray, place: FloatArray, rho: float, freedom: float
) -> PeakSet:
    """The 90 % set for the mode of expected gold.

    gold, se: (looks,), same unit; place: (looks,) d in sqrt-nats, or steps, only used for how the
    looks are spread; rho: correlation of neighbouring looks; freedom: degrees of freedom behind
    se, inf = known. A look belongs to the set where forcing the mode on it raises the weighted
    misfit by no more than the simulated threshold.
    """
    scale = float(np.max(np.abs(gold))) or 1.0
    y = gold / scale
    # exact gold: any positive error makes every other look impossible, which is right
    error = np.maximum(se / scale, 1e-7)
    error = np.maximum(error, 0.1 * float(np.median(error)))
    weights = 1 / error**2
    statistic = misfit_by_mode(y[None, :], weights)[0]
    statistic = statistic - statistic.min()
    fit = unimodal_fit(y, weights, int(np.argmin(statistic)))
    gain = float(np.max(fit) - fit[0])
    noise = float(np.median(error)) / gain if gain > 0 else np.inf
    limit = threshold(len(y), _rounded_noise(noise), _rounded_exponent(place), round(rho * 10) / 10)
    if np.isfinite(freedom):
        limit *= (1 + 1.5 / max(freedom, 1.0)) ** 2
    inside = np.flatnonzero(statistic <= limit)
    plausible = np.exp(-statistic / 2)
    plausible /= plausible.sum()
    mode = int(np.clip(round(float(plausible @ np.arange(len(y)))), inside[0], inside[-1]))
    return PeakSet(
        max(0, int(inside[0]) - 1),
        last=min(len(y) - 1, int(inside[-1]) + 1),
        starts=bool(inside[0] == 0),
        ends=bool(inside[-1] == len(y) - 1),
        mode=mode,
        weights=plausible,
        gold=float(plausible @ y) * scale,
        fit=unimodal_fit(y, weights, mode) * scale,
    )


@lru_cache(maxsize=512)
def threshold(looks: int, noise: float, exponent: float = 1.0, rho: float = 0.0) -> float:
    """Threshold at which the widened set covers 90 % of true peaks, on the worst of five shapes.

    looks after the one at d = 0 count too; noise: standard error in units of the peak's gain;
    exponent: d grows like (look / looks)^exponent; rho: correlation of neighbouring looks. The
    true peaks lie at .3 to .8 of the final d. Simulated with a fixed seed.
    """
    rng = np.random.default_rng(20221020)
    share = np.linspace(0, 1, looks) ** exponent
    worst = 0.0
    for shape in _SHAPES:
        peaks = rng.uniform(0.3, 0.8, CURVES_PER_SHAPE)
        truth = _curves(shape, share, peaks[:, None], rng)
        errors = rng.standard_normal(truth.shape)
        for t in range(1, looks if rho > 0 else 0):
            errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho * rho) * errors[:, t]
        misfit = misfit_by_mode(truth / noise + errors, np.ones(looks))
        needed = _needed(misfit - misfit.min(axis=1, keepdims=True), share, peaks)
        worst = max(worst, float(np.quantile(needed, LEVEL)))
    return worst


def _needed(statistic: FloatArray, share: FloatArray, peaks: FloatArray) -> FloatArray:
    """The smallest threshold at which each widened set covers its peak, shape (curves,).

    The set runs from its first to its last look and is widened by one look on each side, so a
    peak between looks b and b + 1 is covered where it starts at b + 1 or before and ends at b or
    after.
    """
    curves = np.arange(len(peaks))
    before = np.clip(np.searchsorted(share, peaks) - 1, 0, len(share) - 2)
    from_left = np.minimum.accumulate(statistic, axis=1)
    from_right = np.minimum.accumulate(statistic[:, ::-1], axis=1)[:, ::-1]
    return np.maximum(from_left[curves, before + 1], from_right[curves, before])


def _curves(
    shape: str, share: FloatArray, peaks: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Expected gold, (curves, looks), in units of the peak's gain; share, peaks: d / final d."""
    x = share[None, :] / peaks
    if shape == "cliff":
        rise = np.minimum(x, 1.0) ** rng.uniform(0.5, 1.0, peaks.shape)
        return np.asarray(rise - 0.5 * np.clip((share[None, :] - peaks) / 0.1, 0, 1))
    if shape == "tent":
        return np.asarray(np.where(x <= 1, x, np.maximum(2 - x, -1.0)))
    return normalised_gold(x, {"rl": 0.0, "bon": 1.0, "mid": 0.5}[shape])


def _rounded_noise(noise: float) -> float:
    low, high = _NOISE_RANGE
    clipped = min(max(noise, low), high)
    return float(0.05 * _NOISE_STEP ** np.round(np.log(clipped / 0.05) / np.log(_NOISE_STEP)))


def _rounded_exponent(place: FloatArray) -> float:
    """The power law that places the looks best, among the few that have a simulated threshold."""
    span = float(place[-1] - place[0])
    if not np.all(np.isfinite(place)) or span <= 0:
        return 1.0
    share = np.linspace(0, 1, len(place))
    misfits = [float(np.sum(((place - place[0]) / span - share**e) ** 2)) for e in _EXPONENTS]
    return _EXPONENTS[int(np.argmin(misfits))]
