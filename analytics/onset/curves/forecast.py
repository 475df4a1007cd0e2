"""The KL at which gold will peak, from a run that has not peaked yet.

The form is fixed by the optimiser: a wrong one is catastrophically wrong. Position of the peak
log-uniform, baseline flat, gain half-normal or tied to the alpha of sibling runs, both integrated
in closed form. Source: Gao et al. 2022 (arXiv 2210.10760), sections 1 and 3.2; docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import log_ndtr

from analytics.computing.quantiles import chi2_beyond, f_beyond
from analytics.gao import FORMS, normalised_gold
from analytics.onset.curves.humps import EXPONENTS
from analytics.onset.evidence.ar1 import whitened
from analytics.onset.evidence.measurements import FloatArray

FEWEST_LOOKS = 6
WIDEST = 4.0
"""Factor in KL that a 90 % interval may span before the forecast is refused."""
PEAKS_SURELY = 0.95
"""Posterior of a peak, against curves that never fall, below which no forecast is made."""
ELSEWHERE = 0.6
"""Of the peak, over all forms between RL and best-of-n, that the form's own interval must hold."""
LACK_OF_FIT = 0.05
LEVEL = 0.90
POSITIONS = 400
_RANGE = (0.2, 6.0)
"""Of the peak's d, in units of the last d: up to 36 times the last KL."""
_GAIN_SD = 3.0
"""Prior sd of the gain, in units of gold's range so far."""
LEAST_SPREAD = 0.05
"""Relative sd that alpha keeps between runs of one setup, however many siblings there are."""
_SPREAD_OF_TWO = 0.10


@dataclass(frozen=True)
class SharedAlpha:
    """What sibling runs say about alpha, gold's unit per sqrt-nat: mean, sd, runs behind it."""

    alpha: float
    sd: float
    runs: int


class Refusal(NamedTuple):
    """Why no forecast is made; factor: in KL, that its interval spans, where it is too wide."""

    kind: Literal["misfit", "wide", "never_falls", "peaks_elsewhere"]
    factor: float | None = None


@dataclass(frozen=True)
class Forecast:
    """kl, low, high: posterior median and 90 % interval of the peak, nats; gold: expected there,
    gain: above the start, both for that median; fit_p: lack of fit of the form so far; refused:
    why no forecast is made, None = it is made."""

    kl: float
    low: float
    high: float
    gold: float
    gain: float
    fit_p: float
    refused: Refusal | None


@np.errstate(over="ignore", invalid="ignore")  # of gold in units of 1e-300: NaN, so no forecast
def forecast(
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    form: str,
    freedom: float = np.inf,
    rho: float = 0.0,
    shared: SharedAlpha | None = None,
) -> Forecast | None:
    """The peak that the looks so far lead to; None below six looks or without any spread.

    d: sqrt-nats >= 0; gold, se: same unit; all (looks,) in time order; form: key of FORMS;
    freedom: degrees of freedom behind se; rho: correlation of neighbouring looks; shared: alpha
    of sibling runs, used for the RL form alone (Gao et al. find it independent of the reward
    model's size there).
    """
    use = np.isfinite(d) & np.isfinite(gold) & np.isfinite(se) & (se > 0) & (d >= 0)
    d, gold, se = d[use], gold[use], se[use]
    spread, end = (float(np.ptp(gold)), float(d.max())) if len(d) else (0.0, 0.0)
    if len(np.unique(d)) < FEWEST_LOOKS or end <= 0 or spread <= 0:
        return None
    g = FORMS[form]
    peaks = np.geomspace(_RANGE[0], _RANGE[1], POSITIONS) * end
    data = whitened(np.stack([gold / se, 1 / se]), rho)
    curves = whitened(normalised_gold(d[None, :] / peaks[:, None], g) / se, rho)
    size = float(np.linalg.norm(data[1]))
    one = data[1] / size
    level, levels = one @ data[0] / size, curves @ one / size
    y = data[0] - one * (one @ data[0])
    # the gain's prior: half-normal about 0, or what alpha of the siblings makes of it
    centre, width = np.zeros(POSITIONS), np.full(POSITIONS, _GAIN_SD * spread)
    if shared is not None and g == 0:
        usable = np.log(peaks) + 1 > 0.05
        factor = np.where(usable, peaks / np.maximum(np.log(peaks) + 1, 0.05), 1.0)
        centre = np.where(usable, shared.alpha * factor, centre)
        width = np.where(usable, shared.sd * factor, width)

    def evidence(values: FloatArray, middle: FloatArray, sd: FloatArray) -> Evidence:
        return Evidence.of(whitened(values / se, rho), one, y, freedom, middle, sd)

    own = Evidence.of(curves, one, y, freedom, centre, width)
    log_weight, misfit, mean, count = own.log_weight, own.misfit, own.mean, len(y)
    weight = np.exp(log_weight - log_weight.max())
    share = np.cumsum(weight) / weight.sum()
    edges = (1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2
    low, middle, high = (float(np.exp(2 * np.interp(q, share, np.log(peaks)))) for q in edges)
    free = count - 3
    best = float(misfit.min())
    p = float(
        chi2_beyond(best, free)
        if np.isinf(freedom)
        else f_beyond(best / free, free, max(freedom, 1.0))
    )
    gain = float(np.interp(np.log(middle) / 2, np.log(peaks), mean))
    start = float(level - gain * np.interp(np.log(middle) / 2, np.log(peaks), levels))
    why = _refusal(low, high, p, float(peaks[-1]) ** 2)
    if why is None:
        why = _other_courses(
            evidence,
            own=log_weight,
            d=d,
            peaks=peaks,
            within=(low, high),
            g=g,
            spread=spread,
            shared=shared,
        )
    return Forecast(middle, low, high, start + gain, gain, p, why)


@dataclass(frozen=True)
class Evidence:
    """Of each curve, (curves,): log_weight, its evidence with level and gain integrated; misfit of
    the best positive gain; mean of the gain."""

    log_weight: FloatArray
    misfit: FloatArray
    mean: FloatArray

    @staticmethod
    def of(
        curves: FloatArray, one: FloatArray, y: FloatArray, freedom: float, centre: FloatArray,
        width: FloatArray,
    ) -> Evidence:  # fmt: skip
        """curves, y: whitened, y without the level along one; centre, width: the gain's prior."""
        curves = curves - np.outer(curves @ one, one)
        product, square, power = curves @ y, np.sum(curves**2, axis=1), float(y @ y)
        explained = np.where(product > 0, product**2 / np.maximum(square, 1e-300), 0.0)
        precision = square + 1 / width**2
        mean = (product + centre / width**2) / precision
        left = np.maximum(power + (centre / width) ** 2 - mean**2 * precision, 0.0)
        if np.isinf(freedom):
            log_weight = -0.5 * left
        else:
            nu = max(freedom, 1.0)
            log_weight = -0.5 * (nu + len(y) - 1) * np.log1p(left / nu)
        log_weight = log_weight - 0.5 * np.log(precision * width**2)
        log_weight += log_ndtr(mean * np.sqrt(precision)) - log_ndtr(centre / width)
        return Evidence(log_weight, power - explained, mean)


def _other_courses(
    evidence: Callable[[FloatArray, FloatArray, FloatArray], Evidence], own: FloatArray,
    d: FloatArray, peaks: FloatArray, within: tuple[float, float], g: float, spread: float,
    shared: SharedAlpha | None,
) -> Refusal | None:  # fmt: skip
    """Why a forecast would depend on the form: what never peaks, or peaks elsewhere, fits as well.

    own: log weights of the form's own curves, (positions,); within: its interval, nats.
    """
    sd = np.full(POSITIONS, _GAIN_SD * spread)
    never = [
        _log_mean(evidence(curves, 0 * sd[: len(curves)], sd[: len(curves)]).log_weight)
        for curves in never_falling(d / float(d.max()))
    ]
    against = _log_mean(np.array(never)) - _log_mean(own)
    if against > np.log(1 - PEAKS_SURELY) - np.log(PEAKS_SURELY):
        return Refusal("never_falls")
    if shared is not None and g == 0:
        return None
    others = [
        evidence(normalised_gold(d[None, :] / peaks[:, None], other), 0 * sd, sd).log_weight
        for other in EXPONENTS
    ]
    weight = np.exp(np.stack(others) - max(float(one.max()) for one in others))
    inside = (peaks**2 >= within[0]) & (peaks**2 <= within[1])
    if float(weight[:, inside].sum() / weight.sum()) < ELSEWHERE:
        return Refusal("peaks_elsewhere")
    return None


def never_falling(x: FloatArray) -> list[FloatArray]:
    """Families of curves over x = d / largest d that never fall, each (curves, looks): a line,
    saturating ones, plateaus, logarithms, sigmoids."""
    one = x[None, :]
    middle, width = np.meshgrid(np.linspace(0.1, 0.9, 9), np.geomspace(0.01, 0.2, 5))
    steep = np.clip((x - middle.reshape(-1, 1)) / width.reshape(-1, 1), -60, 60)
    return [
        one,
        1 - np.exp(-one / np.geomspace(0.03, 2.0, 24)[:, None]),
        np.minimum(one / np.linspace(0.05, 1.0, 24)[:, None], 1.0),
        np.log1p(one / np.geomspace(0.01, 1.0, 24)[:, None]),
        1 / (1 + np.exp(-steep)),
    ]


def _log_mean(values: FloatArray) -> float:
    top = float(values.max())
    return top + float(np.log(np.mean(np.exp(values - top))))


def _refusal(low: float, high: float, p: float, farthest: float) -> Refusal | None:
    if p < LACK_OF_FIT:
        return Refusal("misfit")
    if high > WIDEST * low or high >= 0.95 * farthest:
        return Refusal("wide", high / low)
    return None


def shared_alpha(fits: Sequence[Mapping[str, Any]]) -> SharedAlpha | None:
    """Alpha over sibling runs with its spread between runs; None without a usable one.

    fits: alpha and alpha_se of each sibling's RL fit. Fits worse than 25 % are left out. The
    spread is the larger of the one seen and 10 % (one or two runs) or 5 % (more).
    """
    usable = [
        (float(fit["alpha"]), float(fit["alpha_se"]))
        for fit in fits
        if fit["alpha"] > 0 and 0 <= fit["alpha_se"] <= 0.25 * fit["alpha"]
    ]
    if not usable:
        return None
    alpha, error = np.array(usable).T
    weight = 1 / (error**2 + (LEAST_SPREAD * np.mean(alpha)) ** 2)
    mean = float(np.average(alpha, weights=weight))
    floor = (LEAST_SPREAD if len(alpha) > 2 else _SPREAD_OF_TWO) * mean
    seen = float(np.std(alpha, ddof=1)) if len(alpha) > 1 else 0.0
    sd = float(np.sqrt(max(seen, floor) ** 2 + 1 / weight.sum()))
    return SharedAlpha(mean, sd, len(alpha))
