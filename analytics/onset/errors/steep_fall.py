"""One steep fall among few evaluations whose error nothing states: the noise beside it.

Learnt from how gold jumps, the noise of few looks is learnt from the fall itself, which then never
exceeds it. Where a split of the looks into a line and a level below it is all but certain
(Student's statistic of the best split, against white noise that may grow threefold), the scatter on
either side stands for the noise. Under gold that never falls the numerator is at most 0 on average,
and what is no line or level only adds to the scatter. Source: docs/methods.md (Noise).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.computing.kept import kept
from analytics.onset.evidence.measurements import FloatArray

FEWEST_LOOKS, MOST_LOOKS = 6, 16
"""With more looks than these a fall touches few of the differences."""
LEVEL = 0.999
_GROWTH = 3.0
_PATHS = 50_000
_CLEARLY_BELOW = 3.0
"""Every limit lies above: one split alone, of infinitely many looks, has its 99.9 % at 3.09."""


class SteepFall(NamedTuple):
    """at: looks before the fall; variance: of one look, from both sides; freedom: behind it."""

    at: int
    variance: float
    freedom: int

    def mended(self, gold: FloatArray) -> FloatArray:
        """The looks with the later ones lifted to where the earlier ones ended, (looks,)."""
        lift = gold[self.at - 2 : self.at].mean() - gold[self.at :].mean()
        return np.where(np.arange(len(gold)) < self.at, gold, gold + lift)


def steep_fall(gold: FloatArray) -> SteepFall | None:
    """The one steep fall of looks in time order, gold (looks,); None where none is certain."""
    count = len(gold)
    if not FEWEST_LOOKS <= count <= MOST_LOOKS:
        return None
    scale = float(np.ptp(gold))
    if scale == 0:
        return None
    y = (gold - gold[0])[None, :] / scale
    found = [_split(y, at) for at in _splits(count)]
    best = int(np.argmax([float(statistic[0]) for statistic, _ in found]))
    statistic = float(found[best][0][0])
    if not statistic >= _CLEARLY_BELOW or not statistic >= _limit(count):
        return None
    return SteepFall(_splits(count)[best], float(found[best][1][0]) * scale**2, count - 3)


def _splits(looks: int) -> range:
    """Two looks at least after the fall: one alone would carry it."""
    return range(3, looks - 1)


def _split(gold: FloatArray, at: int) -> tuple[FloatArray, FloatArray]:
    """Student's statistic of a fall after `at` looks, and the variance of a look, (paths,).

    gold: (paths, looks). A line is taken from the earlier looks and a level from the later ones;
    the last two of the former are compared with the latter.
    """
    looks = gold.shape[1]
    before, after = gold[:, :at], gold[:, at:]
    time = np.arange(at) - (at - 1) / 2
    left = before - before.mean(axis=1, keepdims=True)
    left = left - (left @ time / (time @ time))[:, None] * time
    right = after - after.mean(axis=1, keepdims=True)
    variance = (np.sum(left**2, axis=1) + np.sum(right**2, axis=1)) / (looks - 3)
    fall = before[:, -2:].mean(axis=1) - after.mean(axis=1)
    spread = np.sqrt(np.maximum(variance, 1e-24) * (1 / 2 + 1 / (looks - at)))
    return fall / spread, variance


@kept(maxsize=16)
def _limit(looks: int) -> float:
    """What the best split of gold that never falls exceeds in .1 % of runs; noise may grow."""
    white = np.random.default_rng([20221024, looks]).standard_normal((_PATHS, looks))
    growing = white * np.geomspace(1, _GROWTH, looks)
    found = [
        np.max([_split(one, at)[0] for at in _splits(looks)], axis=0) for one in (white, growing)
    ]
    return float(max(np.quantile(one, LEVEL) for one in found))
