"""How much looks scatter about a smooth course of their own, against what their errors say.

The log's standard errors are one witness, the run's own scatter is the other. It is measured from
what the best of many courses (humps, cliffs, honest curves) leaves, with the degrees of freedom
that are left counted, so that errors stated too small, or learnt from gold that was smoothed, are
told by the run itself. Source: docs/methods.md (Noise).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.computing.kept import kept
from analytics.gao import normalised_gold
from analytics.onset.errors.noise import EXACT, UNSTATED, Noise, variances
from analytics.onset.evidence.measurements import FloatArray

FEWEST_LOOKS = 8
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


def residuals(gold: FloatArray, variance: FloatArray, free: bool = True) -> FloatArray:
    """What the best course leaves, in standard errors, (curves, looks); free: see `courses`."""
    weight = 1 / np.sqrt(variance)
    level, first, second = _directions(tuple(weight.tolist()), free)
    # a constant far from 0 must not drown what is left in rounding
    scaled = (gold - gold[:, :1]) * weight
    left = scaled - (scaled @ level)[:, None] * level
    along, beside = left @ first.T, left @ second.T
    best = np.argmax(along**2 + beside**2, axis=1)
    curves = np.arange(len(gold))
    explained = along[curves, best][:, None] * first[best]
    return np.asarray(left - explained - beside[curves, best][:, None] * second[best])


@kept(maxsize=4)
def _directions(
    weights: tuple[float, ...], free: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Orthonormal directions of a level (looks,) and of each course's two shapes, (courses, looks).

    weights: of each look, 1 / its standard error.
    """
    weight = np.array(weights)
    level = weight / np.linalg.norm(weight)
    first, second = (courses(len(weight), free) * weight).swapaxes(0, 1)
    first = _unit(first, level[None, :])
    return level, first, _unit(second, level[None, :], first)


def _unit(shapes: FloatArray, *others: FloatArray) -> FloatArray:
    """Shapes (shapes, looks) of length 1, with nothing along others; 0 where nothing is left."""
    length = np.linalg.norm(shapes, axis=1, keepdims=True)
    for one in others:
        shapes = shapes - np.sum(shapes * one, axis=1, keepdims=True) * one
    left = np.linalg.norm(shapes, axis=1, keepdims=True)
    is_left = left > 1e-6 * np.maximum(length, 1e-300)
    return np.where(is_left, shapes / np.where(is_left, left, 1.0), 0.0)


@kept(maxsize=64)
def courses(looks: int, free: bool) -> FloatArray:
    """Shapes over evenly spaced looks that a run's gold may follow, (courses, 2, looks).

    A course is a level and two shapes, each with a size of its own: a rise and the fall after it,
    which may be small against it. Where one shape is all, the second is 0, as in every course that
    is not free: the fall is then half of the rise.
    """
    x = np.linspace(0, 1, looks)
    whole = [normalised_gold(x / p, g) for p in _GAO_PEAKS for g in (0.0, 0.5, 1.0)]
    pairs = []
    for p in x[1:-1]:
        whole.append(np.where(x <= p, x / p, 2 - x / p))
        rises = [np.minimum(x / p, 1) ** power for power in (0.5, 1.0)]
        for width in (1 / (looks - 1), *_WIDTHS):
            fall = np.clip((x - p) / width, 0, 1)
            whole += [-fall, *([] if free else [rise - 0.5 * fall for rise in rises])]
        if free:
            widths = (1 / (looks - 1), *(w for w in _WIDTHS if w < 1 - p), 1 - p)
            falls = [np.clip((x - p) / width, 0, 1) for width in widths]
            pairs += [(rise, fall) for rise in rises for fall in falls]
    for p in np.linspace(0.1, 0.9, 9):
        whole += [np.minimum(x / p, 1), 1 / (1 + np.exp(-(x - p) / 0.05)), 1 - np.exp(-x / p)]
    alone = [(one, np.zeros(looks)) for one in np.unique(np.round(np.array(whole), 9), axis=0)]
    return np.array([*alone, *pairs])


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
