"""AMBER: the probability that gold's peak has been passed, averaged over shapes of curves.

Gao et al.'s family (five exponents, 140 positions of the peak) against curves that never fall:
linear, saturating, plateau, sigmoid. It warns earlier than RED and promises less: its error rate
depends on the shapes in the model, so it is silent where none of them fits. Source:
docs/methods.md (Bayesian model average).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from analytics.computing.kept import kept
from analytics.computing.quantiles import chi2_beyond, chi2_quantile
from analytics.gao import normalised_gold
from analytics.onset.evidence.ar1 import whitened
from analytics.onset.evidence.measurements import FloatArray

WARNING = 0.95
FEWEST_LOOKS = 6
EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
PEAKS = 140
NULLS = ("linear", "saturating", "plateau", "sigmoid")
RHOS = ((0.0, 0.7), (0.3, 0.2), (0.6, 0.1))
"""(correlation of neighbouring errors, prior probability)."""
Rhos = tuple[tuple[float, float], ...]
_PEAK_RANGE = (0.05, 4.0)
"""Of the peak's d, in units of the largest d so far."""
LACK_OF_FIT = 0.01
"""Chi-square p value of the best curve below which no posterior over these curves means a thing."""
_NULL_PRIOR = 0.5
_GAIN_SD = 1.5
"""Prior sd of the gain, in units of gold's range."""
_SIGMA_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)


def p_past_peak(
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    nulls: tuple[str, ...] = NULLS,
    rhos: Rhos = RHOS,
    freedom: float = np.inf,
) -> tuple[float, bool] | None:
    """Posterior probability that the peak lies before the last look, and whether a curve fits.

    d: sqrt-nats, or steps where KL is unknown; gold, se: same unit; all (looks,). freedom: behind
    se, inf = known. The baseline has a flat prior and the gain a normal one, both integrated in
    closed form; the errors' size runs over what `freedom` leaves open, their correlation over
    rhos. None below six looks.
    """
    use = np.isfinite(d) & np.isfinite(gold) & (se > 0)
    d, gold, se = d[use], gold[use], se[use]
    if len(d) < FEWEST_LOOKS or float(np.max(d)) <= 0:
        return None
    past, fit = posteriors(d, gold[None, :], se, nulls, rhos, sigmas(freedom))
    return float(past[0]), bool(fit[0] >= LACK_OF_FIT)


def sigmas(freedom: float) -> tuple[float, ...]:
    """True over estimated standard error, equally likely values, given the degrees of freedom."""
    if np.isinf(freedom):
        return (1.0,)
    quantiles = chi2_quantile(_SIGMA_QUANTILES, max(freedom, 1.0))
    return tuple(np.sqrt(max(freedom, 1.0) / quantiles).tolist())


def posteriors(
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    nulls: tuple[str, ...] = NULLS,
    rhos: Rhos = RHOS,
    sizes: tuple[float, ...] = (1.0,),
    either_sign: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """P(peak before the last look) of many runs on one schedule, gold (runs, looks) to (runs,).

    Beside it the chi-square p value of the best curve, with four numbers fitted. either_sign:
    lets the gain be negative, as a control: a fall then passes for an inverted rise.
    """
    scale = np.ptp(gold, axis=1)
    flat = scale == 0
    y = (gold - gold[:, :1]) / np.where(flat, 1.0, scale)[:, None]
    error = se[None, :] / np.where(flat, 1.0, scale)[:, None]
    relative, size = se / se[0], error[:, :1]
    curves, prior, past = _shapes(tuple(np.round(d / np.max(d), 6).tolist()), nulls)
    before, total = np.zeros(len(gold)), np.zeros(len(gold))
    top = np.full(len(gold), -np.inf)
    misfit = np.full(len(gold), np.inf)
    for rho, likely in rhos:
        one, white_y, white = (
            whitened(values / relative, rho) for values in (np.ones((1, len(d))), y, curves)
        )
        one = one / np.linalg.norm(one)
        white_y = white_y - (white_y @ one.T) * one
        white = white - (white @ one.T) * one
        square, cross = np.sum(white**2, axis=1), white_y @ white.T
        left = np.sum(white_y**2, axis=1)
        for sigma in sizes:
            unit = size * sigma
            precision = square / unit**2 + _GAIN_SD**-2
            z = cross / unit**2 / np.sqrt(precision)
            # a positive gain: its normal prior is cut at 0
            z, cut = (np.abs(z), 0.5) if either_sign else (np.maximum(z, -30.0), ndtr(z))
            height = 0.5 * np.maximum(np.max(z, axis=1), 0.0) ** 2
            weight = prior * np.exp(0.5 * z**2 - height[:, None]) * cut / np.sqrt(precision)
            explained = np.max(
                np.maximum(cross, 0.0) ** 2 / np.where(square > 0, square, 1), axis=1
            )
            misfit = np.minimum(misfit, (left - explained) / unit[:, 0] ** 2)
            log = height - 0.5 * left / unit[:, 0] ** 2 - (len(d) - 1) * np.log(sigma)
            log = log - 0.5 * (len(d) - 1) * np.log(1 - rho * rho) + np.log(likely)
            new = np.maximum(top, log)
            before = before * np.exp(top - new) + np.exp(log - new) * weight[:, past].sum(axis=1)
            total = total * np.exp(top - new) + np.exp(log - new) * weight.sum(axis=1)
            top = new
    past_peak = np.where(flat, 0.0, before / np.where(total > 0, total, 1.0))
    fit = chi2_beyond(np.maximum(misfit, 0.0), max(len(d) - 4, 1))
    return past_peak, np.where(flat, 1.0, fit)


@kept(256)
def _shapes(
    place: tuple[float, ...], nulls: tuple[str, ...]
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Curves (curves, looks) over d / largest d, prior weights (curves,), which peak before it."""
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
