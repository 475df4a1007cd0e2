"""Does confidence tell right from wrong: reliability, ECE with its null value, risk and coverage.

All functions take `confidence` in [0, 1] and `correct` (0 or 1), both of shape (n,) (lists, NumPy
arrays, Polars or pandas series, PyArrow arrays), over
**attempted** answers: the confidence of an abstention is about abstaining, not about a claim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.computing.any_frame import FrameError, array
from analytics.computing.quantiles import ranks as ranked
from analytics.rates import FloatArray, wilson
from analytics.wording import number

BINS = 15
"""Bins of a reliability diagram unless told otherwise (Guo et al. 2017, section 5)."""


def paired_arrays(
    confidence: npt.ArrayLike, correct: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Both as floats without the rows where either is missing; refuses what is out of range."""
    c, y = array(confidence, "confidence"), array(correct, "correct")
    if c.shape != y.shape:
        raise FrameError(f"{c.size} confidences, but {y.size} grades")
    keep = ~(np.isnan(c) | np.isnan(y))
    c, y = c[keep], y[keep]
    if np.any((c < 0) | (c > 1)):
        raise FrameError(f"confidence outside [0, 1]: {number(c[(c < 0) | (c > 1)][0])}")
    if np.any((y != 0) & (y != 1)):
        raise FrameError(f"correct must be 0 or 1, not {number(y[(y != 0) & (y != 1)][0])}")
    return c, y


def bin_number(confidence: npt.ArrayLike, bins: int = BINS) -> npt.NDArray[np.int64]:
    """Bin 0 … bins-1 of equal width, closed on the right: (k/M, (k+1)/M]; 0 is in the first.

    Confidences are compared at 6 decimals, so that .7 stored in single precision is .7.

    >>> bin_number([0.0, 0.2, 0.2000001, 0.21, 1.0], 5).tolist()
    [0, 0, 0, 1, 4]
    """
    scaled = np.round(np.asarray(confidence, dtype=np.float64), 6) * bins
    return np.asarray(np.clip(np.ceil(np.round(scaled, 9)) - 1, 0, bins - 1).astype(np.int64))


def reliability(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = BINS
) -> pl.DataFrame:
    """The reliability diagram: one row for each bin that holds an answer.

    Returns:
        bin, left, right (edges, right-closed), n, confidence (mean), accuracy, low, high
        (Wilson 95 % of accuracy), null_low, null_high (95 % of the accuracy of a calibrated
        model with these confidences, normal approximation).

    Source: Guo et al. 2017 (arXiv 1706.04599), section 2.
    """
    c, y = paired_arrays(confidence, correct)
    which = bin_number(c, bins)
    bins_there = np.unique(which)
    n = np.bincount(which, minlength=bins)[bins_there].astype(np.float64)
    right = np.bincount(which, weights=y, minlength=bins)[bins_there]
    mean = np.bincount(which, weights=c, minlength=bins)[bins_there] / n
    spread = np.sqrt(np.bincount(which, weights=c * (1 - c), minlength=bins)[bins_there]) / n
    low, high = wilson(right, n)
    return pl.DataFrame(
        {
            "bin": bins_there, "left": bins_there / bins, "right": (bins_there + 1) / bins,
            "n": n.astype(np.int64), "confidence": mean, "accuracy": right / n,
            "low": low, "high": high,
            "null_low": np.clip(mean - 1.959964 * spread, 0, 1),
            "null_high": np.clip(mean + 1.959964 * spread, 0, 1),
        }
    )  # fmt: skip


def _gap(which: npt.NDArray[np.int64], c: FloatArray, y: FloatArray) -> float:
    """Σ |Σ_bin (y - c)| / N: n_b/N |acc_b - conf_b| over bins."""
    return float(np.abs(np.bincount(which, weights=y - c)).sum() / len(c)) if len(c) else np.nan


def ece(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error over bins of equal width, right-closed; NaN without answers.

    Depends on bins and n: print both, and the null value (`ece_null`).

    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599), equation 3.

    >>> conf, y = [.95, .9, .85, .8, .75, .6, .55, .4, .3, .2], [1, 1, 0, 1, 1, 0, 1, 0, 1, 0]
    >>> round(ece(conf, y, 5), 9), round(ece(conf, y, 10), 9)
    (0.18, 0.27)
    """
    c, y = paired_arrays(confidence, correct)
    return _gap(bin_number(c, bins), c, y)


def mass_bins(confidence: npt.ArrayLike, bins: int = BINS) -> npt.NDArray[np.int64]:
    """Bin of each answer when bins hold equally many; equal confidences share the lower bin."""
    c = np.asarray(confidence, dtype=np.float64)
    order = np.argsort(c, kind="stable")
    rising, place = c[order], np.arange(len(c))
    begins = np.concatenate([rising[:1] == rising[:1], rising[1:] != rising[:-1]])
    first = np.empty(len(c), dtype=np.int64)
    first[order] = np.maximum.accumulate(np.where(begins, place, 0))
    return first * bins // max(len(c), 1)


def adaptive_ece(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = BINS) -> float:
    """Calibration error over bins that hold equally many answers (ties are not split).

    Source: Nguyen and O'Connor 2015; Nixon et al. 2019 (arXiv 1904.01685), section 3.
    """
    c, y = paired_arrays(confidence, correct)
    return _gap(mass_bins(c, bins), c, y)


def ece_null(confidence: npt.ArrayLike, bins: int = BINS) -> float:
    """E[ECE] of a calibrated model with **these** confidences, normal approximation a bin.

    sqrt(2/pi) Σ_b sqrt(Σ_{i in b} c_i (1 - c_i)) / N: the mean of a half normal in every bin.
    """
    c, _ = paired_arrays(confidence, np.zeros(len(array(confidence, "confidence"))))
    if not len(c):
        return float("nan")
    spread = np.sqrt(np.bincount(bin_number(c, bins), weights=c * (1 - c)))
    return float(np.sqrt(2 / np.pi) * spread.sum() / len(c))


@dataclass(frozen=True)
class Null:
    """ECE of a calibrated model with the same confidences: mean and 95th percentile."""

    mean: float
    high: float
    draws: int


def ece_null_simulated(
    confidence: npt.ArrayLike,
    bins: int = BINS,
    adaptive: bool = False,
    draws: int = 400,
    seed: int = 20261123,
) -> Null:
    """Null value of `ece` (or `adaptive_ece`) by drawing grades with these probabilities.

    Exact up to simulation error, also for few answers, where the formula is not.
    """
    c, _ = paired_arrays(confidence, np.zeros(len(array(confidence, "confidence"))))
    if not len(c):
        return Null(float("nan"), float("nan"), 0)
    random = np.random.default_rng(seed)
    which = mass_bins(c, bins) if adaptive else bin_number(c, bins)
    gaps = [_gap(which, c, (random.random(len(c)) < c).astype(np.float64)) for _ in range(draws)]
    return Null(float(np.mean(gaps)), float(np.quantile(gaps, 0.95)), draws)


def brier(confidence: npt.ArrayLike, correct: npt.ArrayLike) -> float:
    """Mean squared distance of confidence from the grade; NaN without answers. Brier 1950."""
    c, y = paired_arrays(confidence, correct)
    return float(np.mean((c - y) ** 2)) if len(c) else float("nan")


def auroc(confidence: npt.ArrayLike, correct: npt.ArrayLike) -> float:
    """P(a right answer is more confident than a wrong one), ties count one half.

    NaN where all answers are right or all wrong. Source: Hanley and McNeil 1982.

    >>> auroc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])
    0.875
    """
    c, y = paired_arrays(confidence, correct)
    right = y.sum()
    wrong = len(y) - right
    if right == 0 or wrong == 0:
        return float("nan")
    ranks = ranked(c)
    return float((ranks[y == 1].sum() - right * (right + 1) / 2) / (right * wrong))


def risk_coverage(confidence: npt.ArrayLike, correct: npt.ArrayLike) -> pl.DataFrame:
    """Error rate among the k most confident answers, for every k.

    Within a tie the expected risk over its orders is taken, so the order of rows is irrelevant.

    Returns:
        k, coverage = k/n, threshold (confidence of the k-th), risk, optimal (right answers
        first: what a perfect ranking would reach with these grades).

    Source: Geifman and El-Yaniv 2017 (arXiv 1705.08500), section 2.
    """
    c, y = paired_arrays(confidence, correct)
    order = np.argsort(-c, kind="stable")
    c, wrong = c[order], 1 - y[order]
    n = len(c)
    _, block = np.unique(-c, return_inverse=True)
    share = np.bincount(block, weights=wrong) / np.maximum(np.bincount(block), 1)
    k = np.arange(1, n + 1)
    optimal = np.maximum(0, k - (n - wrong.sum())) / k
    return pl.DataFrame(
        {
            "k": k, "coverage": k / max(n, 1), "threshold": c,
            "risk": np.cumsum(share[block]) / k, "optimal": optimal,
        }
    )  # fmt: skip


@dataclass(frozen=True)
class Selective:
    """Area under the risk-coverage curve, its optimum for these grades, and the excess."""

    aurc: float
    optimal: float
    excess: float


def aurc(confidence: npt.ArrayLike, correct: npt.ArrayLike) -> Selective:
    """Mean risk over all coverages, and how much of it a better ranking would save (E-AURC).

    Source: Geifman, Uziel and El-Yaniv 2019 (arXiv 1805.08206), section 4.

    >>> conf, y = [.95, .9, .85, .8, .75, .6, .55, .4, .3, .2], [1, 1, 0, 1, 1, 0, 1, 0, 1, 0]
    >>> area = aurc(conf, y)
    >>> round(area.aurc, 6), round(area.optimal, 6), round(area.excess, 6)
    (0.251071, 0.112619, 0.138452)
    """
    curve = risk_coverage(confidence, correct)
    if curve.is_empty():
        return Selective(float("nan"), float("nan"), float("nan"))
    area, best = curve["risk"].to_numpy().mean(), curve["optimal"].to_numpy().mean()
    return Selective(float(area), float(best), float(area - best))
