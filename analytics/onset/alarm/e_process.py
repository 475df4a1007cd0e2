"""An e-process against "gold never falls": valid at any look, planned or not, without a boundary.

E_k = sum_j w_j q(y_j..y_k | y_<j) / sup over non-decreasing means of p(y_j..y_k). The numerator is
a Bayesian predictive over Gao et al.'s humps and honest curves, fixed before the run; the
denominator an isotonic fit. Under every gold that never falls each term is at most a likelihood
ratio whose expectation is 1, so E exceeds 20 at any look in at most 5 % of runs (Ville). Starting
at every j keeps the isotonic fit from absorbing the noise of the early looks.

Source: Wasserman, Ramdas and Balakrishnan 2020 (universal inference, arXiv 1912.11436);
docs/methods.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from analytics.computing.kept import kept
from analytics.computing.quantiles import chi2_quantile
from analytics.gao import normalised_gold
from analytics.onset.curves.unimodal import falling_short
from analytics.onset.evidence.measurements import FloatArray

ALARM = 20.0
FEWEST_LOOKS = 4
_EXPONENTS = (0.0, 0.5, 1.0)
_PEAKS = 110
_REACH = (1.0, 2000.0)
"""Of the peaks, in units of the first step in d: fixed before anything else is known."""
_GAINS = (8.0, 40.0)
"""Prior sd of the gain, in standard errors of the first look."""
_CAREFUL = 0.05


def log_e(d: FloatArray, gold: FloatArray, se: FloatArray, first: int = 0) -> FloatArray:
    """ln E at each look, shape (runs, looks); -inf before the fourth, and before look `first`.

    d: (looks,) sqrt-nats, or steps; gold: (runs, looks); se: (looks,), known; independent errors.
    The d of a look may enter before its gold does: it is set by training, not by gold's error.
    """
    predictive = _log_predictive(d, gold, se)
    found = np.full(gold.shape, -np.inf)
    for k in range(max(first, FEWEST_LOOKS - 1), gold.shape[1]):
        found[:, k] = _log_e_at(k, predictive, gold, se)
    return found


def log_e_at_end(d: FloatArray, gold: FloatArray, se: FloatArray) -> float | None:
    """ln E of one run at its last look, gold (looks,); None below four looks."""
    if len(gold) < FEWEST_LOOKS:
        return None
    predictive = _log_predictive(d, gold[None, :], se)
    return float(_log_e_at(len(gold) - 1, predictive, gold[None, :], se)[0])


def _log_e_at(k: int, predictive: FloatArray, gold: FloatArray, se: FloatArray) -> FloatArray:
    start = np.arange(1, k + 1)
    misfit = falling_short(gold[:, : k + 1], 1 / se[: k + 1] ** 2)[:, start]
    # both densities carry the same factors of 2 pi and of the errors: left out of both
    ratio = predictive[:, k, None] - predictive[:, start - 1] + 0.5 * misfit
    weight = -2 * np.log(start + 2.0) - np.log(np.pi**2 / 6 - 1.25)  # sums to 1 over start >= 1
    return _log_sum_exp(ratio + weight)


def _log_predictive(d: FloatArray, gold: FloatArray, se: FloatArray) -> FloatArray:
    """ln q(y_1..y_k | y_0) without its factors of 2 pi and of the errors, (runs, looks).

    y = level + gain x hump + error: a flat prior for the level, a positive normal one for the
    gain, both integrated in closed form, averaged over humps and sizes of the gain.
    """
    curves = _humps(_units(d))
    weight = (se[0] / se) ** 2
    y = (gold - gold[:, :1]) / se[0]
    total = np.cumsum(weight)
    sum_s, sum_y = np.cumsum(weight * curves, axis=1), np.cumsum(weight * y, axis=1)
    square_s = np.cumsum(weight * curves**2, axis=1) - sum_s**2 / total
    square_y = np.cumsum(weight * y**2, axis=1) - sum_y**2 / total
    found = np.zeros(gold.shape)
    for k in range(1, gold.shape[1]):
        both = (weight[: k + 1] * y[:, : k + 1]) @ curves[:, : k + 1].T
        both -= sum_y[:, k, None] * sum_s[None, :, k] / total[k]
        terms = []
        for gain in _GAINS:
            precision = square_s[:, k] + gain**-2
            z = both / np.sqrt(precision)
            terms.append(0.5 * z**2 + log_ndtr(z) - 0.5 * np.log(precision * gain**2))
        mixed = _log_sum_exp(np.concatenate(terms, axis=1)) - np.log(len(curves) * len(_GAINS))
        found[:, k] = mixed + np.log(2) - 0.5 * (square_y[:, k] + np.log(total[k]))
    return found


def _log_sum_exp(values: FloatArray) -> FloatArray:
    """ln of the sum of exp along the second axis, (runs, terms), not empty; scipy's takes 20 times
    as long on one run."""
    top = np.max(values, axis=1)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(np.sum(np.exp(values - top[:, None]), axis=1)))


@kept(64)
def _humps(place: tuple[float, ...]) -> FloatArray:
    """Humps over d in units of its first step, (humps, looks), in units of their gain."""
    x = np.array(place)
    peaks = np.geomspace(*_REACH, _PEAKS)
    return np.concatenate([normalised_gold(x[None, :] / peaks[:, None], g) for g in _EXPONENTS])


def careful_error(se: FloatArray, freedom: float, rho: float) -> FloatArray:
    """Errors that an e-process may take as known: their upper 95 % bound, inflated by (1 + rho) /
    (1 - rho) where neighbours are correlated. freedom: behind se, inf = known."""
    known = np.isinf(freedom)
    factor = 1.0 if known else freedom / chi2_quantile(_CAREFUL, max(freedom, 0.5))
    return np.asarray(se * np.sqrt(factor * (1 + rho) / (1 - rho)))


def e_bh(e_values: FloatArray, alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses fall at a false discovery rate of alpha, under any dependence, (m,) bool.

    The i largest, for the largest i with e_(i) >= m / (i alpha). NaN = not tested, does not count.
    Source: Wang and Ramdas 2022 (arXiv 2009.02824).

    >>> e = np.array([60, 30, 12, 8, 3, 1, 0.5, 0.2])
    >>> int(e_bh(e, 0.05).sum()), int(e_bh(e, 0.2).sum())
    (0, 2)
    """
    tested = np.flatnonzero(np.isfinite(e_values) | np.isposinf(e_values))
    order = tested[np.argsort(-e_values[tested], kind="stable")]
    count = len(order)
    rank = np.arange(1, count + 1)
    enough = np.flatnonzero(e_values[order] >= count / (rank * alpha)) if count else rank
    chosen = np.zeros(len(e_values), dtype=bool)
    chosen[order[: enough[-1] + 1 if len(enough) else 0]] = True
    return chosen


def _units(d: FloatArray) -> tuple[float, ...]:
    """d in units of its first step away from the first look."""
    away = np.abs(d - d[0])
    first = away[away > 0]
    places = np.clip(d / (first[0] if len(first) else 1.0), 0, 5 * _REACH[1])
    return tuple(np.round(places, 6).tolist())
