"""How much looks scatter about a smooth course of their own, against what their errors say.

The log's standard errors are one witness, the run's own scatter is the other. It is measured from
what the best of many courses (humps, cliffs, honest curves) leaves, with the degrees of freedom
that are left counted, so that errors stated too small, or learnt from gold that was smoothed, are
told by the run itself. Source: docs/methods.md (Noise).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.kept import kept
from analytics.onset.gao import normalised_gold
from analytics.onset.measurements import FloatArray
from analytics.onset.noise import EXACT, UNSTATED, Noise, variances

FEWEST_LOOKS = 8
SPENT = 4
"""Degrees of freedom that a course takes: level, size, position and kind."""
LEVEL = 0.95
"""Of the scatter of true errors: more than that is called too much."""
_PATHS = 2_000
_GAO_PEAKS = np.geomspace(0.12, 2.0, 60)
_WIDTHS = (0.1, 0.2, 0.4)


def widened(noise: Noise, gold: FloatArray) -> Noise:
    """The noise with the errors of its last look widened to the run's own scatter.

    gold: (looks,), the looks behind noise. Nothing changes where the scatter is no more than true
    errors leave in 95 % of runs, where there are fewer than 8 looks, or where gold has no noise.
    """
    factor = excess(noise, gold)
    if factor == 1:
        return noise
    widen = noise.widen.copy()
    widen[-1] *= factor
    return replace(noise, widen=widen, se=noise.se * np.sqrt(factor))


def excess(noise: Noise, gold: FloatArray) -> float:
    """Own scatter over the variances that the last look uses, 1 where it is not significantly more.

    gold: (looks,). The ratio is of variances: 4 means errors twice too small.
    """
    variance = variances(noise)[-1]
    if len(gold) < FEWEST_LOOKS or noise.phrase == EXACT or not np.all(variance > 0):
        return 1.0
    ratio = float(ratios(gold[None, :], variance)[0])
    return ratio if ratio > _limit(len(gold), noise.method in UNSTATED) else 1.0


def ratios(gold: FloatArray, variance: FloatArray) -> FloatArray:
    """Scatter about the best course over what the errors say, 1 on average for white noise.

    gold: (curves, looks); variance: (looks,). Returns (curves,).
    """
    left = np.sum(residuals(gold, variance) ** 2, axis=1)
    return np.asarray(left / _expected(gold.shape[1]))


def residuals(gold: FloatArray, variance: FloatArray) -> FloatArray:
    """What the best course leaves, in standard errors, (curves, looks)."""
    weight = 1 / np.sqrt(variance)
    level = weight / np.linalg.norm(weight)
    shapes = courses(gold.shape[1]) * weight
    shapes = shapes - (shapes @ level)[:, None] * level
    length = np.linalg.norm(shapes, axis=1)
    told = length > 1e-9 * length.max()
    shapes = shapes[told] / length[told, None]
    # a constant far from 0 must not drown what is left in rounding
    scaled = (gold - gold[:, :1]) * weight
    left = scaled - (scaled @ level)[:, None] * level
    along = left @ shapes.T
    best = np.argmax(along**2, axis=1)
    return np.asarray(left - along[np.arange(len(gold)), best][:, None] * shapes[best])


@kept(maxsize=64)
def courses(looks: int) -> FloatArray:
    """Shapes over evenly spaced looks that a run's gold may follow, (shapes, looks)."""
    x = np.linspace(0, 1, looks)
    found = [normalised_gold(x / p, g) for p in _GAO_PEAKS for g in (0.0, 0.5, 1.0)]
    for p in x[1:-1]:
        found.append(np.where(x <= p, x / p, 2 - x / p))
        for width in (1 / (looks - 1), *_WIDTHS):
            fall = np.clip((x - p) / width, 0, 1)
            found += [-fall, *(np.minimum(x / p, 1) ** power - 0.5 * fall for power in (0.5, 1.0))]
    for p in np.linspace(0.1, 0.9, 9):
        found += [np.minimum(x / p, 1), 1 / (1 + np.exp(-(x - p) / 0.05)), 1 - np.exp(-x / p)]
    return np.unique(np.round(np.array(found), 9), axis=0)


@kept(maxsize=64)
def _white(looks: int) -> FloatArray:
    """White noise of unit variance, with a fixed seed, (paths, looks)."""
    return np.random.default_rng([20221022, looks]).standard_normal((_PATHS, looks))


@kept(maxsize=64)
def _left(looks: int) -> FloatArray:
    return np.asarray(np.sum(residuals(_white(looks), np.ones(looks)) ** 2, axis=1))


def _expected(looks: int) -> float:
    return float(_left(looks).mean())


@kept(maxsize=64)
def _limit(looks: int, learnt: bool) -> float:
    """The ratio that white noise exceeds in 5 % of runs; learnt: its errors come from it too."""
    ratio = _left(looks) / _expected(looks)
    if learnt:
        ratio = ratio / np.mean(np.diff(_white(looks), n=2, axis=1) ** 2 / 6, axis=1)
    return float(np.quantile(ratio, LEVEL))
