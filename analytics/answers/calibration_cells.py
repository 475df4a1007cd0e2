"""Calibration from counted cells of confidence: the diagrams of millions of answers.

The same figures as `analytics.calibration`, from the frame `hallucination.counts.CELLS`: exact for
bins that divide 300; adaptive bins and rankings take answers within 1/300 of each other as ties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from analytics.calibration import BINS
from analytics.rates import FloatArray, wilson
from analytics.wording import count, fixed

FEWEST = 30
"""Attempted answers below which calibration is not spoken of."""


@dataclass(frozen=True)
class Calibration:
    """One set of attempted answers; NaN where it cannot be had.

    `*_null` is the mean of a calibrated model with the same confidences, `*_null_high` its 95 %
    point (normal approximation in each bin). `excess` = aurc - aurc_optimal.
    """

    n: int
    accuracy: float
    confidence: float
    ece: float
    ece_null: float
    ece_null_high: float
    adaptive_ece: float
    adaptive_null: float
    adaptive_null_high: float
    brier: float
    auroc: float
    aurc: float
    aurc_optimal: float

    @property
    def excess(self) -> float:
        """What a perfect ranking would save: E-AURC."""
        return self.aurc - self.aurc_optimal


def merged(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells of several topics and categories as one set, by confidence."""
    numbers = ("n", "correct", "confidence_sum", "squares_sum", "confidence_correct")
    return cells.group_by("cell").agg(pl.col(numbers).sum()).sort("cell")


def reliability(cells: pl.DataFrame, bins: int = BINS) -> pl.DataFrame:
    """The reliability diagram: one row for each bin of equal width that holds an answer.

    Args:
        cells: of one set of answers, from `merged`.
        bins: right-closed; must divide 300.

    Returns:
        bin, left, right, n, confidence (mean), accuracy, low, high (Wilson 95 %), null_low,
        null_high (95 % of the accuracy of a calibrated model, normal approximation).

    Source: Guo et al. 2017 (arXiv 1706.04599), section 2.
    """
    binned = _binned(cells, _width_bins(cells, bins))
    n, right = (binned[name].to_numpy().astype(np.float64) for name in ("n", "correct"))
    low, high = wilson(right, n)
    mean, spread = binned["confidence_sum"].to_numpy() / n, binned["spread"].to_numpy() / n
    return pl.DataFrame({
        "bin": binned["bin"], "left": binned["bin"] / bins, "right": (binned["bin"] + 1) / bins,
        "n": binned["n"], "confidence": mean, "accuracy": right / n, "low": low, "high": high,
        "null_low": np.clip(mean - 1.959964 * spread, 0, 1),
        "null_high": np.clip(mean + 1.959964 * spread, 0, 1),
    })  # fmt: skip


def risk_coverage(cells: pl.DataFrame) -> pl.DataFrame:
    """Error rate among the most confident answers, at the end of every cell.

    Args:
        cells: of one set of answers, from `merged`.

    Returns:
        coverage, risk, optimal, threshold (confidence), n (answers covered), from the most
        confident cell on. Source: Geifman and El-Yaniv 2017 (arXiv 1705.08500), section 2.
    """
    ordered = cells.sort("cell", descending=True)
    n = ordered["n"].cum_sum().to_numpy().astype(np.float64)
    wrong = (ordered["n"] - ordered["correct"]).cum_sum().to_numpy().astype(np.float64)
    total, errors = (n[-1], wrong[-1]) if len(n) else (0.0, 0.0)
    return pl.DataFrame({
        "coverage": n / max(total, 1.0), "risk": wrong / n,
        "optimal": np.maximum(0, n - (total - errors)) / n,
        "threshold": ordered["confidence_sum"] / ordered["n"], "n": n.astype(np.int64),
    })  # fmt: skip


def calibration(cells: pl.DataFrame, bins: int = BINS) -> Calibration:
    """Every number of one set of answers.

    Args:
        cells: of one set of answers, from `merged`.
        bins: of both kinds of ECE; must divide 300.
    """
    total = int(cells["n"].sum())
    if not total:
        return Calibration(0, *[float("nan")] * 12)
    right = float(cells["correct"].sum())
    sure = float(cells["confidence_sum"].sum())
    squares, both = float(cells["squares_sum"].sum()), float(cells["confidence_correct"].sum())
    ece, null, high = _gap(_binned(cells, _width_bins(cells, bins)), total)
    adaptive, mass_null, mass_high = _gap(_binned(cells, _mass_bins(cells, bins)), total)
    area, best = _areas(cells)
    return Calibration(
        n=total, accuracy=right / total, confidence=sure / total, ece=ece, ece_null=null,
        ece_null_high=high, adaptive_ece=adaptive, adaptive_null=mass_null,
        adaptive_null_high=mass_high, brier=(squares - 2 * both + right) / total,
        auroc=_auroc(cells), aurc=area, aurc_optimal=best,
    )  # fmt: skip


def by_iteration(cells: pl.DataFrame, bins: int = BINS) -> pl.DataFrame:
    """Every number of `calibration` for each loop, iteration and origin, as columns.

    Args:
        cells: the frame CELLS; topics and categories are merged.
        bins: as for `calibration`.
    """
    rows = []
    for keys, part in cells.group_by("loop", "iteration", "origin"):
        of_part = calibration(merged(part), bins)
        named = dict(zip(("loop", "iteration", "origin"), keys, strict=True))
        rows.append({**named, **vars(of_part), "excess": of_part.excess})
    kinds = {"loop": pl.String, "iteration": pl.Int64, "origin": pl.String, "n": pl.Int64}
    rest = [name for name in Calibration.__dataclass_fields__ if name != "n"]
    schema = kinds | dict.fromkeys([*rest, "excess"], pl.Float64)
    found = pl.DataFrame(rows, schema=schema).with_columns(pl.selectors.float().fill_nan(None))
    return found.sort("loop", "origin", "iteration")


def headline(row: Mapping[str, Any]) -> str:
    """How far confidence lies from the share right, where that is more than chance.

    Args:
        row: of `by_iteration`.

    >>> row = {"n": 970, "ece": 0.3, "ece_null_high": 0.05, "confidence": 0.52, "accuracy": 0.22}
    >>> headline(row), headline(row | {"n": 9})
    ('overconfident by 30.0 points', 'too few answers to tell')
    """
    if row["n"] < FEWEST:
        return "too few answers to tell"
    if row["ece"] <= row["ece_null_high"]:
        return "no miscalibration beyond chance"
    gap = row["confidence"] - row["accuracy"]
    if abs(gap) < row["ece"] / 3:
        return "miscalibrated, too sure in some bins and not sure enough in others"
    return f"{'over' if gap > 0 else 'under'}confident by {fixed(100 * abs(gap), 1)} points"


def sentence(row: Mapping[str, Any], bins: int) -> str:
    """Whether confidence can be taken at its word, from a row of `by_iteration`."""
    if not row["n"]:
        return "No attempted answer has a confidence."
    if row["n"] < FEWEST:
        return f"Only {count(row['n'], 'attempted answer')} with a confidence: too few to tell."
    start = (
        f"ECE {fixed(row['ece'], 3)} over {count(bins, 'bin')} of "
        f"{count(row['n'], 'attempted answer')}; a calibrated model with these confidences has "
        f"{fixed(row['ece_null'], 3)} on average, {fixed(row['ece_null_high'], 3)} at most in 95 %"
    )
    if row["ece"] <= row["ece_null_high"]:
        return f"{start}: no miscalibration can be told from chance."
    gap = row["confidence"] - row["accuracy"]
    means = f"mean confidence {fixed(row['confidence'], 2)}, {fixed(row['accuracy'], 2)} right"
    if abs(gap) < row["ece"] / 3:
        return f"{start}: miscalibrated, too sure in some bins and not sure enough in others."
    return f"{start}: {'over' if gap > 0 else 'under'}confident ({means})."


def _width_bins(cells: pl.DataFrame, bins: int) -> pl.Series:
    if bins < 1 or 300 % bins:
        raise ValueError(f"bins must divide 300, {bins} does not")
    half = 300 // bins * 2  # cells a bin; an even cell closes its bin on the right
    return ((cells["cell"] + half - 1) // half - 1).clip(0, bins - 1)


def _mass_bins(cells: pl.DataFrame, bins: int) -> pl.Series:
    """Bins that hold equally many answers; a cell is not split and goes to the lower bin."""
    ordered = cells.sort("cell")
    first = ordered["n"].cum_sum() - ordered["n"]
    return first * bins // max(int(ordered["n"].sum()), 1)


def _binned(cells: pl.DataFrame, number: pl.Series) -> pl.DataFrame:
    """Sums by bin; spread = standard deviation of the number correct of a calibrated model."""
    numbers = ("n", "correct", "confidence_sum", "squares_sum")
    return (
        cells.sort("cell")
        .with_columns(bin=number)
        .group_by("bin")
        .agg(pl.col(numbers).sum())
        .with_columns(spread=(pl.col("confidence_sum") - pl.col("squares_sum")).clip(0).sqrt())
        .sort("bin")
    )


def _gap(binned: pl.DataFrame, total: int) -> tuple[float, float, float]:
    """Σ |correct - confidence| / N, its mean and 95 % point under calibration."""
    gap = float((binned["correct"] - binned["confidence_sum"]).abs().sum()) / total
    spread = binned["spread"].to_numpy() / total
    mean = float(np.sqrt(2 / np.pi) * spread.sum())
    deviation = float(np.sqrt((1 - 2 / np.pi) * (spread**2).sum()))
    return gap, mean, mean + 1.644854 * deviation


def _auroc(cells: pl.DataFrame) -> float:
    ordered = cells.sort("cell")
    right = ordered["correct"].to_numpy().astype(np.float64)
    wrong = ordered["n"].to_numpy().astype(np.float64) - right
    if right.sum() == 0 or wrong.sum() == 0:
        return float("nan")
    return float((right * (np.cumsum(wrong) - wrong / 2)).sum() / (right.sum() * wrong.sum()))


def _areas(cells: pl.DataFrame) -> tuple[float, float]:
    """AURC and its optimum, the mean over every k; within a cell errors come evenly.

    Source: Geifman, Uziel and El-Yaniv 2019 (arXiv 1805.08206), section 4.
    """
    ordered = cells.sort("cell", descending=True)
    n = ordered["n"].to_numpy().astype(np.int64)
    wrong = n - ordered["correct"].to_numpy().astype(np.int64)
    total = int(n.sum())
    before, errors = np.cumsum(n) - n, np.cumsum(wrong) - wrong
    # Σ over k in (a, b] of (e + s (k - a)) / k with s = errors an answer of the cell
    slope = wrong / n
    parts = (errors - slope * before) * _harmonic(before, before + n) + slope * n
    best = _best(total, int(wrong.sum()))
    return float(parts.sum() / total), best


def _harmonic(low: npt.ArrayLike, high: npt.ArrayLike) -> FloatArray:
    """Σ 1/k over low < k <= high."""
    above, below = np.asarray(high, dtype=np.float64), np.asarray(low, dtype=np.float64)
    return np.asarray(special.digamma(above + 1.0) - special.digamma(below + 1.0))


def _best(total: int, errors: int) -> float:
    right = total - errors
    tail = float(_harmonic(right, total))
    return float((errors - right * tail) / total)
