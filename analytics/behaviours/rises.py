"""Whether the rate of a rare behaviour moves over steps: an exact trend test, made wider where
the steps scatter more than trajectories that have nothing to do with each other would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from analytics.hallucination.trend import cochran_armitage
from analytics.rates import FloatArray

GRID = 120
"""Steps are placed on so many whole numbers: coarse enough to count sums, finer than any log."""
MOST_COUNTED = 2000
"""Hits up to which their places are counted out; beyond, the normal curve is the same."""


ODD = 0.01
"""So improbable must the scatter of one environment be for its own to count instead of all's."""


@dataclass(frozen=True)
class Series:
    """Trajectories looked at in one environment, and those with the behaviour, by step."""

    seen: FloatArray
    n: FloatArray
    steps: FloatArray


@dataclass(frozen=True)
class Moved:
    """A trend over steps: p two-sided (NaN = cannot be told), the sign of `z` its direction.

    `scatter` is how much more the steps vary than independent trajectories do: 1 = no more.
    """

    z: float
    p: float
    scatter: float


def moved(environments: Sequence[Series]) -> list[Moved]:
    """Whether a behaviour's rate rises or falls over steps, in each environment by itself.

    The p-value is the larger of two: an exact one for independent trajectories (where do the hits
    lie among the steps, given how many there are), and that of Cochran and Armitage's z divided
    by the square root of the scatter. Rare hits need the first, prompts that a step's
    trajectories share the second. The scatter is that of all environments together, since a
    single one cannot tell it; where one scatters beyond that (p below ODD), its own.

    Source: Armitage 1955, Biometrics 11:375; for the scatter McCullagh and Nelder 1989,
    Generalized Linear Models, section 4.5.

    >>> told, = moved([series([1, 0, 1, 0, 5, 6], [100] * 6, [0, 10, 20, 30, 40, 50])])
    >>> told.z > 0, round(told.p, 4), round(told.scatter, 2)
    (True, 0.0153, 1.74)
    """
    excesses = [_excess(one) for one in environments]
    freedom = sum(df for _, df in excesses)
    common = max(1.0, sum(excess for excess, _ in excesses) / freedom) if freedom else 1.0
    return [
        _moved(one, _own(excess, df, common))
        for one, (excess, df) in zip(environments, excesses, strict=True)
    ]


def series(seen: npt.ArrayLike, n: npt.ArrayLike, steps: npt.ArrayLike) -> Series:
    """Counts by step, of any kind that NumPy takes; steps at which nothing was looked at go."""
    x, size, at = (np.asarray(values, dtype=np.float64) for values in (seen, n, steps))
    return Series(x[size > 0], size[size > 0], at[size > 0])


def _moved(one: Series, scatter: float) -> Moved:
    trend = cochran_armitage(one.seen, one.n, one.steps)
    if not np.isfinite(trend.z):
        return Moved(float("nan"), float("nan"), scatter)
    wide = float(2 * special.ndtr(-abs(trend.z) / np.sqrt(scatter))) if scatter > 1 else 0.0
    return Moved(trend.z, max(wide, _exact(one.seen, one.n, one.steps)), scatter)


def _own(excess: float, df: int, common: float) -> float:
    if df and special.chdtrc(df, excess / common) < ODD:
        return excess / df
    return common


def _excess(one: Series) -> tuple[float, int]:
    """Pearson's sum of squares of the steps about a straight line, and its degrees of freedom.

    Fewer than four steps, or no hit, cannot tell it: none.
    """
    x, size, at = one.seen, one.n, one.steps
    total = size.sum()
    if len(x) < 4 or not 0 < x.sum() < total:
        return 0.0, 0
    mean = x.sum() / total
    centre = at - (size * at).sum() / total
    slope = (centre * x).sum() / (size * centre**2).sum()
    expected = np.clip(mean + slope * centre, mean / 10, 1 - (1 - mean) / 10)
    squares = (x - size * expected) ** 2 / (size * expected * (1 - expected))
    return float(squares.sum()), len(x) - 2


def _exact(x: FloatArray, size: FloatArray, at: FloatArray) -> float:
    """Two-sided p of the sum of the hits' places, each hit as likely in any trajectory.

    Places are drawn with replacement, which is wider than without: p is not too small. Of a
    behaviour that most trajectories show, those without it are counted.
    """
    if x.sum() > size.sum() / 2:
        x = size - x
    hits = round(float(x.sum()))
    span = float(at.max() - at.min())
    places = np.rint((at - at.min()) / span * GRID).astype(int)
    if hits > MOST_COUNTED:
        return float(2 * special.ndtr(-abs(cochran_armitage(x, size, at).z)))
    one = np.bincount(places, weights=size, minlength=GRID + 1) / size.sum()
    from scipy import fft  # which few pages need

    length = fft.next_fast_len(hits * GRID + 1, real=True)
    sums = np.clip(fft.irfft(fft.rfft(one, length) ** hits, length), 0.0, None)
    here = round(float((places * x).sum()))
    tails = sums[here:].sum(), sums[: here + 1].sum()
    return float(min(1.0, 2 * max(min(tails), 1e-12)))
