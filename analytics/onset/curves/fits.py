"""Fits of Gao's curves to gold, with Fieller intervals for the peak: right if the form is right.

y = c0 + a d - b d h(d), h = ln d (RL) or (d^g - 1) / g; linear in (c0, a, b). Weighted least
squares with known or estimated errors. Source: Gao et al. 2022 (arXiv 2210.10760), section 1;
Fieller 1954; docs/methods.md (form and lack of fit).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.computing.quantiles import chi2_beyond, f_beyond, normal_quantile, t_quantile
from analytics.gao import FORMS, box_cox_peak
from analytics.onset.evidence.ar1 import whitened
from analytics.onset.evidence.measurements import FloatArray

LEVEL = 0.90
LACK_OF_FIT = 0.05
FEWEST_LOOKS = 5


@dataclass(frozen=True)
class GaoFit:
    """gold = intercept + d (alpha - beta h_g(d)); best-of-n in Gao's own d (alpha - beta d).

    alpha_se: standard error of alpha. kl, kl_low, kl_high: the peak in nats, 90 %; kl is None
    where the fit has no peak, kl_low and kl_high where there is no bound. chi_square: weighted
    misfit, on `freedom` = looks - 3; p its lack-of-fit p value; fits: whether p >= 5 %.
    """

    form: str
    intercept: float
    alpha: float
    alpha_se: float
    beta: float
    kl: float | None
    kl_low: float | None
    kl_high: float | None
    chi_square: float
    freedom: int
    p: float
    fits: bool


BEST_OF_N = ("best_of_n", "bon", "rejection_sampling")
FORMLESS = ("DPO", "KTO")
"""Trainers, by a part of their name, whose gold has a hump but no form that is known."""


def form_of(facts: Mapping[str, Any]) -> str:
    """The form that an optimiser's curve is expected to have, RL unless the log says best-of-n.

    facts: algorithm, or kl_estimator "bon_bound", which only best-of-n has.

    >>> form_of({"algorithm": "best-of-n"}), form_of({"trainer": "TRL GRPO"}), form_of({})
    ('best_of_n', 'rl', 'rl')
    """
    name = str(facts.get("algorithm") or "").lower().replace("-", "_").replace(" ", "_")
    return "best_of_n" if name in BEST_OF_N or facts.get("kl_estimator") == "bon_bound" else "rl"


def has_form(facts: Mapping[str, Any]) -> bool:
    """Whether the optimiser's form is known well enough to forecast with."""
    return not any(word in str(facts.get("trainer") or "") for word in FORMLESS)


def gao_fit(
    d: FloatArray,
    gold: FloatArray,
    se: FloatArray,
    form: str = "rl",
    freedom: float = np.inf,
    rho: float = 0.0,
) -> GaoFit | None:
    """Weighted least squares with an intercept; None where the looks cannot determine it.

    d: sqrt-nats >= 0; gold, se: same unit; all (looks,); freedom: degrees of freedom behind se
    (inf = known); rho: correlation of neighbouring looks, taken out by whitening. Raises KeyError
    for a form that is not in FORMS.
    """
    g = FORMS[form]
    use = np.isfinite(d) & np.isfinite(gold) & (d >= 0)
    d, gold, se = d[use], gold[use], se[use]
    if len(d) < FEWEST_LOOKS or len(np.unique(d)) < FEWEST_LOOKS or not np.all(se > 0):
        return None
    scale = float(np.exp(np.mean(np.log(np.maximum(d, 1e-3)))))
    x = d / scale
    positive = np.where(x > 0, x, 1.0)
    # in units of a typical d: gold = c0 + a x - b x h(x), which keeps the columns apart
    bend = np.where(x > 0, x * (np.log(positive) if g == 0 else (positive**g - 1) / g), 0.0)
    design = np.column_stack([np.ones(len(x)), x, -bend])
    left, right = whitened(design / se[:, None], rho, axis=0), whitened(gold / se, rho)
    # The fit inverts left'left, whose condition is the square of this one, whatever the unit of KL
    # (a KL of 1e18 beside one of 10, as a broken log has it, leaves nothing of the other looks).
    sizes = np.max(np.abs(left), axis=0)
    if not np.all(np.isfinite(sizes)) or not np.all(sizes > 0):
        return None
    if not np.linalg.cond(left / sizes) < 1e7:
        return None
    covariance = np.asarray(np.linalg.inv(left.T @ left), dtype=np.float64)
    intercept, a, b = (covariance @ left.T @ right).tolist()
    misfit = float(np.sum((right - left @ np.array([intercept, a, b])) ** 2))
    free = len(d) - 3
    p = float(
        chi2_beyond(misfit, free)
        if np.isinf(freedom)
        else f_beyond(misfit / free, free, max(freedom, 1.0))
    )
    q = float(normal_quantile(0.95) if np.isinf(freedom) else t_quantile(0.95, max(freedom, 1.0)))
    low, high = fieller(a, b, covariance[1:, 1:], q)
    kl = _kl_of(a / b, g, scale) if b > 0 else None
    if g == 0:
        alpha, beta, by = (a + b * np.log(scale)) / scale, b / scale, np.log(scale)
    else:
        alpha, beta, by = (a + b) / scale, b / scale**2, 1.0
    direction = np.array([0.0, 1.0, by]) / scale
    alpha_se = float(np.sqrt(direction @ covariance @ direction))
    return GaoFit(
        form,
        intercept=intercept,
        alpha=float(alpha),
        alpha_se=alpha_se,
        beta=float(beta),
        kl=kl,
        kl_low=None if low is None else _kl_of(low, g, scale),
        kl_high=None if high is None else _kl_of(high, g, scale),
        chi_square=misfit,
        freedom=free,
        p=p,
        fits=p >= LACK_OF_FIT,
    )


@np.errstate(over="ignore", invalid="ignore")  # of a KL in units of 1e-300: nothing is excluded
def fieller(
    a: float, b: float, covariance: FloatArray, q: float
) -> tuple[float | None, float | None]:
    """Bounds of a / b for b > 0: roots of u²(b² - q² v_bb) - 2u(ab - q² v_ab) + a² - q² v_aa.

    covariance: (2, 2) of (a, b); q: normal or t quantile. (low, None) where b may be 0: no upper
    bound; (None, None) where nothing is excluded. Source: Fieller 1954.
    """
    v_aa, v_ab, v_bb = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    square, cross, constant = b * b - q * q * v_bb, a * b - q * q * v_ab, a * a - q * q * v_aa
    inside = cross * cross - square * constant
    if not 0 <= inside < np.inf or square == 0:
        return None, None
    roots = sorted(((cross - np.sqrt(inside)) / square, (cross + np.sqrt(inside)) / square))
    if square > 0:
        return (float(roots[0]), float(roots[1])) if b > 0 else (None, None)
    # the excluded u lie between the roots; peaks of b > 0 are those above them
    return float(roots[1]), None


def _kl_of(u: float, g: float, scale: float) -> float | None:
    """KL of the peak for a / b = u in units of x = d / scale; None where it is out of range."""
    if g > 0 and 1 + u * g <= 0:
        return 0.0
    if abs(u) > 50:
        return 0.0 if u < 0 else None
    return float(box_cox_peak(u, 1.0, g).kl * scale**2)
