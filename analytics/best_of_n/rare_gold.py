"""Errors of a best-of-n curve whose gold is 0 or 1, or has few values, and most prompts have one.

The spread over prompts says too little there: at the largest n a prompt gives one response, and
where none of 16 is good it would be 0. What is known besides is how much gold varies within each
prompt: were it dealt out at random among the prompt's responses, every weighted mean of them would
have a spread that follows from its weights alone.
"""

from __future__ import annotations

import numpy as np

from analytics.best_of_n.estimator import FloatArray, IntArray, Ranked, selection
from analytics.best_of_n.pool import Pool
from analytics.computing.quantiles import t_quantile

FEW_VALUES = 11
"""A scale of at most so many values has ends that a mean cannot pass."""


def dealt_spread(pool: Pool, proxy: str, sizes: IntArray) -> FloatArray:
    """Products (K, K) of the curve's points, were gold dealt out within each prompt.

    The variance of point i minus point j is then D_ii + D_jj - 2 D_ij. Where gold is 0 or 1 and
    rises along the proxy, the spread of a response is taken at its place: g(1 - g), g the share
    that rises with the place (isotonic) — the null hypothesis is a curve that never falls.

    Source: variance of a weighted sum under permutation, Hoeffding 1951; a test's spread under its
    null hypothesis, as in a score test.
    """
    total = np.zeros((len(sizes), len(sizes)))
    for block in pool.blocks:
        ranked = Ranked(block.columns[proxy])
        gold = ranked.mean_over_ties(ranked.sorted(block.columns["gold_reward"]))
        raw = ranked.sorted(block.columns["gold_reward"])
        within = raw.var(axis=1, ddof=1)
        place = np.sqrt(_relative(gold, raw))
        weights = selection(ranked.samples, sizes)
        if np.all(ranked.first == ranked.last):
            scaled = weights * place[:, None]
            total += within.sum() * (scaled.T @ scaled)
            continue
        sums = np.vstack([np.zeros(len(sizes)), np.cumsum(weights, axis=0)])
        for first, last, spread in zip(ranked.first, ranked.last, within, strict=True):
            tied = (sums[last + 1] - sums[first]) / (last - first + 1)[:, None] * place[:, None]
            total += spread * (tied.T @ tied)
    return total / pool.prompts**2


def _relative(mean: FloatArray, raw: FloatArray) -> FloatArray:
    """Variance of a response by its place over that of all; 1 where gold has other values."""
    values = np.unique(raw)
    if len(values) != 2:
        return np.ones(raw.shape[1])
    share = (mean - values[0]) / (values[1] - values[0])
    from scipy import optimize  # 20 MB, which few pages need

    rising = optimize.isotonic_regression(share.mean(axis=0)).x
    overall = share.mean()
    return np.asarray(rising * (1 - rising) / (overall * (1 - overall)))


def ends(pool: Pool) -> tuple[float, float] | None:
    """The ends of gold's scale, where it has few values; None where it has many, or one."""
    found: set[float] = set()
    for block in pool.blocks:
        found |= set(np.unique(block.columns["gold_reward"])[: FEW_VALUES + 1].tolist())
    return (min(found), max(found)) if 2 <= len(found) <= FEW_VALUES else None


def rate_band(
    table: FloatArray, spread: FloatArray, scale: tuple[float, float], level: float
) -> tuple[FloatArray, FloatArray]:
    """Interval of each column's mean on a scale with ends: Wilson's, with t for few prompts.

    table: (P, K), by prompt. spread: (K,), variance of each mean at least, as ``dealt_spread``
    has it on its diagonal. scale: the ends of gold. The trials are those that a binomial of the
    larger variance would have; where nothing or everything is good, as many as there are prompts.
    """
    prompts = len(table)
    low, high = scale
    rate = np.clip((table.mean(axis=0) - low) / (high - low), 0, 1)
    own = table.var(axis=0, ddof=1) / prompts
    variance = np.maximum(own, spread) / (high - low) ** 2
    top = rate * (1 - rate)
    trials = np.where(
        (top > 0) & (variance > 0), top / np.where(variance > 0, variance, 1), prompts
    )
    trials = np.maximum(trials, 1.0)
    z2 = t_quantile(0.5 + level / 2, _freedom(table)) ** 2
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (top / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    bottom, end = np.maximum(centre - half, 0), np.minimum(centre + half, 1)
    return low + (high - low) * bottom, low + (high - low) * end


def _freedom(table: FloatArray) -> FloatArray:
    """Degrees of freedom of each column's spread: few, where it comes from a few prompts.

    P - 1 for normal prompts; from the fourth moment (Satterthwaite 1946) where they are not.
    """
    apart = table - table.mean(axis=0)
    second, fourth = (apart**2).sum(axis=0), (apart**4).sum(axis=0)
    effective = np.where(fourth > 0, 3 * second**2 / np.where(fourth > 0, fourth, 1), len(table))
    return np.asarray(np.clip(effective - 1, 2, len(table) - 1))
