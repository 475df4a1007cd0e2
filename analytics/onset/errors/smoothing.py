"""Whether gold was smoothed before it was logged, and how few evaluations it then holds.

A moving or running mean leaves a signature: what the best course leaves has neighbours alike, far
more than that fit alone would make them. AR(1) is the working model: a running mean with weight w
on the new value is one with correlation 1 - w, so that n rows hold about n (1 - rho) / (1 + rho)
evaluations. Source: docs/methods.md (Noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.computing.kept import kept
from analytics.onset.errors.autocorrelation import FEWEST_EXACT, MOST_TURNS, turns
from analytics.onset.errors.own_scatter import FEWEST_LOOKS, residuals
from analytics.onset.evidence.ar1 import correlated
from analytics.onset.evidence.measurements import FloatArray

LOOKS_SMOOTHED = 0.5
"""Correlation of neighbours from which on gold is said to look smoothed, where significant."""
LEAST_UNDONE = 0.15
LARGEST = 0.9
_PATHS = 300
_GRID = np.linspace(0.0, 0.95, 20)
_SIGNIFICANT = 2.326
_LIKELY = 0.6
_CAREFUL = 0.25
"""Of its spread that is added to the correlation found: too little undone alarms too often."""


@dataclass(frozen=True)
class Smoothness:
    """rho: lag-1 correlation of what the best course leaves, freed of that fit's own bias, in
    [0, .9]; errors: standard errors of the raw ratio above that of white noise; careful: the
    correlation that is undone, a little more than what was found."""

    rho: float
    errors: float
    careful: float

    def undone(self, gold: FloatArray) -> FloatArray:
        """The values behind a running mean of this smoothness, gold (looks,) to (looks - 1,)."""
        return np.asarray((gold[1:] - self.careful * gold[:-1]) / (1 - self.careful))

    def hides_noise(self, gold: FloatArray) -> bool:
        """Whether gold (looks,) that shows no noise has some in the values behind: a running mean
        of weight .1 makes a tenth of it; a curve without noise hardly turns when it is undone."""
        behind = self.undone(gold)
        return self.likely and len(behind) >= FEWEST_EXACT and turns(behind) > MOST_TURNS

    @property
    def likely(self) -> bool:
        """Whether a witness had better look at the values behind: right in most smoothed runs."""
        return self.careful >= LEAST_UNDONE and self.errors > _LIKELY

    @property
    def seen(self) -> bool:
        """Whether gold looks smoothed: strongly and significantly (1 %) alike neighbours."""
        return self.rho >= LOOKS_SMOOTHED and self.errors > _SIGNIFICANT


NONE = Smoothness(0.0, 0.0, 0.0)


def smoothness(gold: FloatArray) -> Smoothness:
    """The smoothness of looks, gold (looks,) in time order; none below 8 looks or without noise."""
    if len(gold) < FEWEST_LOOKS:
        return NONE
    scale = float(np.ptp(gold)) or 1.0
    left = residuals(gold[None, :] / scale, np.ones(len(gold)), free=False)
    if float(np.sum(left**2)) < 1e-12 * len(gold):
        return NONE
    ratio = float(_ratios(left)[0])
    expected, spread = _table(len(gold))
    found, careful = np.interp([ratio, ratio + _CAREFUL * spread], expected, _GRID).tolist()
    errors = (ratio - float(expected[0])) / spread
    return Smoothness(min(found, LARGEST), errors, min(careful, LARGEST))


def _ratios(left: FloatArray) -> FloatArray:
    return np.asarray(np.sum(left[:, 1:] * left[:, :-1], axis=1) / np.sum(left**2, axis=1))


@kept(maxsize=64)
def _table(looks: int) -> tuple[FloatArray, float]:
    """Median ratio after the fit for each correlation of the grid, and its spread for white noise.

    Simulated with a fixed seed.
    """
    white = np.random.default_rng([20221023, looks]).standard_normal((_PATHS, looks))
    medians = np.empty(len(_GRID))
    for i, rho in enumerate(_GRID):
        noise = correlated(white.copy(), float(rho))
        ratio = _ratios(residuals(noise, np.ones(looks), free=False))
        medians[i] = np.median(ratio)
        if i == 0:
            spread = float(ratio.std())
    return np.maximum.accumulate(medians), spread
