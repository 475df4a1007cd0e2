"""Intervals over documents: what an indicator says on random halves of the prompts.

A half drawn without repeats has no document twice, so measures of repetition are not fooled as they
are by a bootstrap with replacement; and for a mean the spread over halves of n prompts is that of
the mean of n (the repeated half-sample; Kish & Frankel 1974, J. R. Stat. Soc. B 36:1). Halves are
drawn by a hash of the prompt: the same prompts are in the same halves at every iteration, so a
change between iterations is paired by prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analytics.collapse.tokens import Codes, mixed

HALVES = 192
FEWEST = 10
"""Prompts below which no interval is given."""
Z = NormalDist().inv_cdf(0.975)
"""Intervals are of 95 %."""
Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


def halves(clusters: Codes, many: int = HALVES) -> Truths:
    """Which documents are in each of ``many`` halves: (documents, many).

    clusters: a code for the prompt of each document.
    """
    if len(np.unique(clusters)) < FEWEST:
        return np.zeros((len(clusters), 0), dtype=bool)
    words = [mixed(clusters ^ np.uint64(word + 1)) for word in range(-(-many // 64))]
    bits = np.unpackbits(np.stack(words, axis=1).view(np.uint8), axis=1)
    return bits[:, :many].astype(bool)


@dataclass(frozen=True)
class Measured:
    """An indicator at one iteration: its value, and by how much it differs on each half.

    ``off`` is empty where no interval can be given; ``n`` counts documents.
    """

    value: float
    off: Numbers
    n: int

    @property
    def error(self) -> float | None:
        """Standard error over documents."""
        return float(np.sqrt(np.mean(self.off**2))) if len(self.off) else None

    def less(self, other: Measured) -> Measured:
        """The change from another iteration, paired by half."""
        both = min(len(self.off), len(other.off))
        return Measured(
            self.value - other.value, self.off[:both] - other.off[:both], min(self.n, other.n)
        )


def measured(value: float, of_half: Callable[[Truths], float], inside: Truths) -> Measured:
    """An indicator with its spread over halves, each in proportion to their mean.

    of_half: the indicator of the documents that are true.
    """
    found = np.array([of_half(inside[:, half]) for half in range(inside.shape[1])])
    return spread(value, found, len(inside))


def spread(value: float, found: Numbers | Iterable[float], n: int) -> Measured:
    """A value and what the halves say, as deviations about their own mean.

    What depends on the number of documents (distinct n-grams) is another number on a half: the
    deviations are taken in proportion.
    """
    found = np.asarray(found, dtype=np.float64)
    found = found[np.isfinite(found)]
    if len(found) < HALVES // 4:
        return Measured(value, np.zeros(0), n)
    mean = float(found.mean())
    if value > 0 < mean:
        return Measured(value, value * (found / mean - 1.0), n)
    return Measured(value, found - mean, n)


def mean(values: Numbers, inside: Truths) -> Measured:
    """The mean over documents (nulls left out as NaN)."""
    known = np.isfinite(values)
    if not known.any():
        return Measured(float("nan"), np.zeros(0), 0)
    values, inside = values[known], inside[known]
    counts = inside.sum(axis=0)
    means = (values @ inside)[counts > 0] / counts[counts > 0]
    found = float(values.mean())
    some = len(means) >= HALVES // 4
    return Measured(found, means - means.mean() if some else np.zeros(0), len(values))


def quantile(values: Numbers, level: float, inside: Truths) -> Measured:
    """A quantile over documents (nulls left out as NaN)."""
    known = np.isfinite(values)
    if not known.any():
        return Measured(float("nan"), np.zeros(0), 0)
    values, inside = values[known], inside[known]
    order = np.argsort(values)
    values, inside = values[order], inside[order]
    found = [
        float(np.quantile(values[inside[:, half]], level))
        for half in range(inside.shape[1])
        if inside[:, half].any()
    ]
    whole = float(np.quantile(values, level))
    off = np.asarray(found) - np.mean(found) if found else np.zeros(0)
    return Measured(whole, off, len(values))
