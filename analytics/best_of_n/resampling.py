"""Errors of a best-of-n curve, by resampling its prompts.

Points at different n come from the same samples, so their errors are strongly correlated; whole
prompts are drawn with replacement, and everything is computed anew from them. A curve is a mean
over prompts, so one table (prompts, n) and one table of weights (draws, prompts) say it all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.best_of_n.estimator import FloatArray
from analytics.computing.quantiles import normal_quantile, t_quantile

DRAWS = 2000
FEWEST_PROMPTS = 8
"""With fewer prompts no interval is given."""
MOST_DRAWN = 2000
"""With more prompts their means are as good as normal, and drawn so: it costs nothing."""
LEVEL = 0.90
ERROR = 0.05
POWER = 0.80


@dataclass(frozen=True)
class Shape:
    """Where gold is highest, and whether it falls after that, without a formula.

    best: position of the highest mean. low, high: first and last position at which the highest
    point may be (90 %). falls: gold falls somewhere along n (error at most 5 %, however many
    pairs of n are compared). fall: highest minus last; fall_low, fall_high: 90 %, corrected for
    having picked the highest point among several. detectable: the smallest fall between half of
    the largest KL and the end that would have been detected with 80 % power.
    """

    best: int
    low: int
    high: int
    falls: bool
    fall: float
    fall_low: float
    fall_high: float
    detectable: float


def weights(prompts: int, draws: int = DRAWS) -> FloatArray:
    """Shares of the prompts in each bootstrap draw, (draws, prompts), always the same."""
    random = np.random.default_rng([20221019, prompts])
    return np.asarray(random.multinomial(prompts, np.full(prompts, 1 / prompts), draws) / prompts)


def drawn_means(table: FloatArray) -> FloatArray:
    """Means of the columns over resampled prompts, (draws, K); always the same. table: (P, K)."""
    prompts = len(table)
    if prompts <= MOST_DRAWN:
        return weights(prompts) @ table
    values, vectors = np.linalg.eigh(np.cov(table.T) / prompts)
    random = np.random.default_rng([20221019, prompts])
    normal = random.standard_normal((DRAWS, table.shape[1]))
    return np.asarray(table.mean(axis=0) + normal @ (vectors * np.sqrt(np.maximum(values, 0.0))).T)


def band(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """90 % interval of each column's mean, pointwise: mean +- t(prompts - 1) standard errors.

    table: (P, K). NaN where there are fewer than FEWEST_PROMPTS prompts.
    """
    prompts = len(table)
    mean = table.mean(axis=0)
    if prompts < FEWEST_PROMPTS:
        nothing = np.full(mean.shape, np.nan)
        return nothing, nothing
    half = t_quantile(0.5 + LEVEL / 2, prompts - 1) * standard_error(table)
    return mean - half, mean + half


def standard_error(table: FloatArray) -> FloatArray:
    """Of each column's mean over prompts."""
    prompts = len(table)
    if prompts < 2:
        return np.full(table.shape[1], np.nan)
    return np.asarray(table.std(axis=0, ddof=1) / np.sqrt(prompts))


def shape(
    table: FloatArray, places: FloatArray, dealt: FloatArray | None = None
) -> Shape | None:  # fmt: skip
    """Where the mean of table (P, K) is highest and whether it falls; None with few prompts.

    places: (K,), increasing, the KL of each column, for ``detectable`` alone. All pairs of columns
    are compared by a studentised bootstrap over prompts: the highest point may be wherever no
    other column is higher beyond the 90 % quantile of the largest difference; gold falls where a
    later column is lower than an earlier one beyond the 95 % quantile. The null hypothesis is a
    curve that never falls; a flat one is the least favourable.

    dealt: (K, K), ``rare_gold.dealt_spread``: no difference of two columns has a smaller error than
    gold dealt out at random within each prompt would give it. A few prompts whose rare gold
    happens to be 0 at the largest n show no spread of their own.
    """
    prompts, count = table.shape
    if prompts < FEWEST_PROMPTS or count < 2:
        return None
    early, late = np.triu_indices(count, 1)
    apart = table[:, early] - table[:, late]
    mean, error = apart.mean(axis=0), standard_error(apart)
    least = np.zeros(len(error))
    if dealt is not None:
        own = np.diag(dealt)
        least = np.sqrt(np.maximum(own[early] + own[late] - 2 * dealt[early, late], 0))
    error = np.maximum(error, least)
    if prompts <= MOST_DRAWN:
        draw = weights(prompts)
        first = draw @ (apart - mean)
        second = draw @ (apart - mean) ** 2
        spread = np.sqrt(np.maximum(second - first**2, 0) / (prompts - 1))
    else:
        means = drawn_means(table) - table.mean(axis=0)
        first = means[:, early] - means[:, late]
        spread = np.broadcast_to(error, first.shape)
    moves = error > 0
    drawn = np.where(spread > 0, first / np.where(spread > 0, spread, 1.0), 0.0)[:, moves]
    size = mean[moves] / error[moves]
    if not size.size:
        return Shape(
            0,
            low=0,
            high=count - 1,
            falls=False,
            fall=0.0,
            fall_low=0.0,
            fall_high=0.0,
            detectable=0.0,
        )
    one_sided = float(np.quantile(drawn.max(axis=1), 1 - ERROR))
    either = float(np.quantile(np.abs(drawn).max(axis=1), LEVEL))
    best = int(np.argmax(table.mean(axis=0)))
    beaten = np.zeros(count, dtype=bool)
    beaten[late[moves][size > either]] = True
    beaten[early[moves][size < -either]] = True
    possible = np.flatnonzero(~beaten)
    to_end = late == count - 1
    # A simultaneous interval over all pairs stays one for the pair that was picked.
    pair = (early == best) & to_end
    fall = float(mean[pair][0]) if pair.any() else 0.0
    reach = either * (float(error[pair][0]) if pair.any() else 0.0)
    half = half_way(places)
    seen = float(error[(early == half) & to_end][0]) * (one_sided + float(normal_quantile(POWER)))
    return Shape(
        best, low=int(possible[0]), high=int(possible[-1]), falls=bool(np.any(size > one_sided)),
        fall=fall, fall_low=fall - reach, fall_high=fall + reach, detectable=seen,
    )  # fmt: skip


def half_way(places: FloatArray) -> int:
    """Position of the point that is nearest to half of the largest KL, never the last.

    >>> half_way(np.array([0.0, 1.0, 2.0, 4.0]))
    2
    """
    return min(int(np.argmin(np.abs(places - places[-1] / 2))), len(places) - 2)
