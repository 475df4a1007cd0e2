"""Intervals that take the prompt for the unit: responses to one prompt share what it makes of them.

Delete-a-group jackknife with Student's t. Source: Efron and Tibshirani 1993, An Introduction to the
Bootstrap, chapter 11; Kott 2001, Journal of Official Statistics 17:521 (groups, t).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from analytics.computing.quantiles import t_quantile

FloatArray = NDArray[np.float64]

GROUPS = 400
"""Prompts beyond so many are put together in groups, each of which is a unit."""
FEWEST = 8
"""Prompts behind an interval."""
LEVEL = 0.95
LARGEST = 1e100
"""A logged number beyond this counts as not measured: its square is none."""


class EstimateRow(TypedDict):
    """An estimate as JSON has it."""

    value: float
    low: float
    high: float
    units: int


class Estimate(NamedTuple):
    """A value with its 95 % interval over prompts."""

    value: float
    low: float
    high: float
    units: int  # prompts, or groups of them where there are more than GROUPS

    def row(self) -> EstimateRow:
        """As JSON has it."""
        return {"value": self.value, "low": self.low, "high": self.high, "units": self.units}

    @property
    def positive(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0

    @property
    def negative(self) -> bool:
        """Whether the interval lies below 0."""
        return self.high < 0


def jackknife(
    sums: FloatArray, statistic: Callable[[FloatArray], FloatArray], level: float = LEVEL
) -> Estimate | None:
    """A statistic of sums over all prompts, with its interval; None for fewer than FEWEST prompts.

    Args:
        sums: by prompt, (groups, ...); rows of zeros are no prompts.
        statistic: of sums over all prompts, (many, ...) -> (many,); NaN = it cannot be told.
        level: of the interval.
    """
    sums = sums[np.any(sums.reshape(len(sums), -1) != 0, axis=1)]
    many = len(sums)
    if many < FEWEST:
        return None
    total = sums.sum(axis=0)
    with np.errstate(all="ignore"):
        value = float(statistic(total[None])[0])
        left = statistic(total[None] - sums)
    if not (np.isfinite(value) and np.all(np.isfinite(left))):
        return None
    with np.errstate(all="ignore"):
        error = float(np.sqrt((many - 1) / many * np.sum((left - left.mean()) ** 2)))
    half = float(t_quantile(0.5 + level / 2, many - 1)) * error
    if not np.isfinite(half):
        return None
    return Estimate(value, value - half, value + half, many)
