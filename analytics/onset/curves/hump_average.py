"""Where gold peaked, averaged over shapes: the Bayesian model average behind the intervals.

Prior: half on Gao et al.'s nested family, half on humps whose rise and fall are free (humps.py),
the peak's position log-uniform. The baseline has a flat prior and the sizes half-normal ones,
integrated in closed form; the errors' scale is integrated where it is estimated, their
correlation runs over a grid. Source: docs/methods.md (peak interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from analytics.computing.quantiles import chi2_beyond, f_beyond
from analytics.onset.curves.humps import (
    ABRUPT,
    EXPONENTS,
    FALLS,
    RISES,
    Humps,
    fall_reached,
    humps,
    one_percent_below,
)
from analytics.onset.evidence.ar1 import whitened
from analytics.onset.evidence.measurements import FloatArray, IntArray

FEWEST_LOOKS = 7
"""Four numbers are fitted (baseline, gain, position, exponent); three must be left to show
misfit."""
LACK_OF_FIT = 0.05
RHOS = (0.0, 0.3, 0.6)
POSITIONS = 160
_COARSE = 120
_RANGE = (0.02, 4.0)
_GAO_PRIOR = 0.5
_SMALLEST_ERROR = 1e-4
"""Of a look, in units of gold's range."""
_GAIN_SD = 1.5
"""Prior sd of each size, in units of gold's range over the looks."""
CURVES = 128
_LOSS = 0.01
_LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Spot:
    """A KL in nats with its 90 % interval; high is inf where it may not be reached at all."""

    kl: float
    low: float
    high: float


@dataclass(frozen=True)
class HumpAverage:
    """The posterior of the peak's place, and of what hangs on it.

    d: (positions,) sqrt-nats; every: (positions,) posterior over all shapes; gao: over Gao's
    family alone; both sum to 1. gao_share: posterior of Gao's family. chi_square, freedom, p: of
    the best of Gao's curves (looks - 4); fits: p >= 5 %. one_percent: first KL after the peak at
    which expected gold lies 1 % of the gain below it; cliff: the peak if the fall is abrupt,
    cliff_share: posterior of that. some_hump_fits: whether any shape does (looks - 5). draws:
    (CURVES, 2) curves of equal posterior: number of the shape (Gao's, then rise by fall) and of
    its position in d.
    """

    d: FloatArray
    every: FloatArray
    gao: FloatArray
    gao_share: float
    chi_square: float
    freedom: int
    p: float
    fits: bool
    one_percent: Spot
    cliff: Spot
    cliff_share: float
    some_hump_fits: bool
    draws: IntArray

    def interval(self, level: float, family: str = "every") -> Spot:
        """Equal-tailed interval of the peak's KL at a level; family "every" or "gao"."""
        weight = self.every if family == "every" else self.gao
        edges = ((1 - level) / 2, 0.5, (1 + level) / 2)
        low, middle, high = _quantiles(np.log(self.d), weight, edges)
        return Spot(*(float(np.exp(2 * value)) for value in (middle, low, high)))


def hump_average(
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    freedom: float = np.inf,
    rhos: Sequence[float] = RHOS,
    before_end: bool = False,
) -> HumpAverage | None:
    """The posterior from looks in time order; None below seven looks or without any spread.

    d: sqrt-nats >= 0; gold, se: same unit; all (looks,); freedom: degrees of freedom behind se,
    inf = known; rhos: grid of the errors' correlation, equal prior; before_end: the peak is known
    to lie before the last look (an alarm has fired).
    """
    use = np.isfinite(d) & np.isfinite(gold) & np.isfinite(se) & (se > 0) & (d >= 0)
    d, gold, se = d[use], gold[use], se[use]
    end, spread = float(np.max(d, initial=0.0)), float(np.ptp(gold)) if len(gold) else 0.0
    if len(np.unique(d)) < FEWEST_LOOKS or end <= 0 or spread <= 0:
        return None
    y, place = gold / spread, d / end
    # nearly exact gold: a smaller error would only lose digits in the fits' determinants
    error = np.maximum(se / spread, _SMALLEST_ERROR)
    top = 1.0 if before_end else _RANGE[1]
    coarse = humps(place, np.geomspace(_RANGE[0], top, _COARSE))
    first = [_Posterior.of(coarse, y, 1.3 * error, freedom, rhos[0])]
    fine = humps(place, np.geomspace(*_near(_weights(first)[0], coarse.peaks), POSITIONS))
    parts = [_Posterior.of(fine, y, error, freedom, rho) for rho in rhos]
    every, gao, share = _weights(parts)
    chi_square, free = float(min(parts[0].chi_squares)), len(y) - 4
    p = _tail(chi_square, free, freedom)
    best = min(chi_square, parts[0].free_chi_square)
    one_percent = _one_percent(fine, parts, end)
    cliff, cliff_share = _cliff(fine, parts, end)
    return HumpAverage(
        fine.peaks * end,
        every=every,
        gao=gao,
        gao_share=share,
        chi_square=chi_square,
        freedom=free,
        p=p,
        fits=p >= LACK_OF_FIT,
        one_percent=one_percent,
        cliff=cliff,
        cliff_share=cliff_share,
        some_hump_fits=max(p, _tail(best, free - 1, freedom)) >= LACK_OF_FIT,
        draws=_draws(parts[0]),
    )


@dataclass(frozen=True)
class _Posterior:
    """Log weight of each of Gao's curves, (exponents, positions), and of each free hump, (rises,
    falls, positions), prior included; sizes of the free humps' rise and fall, same shape;
    chi_squares: (exponents,), each at its best position; free_chi_square: of the best free hump,
    a little large because its sizes are drawn towards 0."""

    gao: FloatArray
    free: FloatArray
    rise: FloatArray
    fall: FloatArray
    chi_squares: FloatArray
    free_chi_square: float

    @staticmethod
    def of(
        shapes: Humps, y: FloatArray, error: FloatArray, freedom: float, rho: float
    ) -> _Posterior:
        """Evidence at one correlation; y and error in units of gold's range."""
        count = len(y)
        one = whitened(1 / error, rho)
        one = one / np.linalg.norm(one)

        def prepared(values: FloatArray) -> FloatArray:
            white = whitened(values / error, rho)
            return white - (white @ one)[..., None] * one

        data = prepared(y)
        power, ridge = float(data @ data), 1 / _GAIN_SD**2
        gao, up, down = (prepared(one) for one in (shapes.gao, shapes.rises, shapes.falls))
        half = 0.5 * (count - 1) * np.log(1 - rho * rho)

        def evidence(explained: FloatArray, determinant: FloatArray) -> FloatArray:
            left = np.maximum(power - explained, 0.0)
            if np.isinf(freedom):
                fit = -0.5 * left
            else:
                nu = max(freedom, 1.0)
                fit = -0.5 * (nu + count - 1) * np.log1p(left / nu)
            return np.asarray(fit - 0.5 * np.log(determinant) - half)

        product, square = gao @ data, np.sum(gao**2, axis=-1)
        precision = square + ridge
        of_gao = evidence(product**2 / precision, precision / ridge)
        of_gao += log_ndtr(product / np.sqrt(precision)) + np.log(2)
        best = np.where(product > 0, product**2 / np.maximum(square, 1e-12), 0.0)

        b0, b1 = (up @ data)[:, None], (down @ data)[None]
        p00 = (np.sum(up**2, axis=-1) + ridge)[:, None]
        p11 = (np.sum(down**2, axis=-1) + ridge)[None]
        # (positions, rises, falls) by matrix products, positions last again afterwards
        p01 = np.moveaxis(np.moveaxis(up, 1, 0) @ np.moveaxis(down, 1, 0).swapaxes(1, 2), 0, -1)
        determinant = p00 * p11 - p01**2
        rise = (b0 * p11 - b1 * p01) / determinant
        fall = (b1 * p00 - b0 * p01) / determinant
        of_free = evidence(b0 * rise + b1 * fall, determinant / ridge**2)
        of_free += log_ndtr(rise * np.sqrt(determinant / p11))
        of_free += log_ndtr(fall * np.sqrt(determinant / p00)) + 2 * np.log(2)
        return _Posterior(
            of_gao + np.log(_GAO_PRIOR / len(EXPONENTS)),
            of_free + np.log((1 - _GAO_PRIOR) / (len(RISES) * len(FALLS))),
            rise,
            fall,
            power - best.max(axis=1),
            power - float(np.max(np.where((rise > 0) & (fall > 0), b0 * rise + b1 * fall, 0.0))),
        )


def _weights(parts: Sequence[_Posterior]) -> tuple[FloatArray, FloatArray, float]:
    """Posterior over positions: all shapes, Gao's alone (each sums to 1), and Gao's share."""
    top = max(max(float(p.gao.max()), float(p.free.max())) for p in parts)
    gao = sum(np.exp(p.gao - top).sum(axis=0) for p in parts)
    free = sum(np.exp(p.free - top).sum(axis=(0, 1)) for p in parts)
    highest = max(float(p.gao.max()) for p in parts)
    alone = sum(np.exp(p.gao - highest).sum(axis=0) for p in parts)
    every = gao + free
    return every / every.sum(), alone / alone.sum(), float(np.sum(gao) / np.sum(every))


def _tail(chi_square: float, free: int, freedom: float) -> float:
    """Probability of a misfit as large as this if the curve is right."""
    if np.isinf(freedom):
        return float(chi2_beyond(chi_square, free))
    return float(f_beyond(chi_square / free, free, max(freedom, 1.0)))


def _draws(part: _Posterior) -> IntArray:
    """Curves at even steps of the posterior, so that the same looks give the same curves."""
    positions = part.gao.shape[-1]
    logs = np.concatenate([part.gao.ravel(), part.free.ravel()])
    share = np.cumsum(np.exp(logs - logs.max()))
    at = np.searchsorted(share, share[-1] * (np.arange(CURVES) + 0.5) / CURVES)
    return np.stack(np.divmod(at, positions), axis=1).astype(np.int64)


def _near(weight: FloatArray, peaks: FloatArray) -> tuple[float, float]:
    """The part of a coarse grid that holds all weight that matters, two positions wider."""
    inside = np.flatnonzero(weight > 1e-5)
    first, last = max(int(inside[0]) - 2, 0), min(int(inside[-1]) + 2, len(peaks) - 1)
    return float(peaks[first]), float(peaks[last])


def _one_percent(shapes: Humps, parts: Sequence[_Posterior], end: float) -> Spot:
    of_gao = one_percent_below(_LOSS)[:, None] * shapes.peaks
    places, weights = [], []
    top = max(max(float(p.gao.max()), float(p.free.max())) for p in parts)
    for part in parts:
        ratio = np.maximum(part.rise, 1e-12) / np.maximum(part.fall, 1e-12)
        of_free = [
            fall_reached(_LOSS * ratio[:, i], shapes.peaks, name) for i, name in enumerate(FALLS)
        ]
        places += [of_gao.ravel(), np.stack(of_free, axis=1).ravel()]
        weights += [np.exp(part.gao - top).ravel(), np.exp(part.free - top).ravel()]
    low, middle, high = _sorted_quantiles(np.concatenate(places), np.concatenate(weights))
    return Spot((middle * end) ** 2, (low * end) ** 2, (high * end) ** 2)


def _cliff(shapes: Humps, parts: Sequence[_Posterior], end: float) -> tuple[Spot, float]:
    abrupt = np.array(ABRUPT)
    top = max(float(p.free[:, abrupt].max()) for p in parts)
    weight = sum(np.exp(p.free[:, abrupt] - top).sum(axis=(0, 1)) for p in parts)
    rest = sum(
        np.sum(np.exp(np.minimum(p.gao - top, 600.0)))
        + np.sum(np.exp(np.minimum(p.free[:, ~abrupt] - top, 600.0)))
        for p in parts
    )
    mass = np.asarray(weight)
    low, middle, high = _quantiles(np.log(shapes.peaks), mass / mass.sum(), _LEVELS)
    spot = Spot(*(float(np.exp(2 * value)) * end**2 for value in (middle, low, high)))
    return spot, float(mass.sum() / (mass.sum() + rest))


def _quantiles(grid: FloatArray, weight: FloatArray, levels: Sequence[float]) -> list[float]:
    """Quantiles of a density on an even grid, each point standing for its whole cell."""
    step = float(grid[1] - grid[0]) if len(grid) > 1 else 0.0
    edges = np.concatenate([[grid[0] - step / 2], grid + step / 2])
    share = np.concatenate([[0.0], np.cumsum(weight)])
    return [float(np.interp(level * share[-1], share, edges)) for level in levels]


def _sorted_quantiles(values: FloatArray, weight: FloatArray) -> list[float]:
    kept = weight > 1e-6 * float(weight.max())
    values, weight = values[kept], weight[kept]
    order = np.argsort(values)
    share = np.cumsum(weight[order])
    at = [int(np.searchsorted(share, level * share[-1])) for level in _LEVELS]
    return [float(values[order][min(i, len(values) - 1)]) for i in at]
