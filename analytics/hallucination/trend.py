"""Rates over iterations: trend tests, and e-processes that may be looked at every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from analytics.computing.any_frame import polars_frame
from analytics.computing.kept import kept
from analytics.rates import FloatArray


@dataclass(frozen=True)
class Trend:
    """z > 0: the rate rises; p is two-sided; slope in rate per iteration."""

    z: float
    p: float
    slope: float
    n: int


def cochran_armitage(
    events: npt.ArrayLike, n: npt.ArrayLike, iterations: npt.ArrayLike | None = None
) -> Trend:
    """Linear trend of independent binomial rates over ordered groups.

    For other questions at every iteration. On the same questions it is conservative:
    `question_trend` uses the pairing.

    Args:
        events, n: shape (iterations,), counts.
        iterations: scores, by default 0, 1, 2 ….

    Source: Cochran 1954; Armitage 1955; Agresti 2013, Categorical Data Analysis, section 5.3.5.

    >>> trend = cochran_armitage([48, 38, 5, 1, 1], [17114, 14502, 793, 127, 38],
    ...                          [0, 0.5, 1.5, 4, 7])
    >>> round(trend.z**2, 2), round(trend.p, 4)
    (6.57, 0.0104)
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    at = (
        np.arange(len(x), dtype=np.float64) if iterations is None else np.asarray(iterations, float)
    )
    total = size.sum()
    if total == 0:
        return Trend(float("nan"), float("nan"), float("nan"), 0)
    p = x.sum() / total
    spread = float((size * at**2).sum() - (size * at).sum() ** 2 / total)
    score = float((at * (x - size * p)).sum())
    if spread <= 0 or p in (0, 1):
        return Trend(float("nan"), float("nan"), float("nan"), int(total))
    z = score / np.sqrt(p * (1 - p) * spread)
    return Trend(float(z), float(2 * special.ndtr(-abs(z))), score / spread, int(total))


@dataclass(frozen=True)
class ScatterTrend:
    """A trend against the scatter of the iterations themselves; p is two-sided.

    slope: rate per iteration. freedom: of the t distribution, iterations - 2. scatter: standard
    deviation of the rate between retrained iterations beyond counting noise, 0 where none is seen.
    """

    t: float
    p: float
    slope: float
    freedom: int
    scatter: float


def scatter_trend(
    rates: npt.ArrayLike, n: npt.ArrayLike, iterations: npt.ArrayLike | None = None
) -> ScatterTrend:
    """Linear trend of rates whose iterations scatter more than counting does.

    Each iteration is a training of its own, and a retrained model's rate moves by more than
    binomial noise: a random effect of .25 logit makes Cochran-Armitage's p < .05 in 45 % of loops
    without any trend. Here the iterations' own scatter about the line is the error: weighted
    regression, weights 1 / (counting variance + variance between iterations), the latter from
    Pearson's squares, and t with iterations - 2 degrees of freedom; p is not below Cochran and
    Armitage's.

    Args:
        rates, n: shape (iterations,), shares in [0, 1] and (effective) answers behind each.
        iterations: places on the line, by default 0, 1, 2 ….

    Returns NaN for fewer than three iterations, or rates that do not move.

    Source: Knapp and Hartung 2003, Statistics in Medicine 22:2693; DerSimonian and Laird 1986.

    >>> told = scatter_trend([.10, .20, .30, .41], [200, 200, 200, 200])
    >>> told.freedom, round(told.slope, 3), told.p < .01
    (2, 0.103, True)
    """
    p, size = np.asarray(rates, dtype=np.float64), np.asarray(n, dtype=np.float64)
    at = (
        np.arange(len(p), dtype=np.float64) if iterations is None else np.asarray(iterations, float)
    )
    freedom = len(p) - 2
    pooled = float((size * p).sum() / size.sum()) if size.sum() > 0 else 0.0
    if freedom < 1 or not 0 < pooled < 1 or np.ptp(at) == 0 or np.ptp(p) == 0 or (size <= 0).any():
        return ScatterTrend(float("nan"), float("nan"), float("nan"), max(freedom, 0), 0.0)
    counting = pooled * (1 - pooled) / size
    between = _between(p, counting, at)
    weight = 1 / (counting + between)
    slope, squares, spread = _line(p, weight, at)
    error = np.sqrt(max(squares, 1e-12) / freedom / spread)
    t = float(slope / error)
    # Few coarse rates may lie on a line by chance: counting noise has to be beaten as well.
    counted = cochran_armitage(p * size, size, at).p
    chance = max(float(2 * special.stdtr(freedom, -abs(t))), counted)
    return ScatterTrend(t, chance, slope, freedom, float(np.sqrt(between)))


def _line(p: FloatArray, weight: FloatArray, at: FloatArray) -> tuple[float, float, float]:
    """Weighted line: slope, weighted squares about it, weighted spread of the places."""
    centre = at - (weight * at).sum() / weight.sum()
    spread = float((weight * centre**2).sum())
    slope = float((weight * centre * p).sum()) / spread
    mean = (weight * p).sum() / weight.sum()
    return slope, float((weight * (p - mean - slope * centre) ** 2).sum()), spread


def _between(p: FloatArray, counting: FloatArray, at: FloatArray) -> float:
    """Variance between iterations beyond counting, by moments; not below 0."""
    weight = 1 / counting
    _, squares, _ = _line(p, weight, at)
    design = np.stack([np.ones(len(p)), at], axis=1)
    inverse = np.linalg.pinv((design * weight[:, None]).T @ design)
    spread = float(np.trace(inverse @ ((design * weight[:, None] ** 2).T @ design)))
    return max(0.0, (squares - (len(p) - 2)) / (float(weight.sum()) - spread))


def question_trend(wrong: Any) -> Trend:
    """Linear trend over iterations on the same questions, the question as the cluster.

    Each question gives U_q = Σ_t (t - t̄) wrong_qt, which has mean 0 without a trend whatever
    the question's difficulty; z = Σ U / sqrt(Σ (U - Ū)²). Only questions answered at every
    iteration count.

    Args:
        wrong: question_id, iteration, wrong (0 or 1, or the mean over samples), in a frame of any
            library.

    Source: the independence estimating equation with a cluster-robust variance, Liang and
    Zeger 1986, Biometrika 73:13.
    """
    needed = ("question_id", "iteration", "wrong")
    rows = polars_frame(wrong, *needed).select(needed).cast({"wrong": pl.Float64})
    means = rows.drop_nulls().group_by("question_id", "iteration").agg(pl.col("wrong").mean())
    times = np.sort(means["iteration"].unique().to_numpy()).astype(np.float64)
    whole = means.filter(pl.len().over("question_id") == len(times))
    scores = whole.with_columns(
        u=(pl.col("iteration") - float(times.mean()) if len(times) else 0.0) * pl.col("wrong")
    )
    u = scores.group_by("question_id").agg(pl.col("u").sum()).sort("question_id")["u"].to_numpy()
    spread = float(((times - times.mean()) ** 2).sum()) if len(times) else 0.0
    deviation = float(np.sqrt(np.sum((u - u.mean()) ** 2))) if len(u) > 1 else 0.0
    if spread == 0 or deviation == 0:
        return Trend(float("nan"), float("nan"), float("nan"), len(u))
    z = float(u.sum()) / deviation
    return Trend(z, float(2 * special.ndtr(-abs(z))), float(u.mean()) / spread, len(u))


@dataclass(frozen=True)
class Evidence:
    """An e-process: `e` after each iteration, shape (iterations,), starting from 1.

    P(e ever reaches 1/alpha) <= alpha under the null, however often and whenever one looks.
    `p` = 1 / largest e so far is valid at every look; `alarm` is the first index with
    e >= 1/alpha, None where there is none.
    """

    e: FloatArray
    p: FloatArray
    alarm: int | None


def _evidence(log_e: FloatArray, alpha: float) -> Evidence:
    e = np.exp(np.minimum(log_e, 700.0))
    p = np.minimum(1.0, np.exp(-np.maximum.accumulate(np.maximum(log_e, 0.0))))
    fired = np.nonzero(log_e >= np.log(1 / alpha))[0]
    return Evidence(e, p, int(fired[0]) if len(fired) else None)


def rise_on_same_questions(
    newly_wrong: npt.ArrayLike, newly_right: npt.ArrayLike, alpha: float = 0.05
) -> Evidence:
    """e-process against "the next iteration is not expected to give more wrong answers".

    Each iteration is compared with the one before on shared questions: d_q = wrong now - wrong
    before. A bet of the share L on a rise multiplies by Π_q (1 + L d_q) = (1+L)^b (1-L)^c. Given
    the past its mean is at most (1 + L mean d)^n <= 1 under the null (arithmetic and geometric
    mean: questions may differ in difficulty), so the product over iterations is a
    supermartingale; L is mixed uniformly over [0, 1] (200 Gauss-Legendre nodes: any mixture is
    valid, whatever the quadrature). Ville's inequality does the rest.

    Assumes that answers to different questions vary independently given the past. A drift of
    the whole model that merely happens to go up is a rise to it, as to McNemar's test.

    Args:
        newly_wrong, newly_right: shape (iterations,): b and c of each iteration against the
            one before, in order; whole counts.
        alpha: alarm at 1/alpha.

    Source: betting e-processes: Waudby-Smith and Ramdas 2024 (arXiv 2010.09686), section 4;
    Ramdas, Grünwald, Vovk and Shafer 2023 (arXiv 2210.01948), sections 2 and 3.

    >>> rise_on_same_questions([0], [0]).e.round(9).tolist()
    [1.0]
    >>> rise_on_same_questions([8, 9, 12], [7, 4, 3]).alarm is None
    True
    """
    b = np.cumsum(np.asarray(newly_wrong, dtype=np.float64))
    c = np.cumsum(np.asarray(newly_right, dtype=np.float64))
    bet, share = _uniform(0.0, 1.0)
    grown = np.outer(b, np.log1p(bet)) + np.outer(c, np.log1p(-bet))
    return _evidence(special.logsumexp(grown, axis=1, b=share), alpha)


def above_limit(
    wrong: npt.ArrayLike, n: npt.ArrayLike, limit: float, alpha: float = 0.05
) -> Evidence:
    """e-process against "the rate of wrong answers is at most `limit` at every iteration".

    Needs no shared questions: for self-generated ones, or a gate with a fixed limit. Betting on
    a rate theta multiplies by (theta/limit)^wrong ((1-theta)/(1-limit))^(n-wrong), theta mixed
    uniformly over [limit, 1]. Valid for questions of unequal difficulty whose mean rate is at
    most the limit, given the past.

    Args:
        wrong, n: shape (iterations,), counts of each iteration, one answer a question.
        limit: in (0, 1).

    Source: Waudby-Smith and Ramdas 2024 (arXiv 2010.09686), section 4; Robbins 1970.
    """
    if not 0 < limit < 1:
        raise ValueError(f"limit must lie between 0 and 1, not {limit}")
    x = np.cumsum(np.asarray(wrong, dtype=np.float64))
    rest = np.cumsum(np.asarray(n, dtype=np.float64)) - x
    theta, share = _uniform(limit, 1.0)
    gain, loss = np.log(theta / limit), np.log((1 - theta) / (1 - limit))
    return _evidence(
        special.logsumexp(np.outer(x, gain) + np.outer(rest, loss), axis=1, b=share), alpha
    )


@kept(64)
def _uniform(low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Nodes strictly inside (low, high) and weights that sum to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return low + (high - low) * (nodes + 1) / 2, weights / weights.sum()
