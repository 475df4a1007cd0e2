"""Which of the curves between the two forms the gold of a family allows.

Gold may lie between the RL form and the best-of-n form. The family d (alpha - beta (d^g - 1) / g)
nests both (g = 0 and g = 1); an exponent is allowed where the runs do not fit worse by it than by
the best one. Source: Gao et al. 2022 (arXiv 2210.10760), section 1; docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from analytics.computing.quantiles import chi2_quantile, normal_quantile
from analytics.gao import FloatArray, box_cox_peak
from analytics.onset.curves.fits import LEVEL, fieller

EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
REJECTED = 0.05
"""An exponent is given up where the best one fits better at this level."""


class Points(Protocol):
    """Gold of one run over d in sqrt-nats, with its standard errors."""

    @property
    def d(self) -> FloatArray: ...  # noqa: D102
    @property
    def gold(self) -> FloatArray: ...  # noqa: D102
    @property
    def se(self) -> FloatArray: ...  # noqa: D102


class PeakAt(NamedTuple):
    """KL at a peak in nats with its 90 % bounds; kl None = no peak, high None = open."""

    kl: float | None
    low: float | None
    high: float | None


class Forms(NamedTuple):
    """exponents: the allowed ones, rising; peaks: of each run, the widest bounds under them."""

    exponents: tuple[float, ...]
    peaks: tuple[PeakAt, ...]

    @property
    def established(self) -> bool:
        """Whether the RL form, and it alone, is allowed."""
        return self.exponents == (0.0,)


def forms(runs: Sequence[Points]) -> Forms:
    """The exponents that the runs allow together, each run with slope and fall of its own."""
    fits = {g: [_own_fit(run, g) for run in runs] for g in EXPONENTS}
    misfit = {g: sum(one.misfit for one in each) for g, each in fits.items()}
    best = min(EXPONENTS, key=lambda g: misfit[g])
    freedom = sum(len(run.d) - 3 for run in runs)
    widened = max(1.0, misfit[best] / max(freedom, 1))
    limit = float(chi2_quantile(1 - REJECTED, 1))
    allowed = tuple(g for g in EXPONENTS if (misfit[g] - misfit[best]) / widened <= limit)
    found = [[_peak(fits[g][i], g, widened) for g in allowed] for i in range(len(runs))]
    middle = [_peak(fits[best][i], best, widened).kl for i in range(len(runs))]
    peaks = tuple(_widest(each, kl) for each, kl in zip(found, middle, strict=True))
    return Forms(allowed, peaks)


class _OwnFit(NamedTuple):
    alpha: float
    beta: float
    covariance: FloatArray
    misfit: float


def _own_fit(run: Points, g: float) -> _OwnFit:
    """Weighted least squares of alpha, beta and the gold at d = 0, for one exponent."""
    positive = np.where(run.d > 0, run.d, 1.0)
    bend = np.log(positive) if g == 0 else (positive**g - 1) / g
    design = np.column_stack([run.d, -np.where(run.d > 0, run.d * bend, 0.0), np.ones(len(run.d))])
    left, right = design / run.se[:, None], run.gold / run.se
    covariance = np.asarray(np.linalg.pinv(left.T @ left, hermitian=True), dtype=np.float64)
    values = covariance @ left.T @ right
    misfit = float(np.sum((right - left @ values) ** 2))
    return _OwnFit(float(values[0]), float(values[1]), covariance[:2, :2], misfit)


def _peak(fit: _OwnFit, g: float, widened: float) -> PeakAt:
    quantile = float(normal_quantile(0.5 + LEVEL / 2))
    low, high = fieller(fit.alpha, fit.beta, widened * fit.covariance, quantile)
    middle = fit.alpha / fit.beta if fit.beta > 0 else None
    return PeakAt(_kl(middle, g), _kl(low, g), _kl(high, g))


def _kl(ratio: float | None, g: float) -> float | None:
    """KL of the peak for alpha / beta; 0 where gold falls from the start, None beyond reach."""
    if ratio is None or ratio > 50:
        return None
    if g > 0 and 1 + ratio * g <= 0:
        return 0.0
    return box_cox_peak(ratio, 1.0, g).kl


def _widest(each: Sequence[PeakAt], kl: float | None) -> PeakAt:
    """The bounds that hold those of every allowed exponent; open where one of them is."""
    lows, highs = [one.low for one in each], [one.high for one in each]
    low = min(low for low in lows if low is not None) if None not in lows else None
    high = max(high for high in highs if high is not None) if None not in highs else None
    return PeakAt(kl, low, high)


def form_words(exponents: Sequence[float]) -> str:
    """What the allowed exponents say of the form; empty where it is the RL form alone."""
    if tuple(exponents) == (0.0,):
        return ""
    if 0.0 not in exponents:
        where = "the best-of-n form" if tuple(exponents) == (1.0,) else "a curve between both forms"
        return f"gold contradicts the RL form: it follows {where}"
    return "these points cannot tell between the RL form and the best-of-n form"
