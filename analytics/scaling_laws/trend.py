"""How parameters move with size, and what that predicts for a size that was not run.

A straight line over log10 of the size, by generalised least squares, with a scatter between runs
on top of the errors of their fits (Paule and Mandel 1982; Hartung and Knapp 2001 for the small
numbers of runs that there are). A prediction is for one further run: its interval holds the line's
error, the scatter, and the error of the shared alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.computing.quantiles import t_quantile
from analytics.onset.curves.fits import LEVEL
from analytics.scaling_laws.family import Family, kl_of
from analytics.scaling_laws.forms import form_words
from analytics.wording import count, number

FloatArray = NDArray[np.float64]

FEWEST_FOR_A_LINE = 3
FEWEST_FOR_A_PREDICTION = 4
FARTHEST = 10.0
"""A size may lie this factor outside of what was run; farther, nothing is predicted."""
DRAWS = 20_000


@dataclass(frozen=True)
class Trend:
    """value = intercept + slope log10(size). scatter: sd between runs beyond their fits' errors.

    covariance: (2, 2) of (intercept, slope); onto: (2, k), the weights that the values had;
    freedom: runs - 2. slope_low, slope_high: 90 %.
    """

    intercept: float
    slope: float
    slope_low: float
    slope_high: float
    scatter: float
    covariance: FloatArray
    onto: FloatArray
    freedom: int

    def at(self, size: FloatArray) -> FloatArray:
        """The line at sizes."""
        return self.intercept + self.slope * np.log10(size)

    def error(self, size: FloatArray) -> FloatArray:
        """Standard error of the line at sizes, without the scatter of a run about it."""
        x = np.stack([np.ones(np.shape(size)), np.log10(size)], axis=-1)
        return np.asarray(np.sqrt(np.sum((x @ self.covariance) * x, axis=-1)))


@dataclass(frozen=True)
class Prediction:
    """Of one further run at a size: KL of its gold peak in nats, 90 %; None = no bound.

    refused: why nothing is predicted, else empty; outside: factor beyond the sizes that were run,
    1 within them.
    """

    size: float
    kl: float | None
    low: float | None
    high: float | None
    outside: float
    refused: str = ""


def trend(size: FloatArray, value: FloatArray, covariance: FloatArray) -> Trend | None:
    """Fit a line; None with fewer than three sizes. covariance: (k, k) of the values."""
    if len(np.unique(size)) < FEWEST_FOR_A_LINE:
        return None
    design = np.column_stack([np.ones(len(size)), np.log10(size)])
    freedom = len(size) - 2
    scatter = _scatter(design, value, covariance, freedom)
    total = covariance + scatter**2 * np.eye(len(size))
    precision = np.linalg.pinv(total, hermitian=True)
    inner = np.linalg.inv(design.T @ precision @ design)
    onto = inner @ design.T @ precision
    intercept, slope = onto @ value
    left = value - design @ np.array([intercept, slope])
    widened = inner * max(1.0, float(left @ precision @ left) / freedom)
    half = t_quantile(0.5 + LEVEL / 2, freedom) * float(np.sqrt(widened[1, 1]))
    return Trend(
        float(intercept),
        slope=float(slope),
        slope_low=float(slope - half),
        slope_high=float(slope + half),
        scatter=scatter,
        covariance=widened,
        onto=onto,
        freedom=freedom,
    )


def trends(family: Family, size: FloatArray) -> tuple[Trend | None, Trend | None]:
    """Lines of alpha and of beta over log10(size), (k,).

    A shared alpha has no line, and neither parameter has one where the form is not told.
    """
    k = len(family.runs)
    if not family.established:
        return None, None
    if family.alpha is not None:
        return None, trend(size, family.betas, family.covariance[1:, 1:])
    return (
        trend(size, family.alphas, family.covariance[:k, :k]),
        trend(size, family.betas, family.covariance[k:, k:]),
    )


def predict(family: Family, size: FloatArray, wanted: float) -> Prediction:
    """KL at which gold of a further run of the family would peak.

    size: (k,), of the family's runs, > 0; wanted: the further run's. Refused with too few sizes,
    where ``wanted`` lies more than a factor of ten outside of them, or where the form is not told.
    """
    low, high = float(np.min(size)), float(np.max(size))
    outside = max(low / wanted, wanted / high, 1.0)
    sizes = len(np.unique(size))
    if sizes < FEWEST_FOR_A_PREDICTION:
        why = f"too few ({count(sizes, 'size')}): a prediction needs {FEWEST_FOR_A_PREDICTION}"
        return Prediction(wanted, None, None, None, outside, why)
    if outside > FARTHEST:
        why = f"{number(wanted)} lies {number(outside)} times outside of the sizes that were run"
        return Prediction(wanted, None, None, None, outside, why)
    if family.forms is not None and not family.established:
        why = form_words(family.forms.exponents)
        return Prediction(wanted, None, None, None, outside, why)
    k = len(size)
    rose, fell = trends(family, size)
    assert fell is not None
    x = np.array([1.0, np.log10(wanted)])
    if family.alpha is not None:
        alpha = family.alpha
        alpha_variance = float(family.covariance[0, 0])
        both = float(x @ fell.onto @ family.covariance[1:, 0])
    else:
        assert rose is not None
        alpha = float(rose.at(np.array(wanted)))
        alpha_variance = float(rose.error(np.array(wanted)) ** 2 + rose.scatter**2)
        both = float(x @ rose.onto @ family.covariance[:k, k:] @ fell.onto.T @ x)
    beta = float(fell.at(np.array(wanted)))
    beta_variance = float(fell.error(np.array(wanted)) ** 2 + fell.scatter**2)
    covariance = np.array([[alpha_variance, both], [both, beta_variance]])
    drawn = _drawn(np.array([alpha, beta]), covariance, fell.freedom)
    kl = _peaks(drawn[:, 0], drawn[:, 1], family.form)
    ends = np.quantile(kl, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    bounds = [float(end) if np.isfinite(end) else None for end in ends]
    middle = kl_of(alpha / beta, family.form) if beta > 0 else None
    return Prediction(wanted, middle, bounds[0], bounds[1], outside)


def _scatter(design: FloatArray, value: FloatArray, covariance: FloatArray, freedom: int) -> float:
    """The sd between runs at which their weighted distances from the line are as expected."""

    def excess(scatter: float) -> float:
        total = covariance + scatter**2 * np.eye(len(value))
        precision = np.linalg.pinv(total, hermitian=True)
        inner = np.linalg.inv(design.T @ precision @ design)
        left = value - design @ (inner @ design.T @ precision @ value)
        return float(left @ precision @ left) - freedom

    if freedom < 1 or excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.std(value)) + 1e-12
    while excess(high) > 0:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _drawn(mean: FloatArray, covariance: FloatArray, freedom: int) -> FloatArray:
    """Draws from a multivariate t, always the same, (DRAWS, 2)."""
    random = np.random.default_rng(20221019)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = random.standard_normal((DRAWS, 2)) @ root.T
    heavy = np.sqrt(freedom / random.chisquare(freedom, (DRAWS, 1)))
    return np.asarray(mean + normal * heavy)


def _peaks(alpha: FloatArray, beta: FloatArray, form: str) -> FloatArray:
    with np.errstate(divide="ignore", over="ignore"):
        ratio = np.where(beta > 0, alpha / np.where(beta > 0, beta, 1.0), np.inf)
        if form == "best_of_n":
            return np.asarray(np.maximum(ratio, 0.0) ** 2 / 4)
        return np.asarray(np.exp(2 * ratio - 2))
