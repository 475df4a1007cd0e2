"""AMBER: the probability that gold's peak has been passed, averaged over shapes of curves.

Gao et al.'s family (five exponents, 140 positions of the peak) against curves that never fall:
linear, saturating, plateau, sigmoid. It warns earlier than RED and promises less: its error rate
depends on the shapes in the model. Source: docs/methods.md (Bayesian model average).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from analytics.onset.gao import normalised_gold
from analytics.onset.measurements import FloatArray

WARNING = 0.95
FEWEST_LOOKS = 6
EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
PEAKS = 140
NULLS = ("linear", "saturating", "plateau", "sigmoid")
_PEAK_RANGE = (0.05, 4.0)
"""Of the peak's d, in units of the last d."""
_NULL_PRIOR = 0.5
_SIGMAS = (1.0, 1.12)
_RHOS = (0.0, 0.3, 0.6)
_GAIN_SD = 1.5
"""Prior sd of the gain, in units of gold's range."""


def p_past_peak(
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    nulls: tuple[str, ...] = NULLS,
    rho: float | None = None,
) -> float | None:
    """Posterior probability that the peak lies before the last look; None below six looks.

    d: sqrt-nats; gold, se: same unit; all (looks,). The baseline has a flat prior and the gain a
    normal one, both integrated in closed form; the errors' size runs over a grid around se, their
    correlation over (0, .3, .6) unless rho gives it.
    """
    use = np.isfinite(d) & np.isfinite(gold) & (se > 0)
    d, gold, se = d[use], gold[use], se[use]
    if len(d) < FEWEST_LOOKS or float(d[-1]) <= 0:
        return None
    spread = float(np.ptp(gold))
    if spread == 0:
        return 0.0
    curves, prior, past = _shapes(tuple(np.round(d / d[-1], 6).tolist()), nulls)
    y, error = gold / spread, se / spread
    logs = []
    for correlation in _RHOS if rho is None else (rho,):
        scaled = np.column_stack([np.ones(len(y)), y, curves.T]) / error[:, None]
        white = _whitened(scaled, correlation)
        half = 0.5 * (len(y) - 1) * np.log(1 - correlation**2)
        logs += [_evidence(white, sigma, len(y)) - half for sigma in _SIGMAS]
    total = np.array(logs) + np.log(prior)
    weight = np.exp(total - total.max())
    return float(weight[:, past].sum() / weight.sum())


def _evidence(white: FloatArray, sigma: float, looks: int) -> FloatArray:
    """Log marginal likelihood of each curve, baseline and gain integrated, shape (curves,).

    The gain's prior is normal about 0, cut to positive gains.
    """
    one, y, curves = white[:, 0] / sigma, white[:, 1] / sigma, white[:, 2:] / sigma
    one = one / np.linalg.norm(one)
    y = y - one * (one @ y)
    curves = curves - np.outer(one, one @ curves)
    precision = np.sum(curves**2, axis=0) + 1 / _GAIN_SD**2
    mean = (curves.T @ y) / precision
    positive = log_ndtr(mean * np.sqrt(precision)) + np.log(2)
    log_fit = 0.5 * mean**2 * precision - 0.5 * np.log(precision * _GAIN_SD**2)
    return np.asarray(log_fit + positive - 0.5 * float(y @ y) - (looks - 1) * np.log(sigma))


def _whitened(values: FloatArray, rho: float) -> FloatArray:
    if rho == 0:
        return values
    later = (values[1:] - rho * values[:-1]) / np.sqrt(1 - rho * rho)
    return np.asarray(np.concatenate([values[:1], later]))


@lru_cache(maxsize=256)
def _shapes(
    place: tuple[float, ...], nulls: tuple[str, ...]
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Curves (curves, looks) over d / last d, prior weights (curves,), which peak before it."""
    x = np.maximum(np.array(place), 0.0)
    peaks = np.geomspace(_PEAK_RANGE[0], _PEAK_RANGE[1], PEAKS)
    humps = [normalised_gold(x[None, :] / peaks[:, None], g) for g in EXPONENTS]
    made = {
        "linear": x[None, :],
        "saturating": 1 - np.exp(-x[None, :] / np.geomspace(0.03, 1.0, 20)[:, None]),
        "plateau": np.minimum(x[None, :] / np.linspace(0.05, 1.0, 24)[:, None], 1.0),
        "sigmoid": _sigmoids(x),
    }
    honest = [made[name] for name in nulls]
    curves = np.concatenate([*humps, *honest])
    share = (1 - _NULL_PRIOR) / (len(EXPONENTS) * PEAKS)
    prior = [np.full(len(EXPONENTS) * PEAKS, share)]
    prior += [np.full(len(one), _NULL_PRIOR / len(nulls) / len(one)) for one in honest]
    past = np.zeros(len(curves), dtype=bool)
    past[: len(EXPONENTS) * PEAKS] = np.tile(peaks < 1.0, len(EXPONENTS))
    return curves, np.concatenate(prior), past


def _sigmoids(x: FloatArray) -> FloatArray:
    middle, width = np.meshgrid(np.linspace(0.1, 0.9, 17), np.geomspace(0.01, 0.2, 8))
    raw = 1 / (1 + np.exp(-np.clip((x - middle.reshape(-1, 1)) / width.reshape(-1, 1), -60, 60)))
    return np.asarray(raw)
