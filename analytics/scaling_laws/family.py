"""Gao's curves fitted to the runs of one family together.

Under RL the slope alpha hardly depends on the size of the reward model, so the runs of a family
share it and only beta is each run's own, unless they contradict that; under best-of-n both are.
Source: Gao et al. 2022 (arXiv 2210.10760), sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.computing.quantiles import chi2_beyond, normal_quantile
from analytics.onset.curves.fits import FEWEST_LOOKS, LEVEL, fieller
from analytics.scaling_laws.forms import Forms, forms

FloatArray = NDArray[np.float64]

SHARED = 0.05
"""One alpha is given up where runs with alphas of their own fit better at this level."""


@dataclass(frozen=True)
class RunPoints:
    """Gold of one run over KL: d in sqrt-nats, gold and its standard error, (looks,) each."""

    run: str
    d: FloatArray
    gold: FloatArray
    se: FloatArray


@dataclass(frozen=True)
class Family:
    """Parameters of some runs with their errors.

    runs: names; alpha: the shared one, None where each run has its own (best-of-n, and RL runs that
    contradict one). alphas: (k,), of fits of their own; betas: (k,), that belong to the shared
    alpha where there is one. covariance: (1 + k, 1 + k) of (alpha, betas) with a shared alpha, else
    (2k, 2k) of (alphas, betas). alpha_se, alphas_se, betas_se: standard errors. p_shared: how
    likely such different alphas are if there is one; None with one run. left_out: runs with too few
    points, with why. forms: the curves that gold allows; None for best-of-n pools.
    """

    form: str
    runs: tuple[str, ...]
    alpha: float | None
    alpha_se: float | None
    alphas: FloatArray
    alphas_se: FloatArray
    betas: FloatArray
    betas_se: FloatArray
    covariance: FloatArray
    p_shared: float | None
    left_out: tuple[tuple[str, str], ...]
    forms: Forms | None = None

    @property
    def established(self) -> bool:
        """Whether the form is: alpha and beta are nothing where gold may follow another curve."""
        return self.forms is None or self.forms.established

    def only(self, places: Sequence[int]) -> Family:
        """The same fit, some of its runs: those that stand on an axis of sizes."""
        k, at = len(self.runs), list(places)
        rows = [0, *(1 + i for i in at)] if self.alpha is not None else [*at, *(k + i for i in at)]
        return replace(
            self, runs=tuple(self.runs[i] for i in at), alphas=self.alphas[at],
            alphas_se=self.alphas_se[at], betas=self.betas[at], betas_se=self.betas_se[at],
            covariance=self.covariance[np.ix_(rows, rows)],
            forms=self.forms and self.forms._replace(peaks=tuple(self.forms.peaks[i] for i in at)),
        )  # fmt: skip

    def peak(self, place: int) -> tuple[float | None, float | None, float | None]:
        """KL at the peak of a run in nats, with its 90 % bounds by Fieller's theorem.

        (None, low, None) where the fitted curve has no peak or the bound is open. Where the form is
        not told, the bounds hold those of every curve that gold allows.
        """
        if self.forms is not None and not self.forms.established:
            return self.forms.peaks[place]
        k = len(self.runs)
        shared = self.alpha is not None
        at_alpha, at_beta = (0, 1 + place) if shared else (place, k + place)
        alpha = float(self.alpha if self.alpha is not None else self.alphas[place])
        beta = float(self.betas[place])
        pair = self.covariance[np.ix_([at_alpha, at_beta], [at_alpha, at_beta])]
        low, high = fieller(alpha, beta, pair, float(normal_quantile(0.5 + LEVEL / 2)))
        middle = alpha / beta if beta > 0 else None
        return kl_of(middle, self.form), kl_of(low, self.form), kl_of(high, self.form)


def kl_of(ratio: float | None, form: str) -> float | None:
    """KL of the peak for alpha / beta, nats; None for None or beyond e^100.

    >>> round(kl_of(2.5, "rl"), 4), kl_of(5.0, "best_of_n")
    (20.0855, 6.25)
    """
    if ratio is None:
        return None
    if form == "best_of_n":
        return max(ratio, 0.0) ** 2 / 4
    return float(np.exp(2 * ratio - 2)) if ratio < 50 else None


def _blocks(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Columns of one run each beside one another, zero in the rows of the other runs."""
    made = np.zeros((sum(len(column) for column in columns), len(columns)))
    start = 0
    for run, column in enumerate(columns):
        made[start : start + len(column), run] = column[:, 0]
        start += len(column)
    return made


def rl_family(runs: Sequence[RunPoints]) -> Family | None:
    """Fit d (alpha - beta_i ln d) + c_i, with one alpha if the runs do not contradict it.

    None where no run has enough points.
    """
    kept, left_out = _usable(runs)
    if not kept:
        return None
    k = len(kept)
    bends = [np.where(r.d > 0, r.d * np.log(np.where(r.d > 0, r.d, 1.0)), 0.0) for r in kept]
    ones = _blocks([np.ones((len(r.d), 1)) for r in kept])
    falls = -_blocks([bend[:, None] for bend in bends])
    own = _blocks([r.d[:, None] for r in kept])
    together = own.sum(axis=1, keepdims=True)
    gold = np.concatenate([r.gold for r in kept])
    se = np.concatenate([r.se for r in kept])
    separate = _fit(np.hstack([own, falls, ones]), gold, se)
    shared = _fit(np.hstack([together, falls, ones]), gold, se)
    p = None
    if k > 1:
        # Errors that were understated would make every difference of alphas look large.
        inflation = max(1.0, separate.misfit / max(separate.freedom, 1))
        p = float(chi2_beyond((shared.misfit - separate.misfit) / inflation, k - 1))
    each = np.sqrt(np.diag(separate.covariance))
    curves = forms(kept)
    if p is not None and p < SHARED:
        return Family(
            "rl",
            runs=tuple(r.run for r in kept),
            alpha=None,
            alpha_se=None,
            alphas=separate.values[:k],
            alphas_se=each[:k],
            betas=separate.values[k : 2 * k],
            betas_se=each[k : 2 * k],
            covariance=separate.covariance[: 2 * k, : 2 * k],
            p_shared=p,
            left_out=left_out,
            forms=curves,
        )
    error = np.sqrt(np.diag(shared.covariance))
    return Family(
        "rl",
        runs=tuple(r.run for r in kept),
        alpha=float(shared.values[0]),
        alpha_se=float(error[0]),
        alphas=separate.values[:k],
        alphas_se=each[:k],
        betas=shared.values[1 : k + 1],
        betas_se=error[1 : k + 1],
        covariance=shared.covariance[: k + 1, : k + 1],
        p_shared=p,
        left_out=left_out,
        forms=curves,
    )


def best_of_n_family(
    names: Sequence[str], alphas: FloatArray, betas: FloatArray, covariances: Sequence[FloatArray]
) -> Family:
    """A family of pools from their own fits: covariances of (alpha, beta), (2, 2) each."""
    k = len(names)
    covariance = np.zeros((2 * k, 2 * k))
    for i, pair in enumerate(covariances):
        covariance[np.ix_([i, k + i], [i, k + i])] = pair
    error = np.sqrt(np.diag(covariance))
    return Family(
        "best_of_n",
        runs=tuple(names),
        alpha=None,
        alpha_se=None,
        alphas=alphas,
        alphas_se=error[:k],
        betas=betas,
        betas_se=error[k:],
        covariance=covariance,
        p_shared=None,
        left_out=(),
    )


SMALLEST = 1e-100
"""Of a standard error: the square of a smaller one's inverse is no number."""


@dataclass(frozen=True)
class _Fit:
    values: FloatArray
    covariance: FloatArray
    misfit: float
    freedom: int


def _fit(design: FloatArray, gold: FloatArray, se: FloatArray) -> _Fit:
    """Weighted least squares; where points scatter more than their errors, those are widened."""
    left, right = design / se[:, None], gold / se
    covariance = np.linalg.pinv(left.T @ left, hermitian=True)
    values = covariance @ left.T @ right
    misfit = float(np.sum((right - left @ values) ** 2))
    freedom = len(gold) - design.shape[1]
    widened = covariance * max(1.0, misfit / freedom if freedom > 0 else 1.0)
    return _Fit(values, np.asarray(widened), misfit, freedom)


def _usable(
    runs: Sequence[RunPoints],
) -> tuple[list[RunPoints], tuple[tuple[str, str], ...]]:
    kept, left_out = [], []
    for run in runs:
        known = np.isfinite(run.d) & np.isfinite(run.gold) & np.isfinite(run.se)
        known &= (run.d >= 0) & (run.se > SMALLEST)
        usable = RunPoints(run.run, run.d[known], run.gold[known], run.se[known])
        if len(np.unique(usable.d)) < FEWEST_LOOKS:
            why = f"{len(usable.d)} points with KL, gold and its error are too few"
            left_out.append((run.run, why))
        else:
            kept.append(usable)
    return kept, tuple(left_out)
