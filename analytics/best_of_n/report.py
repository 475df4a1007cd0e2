"""The best-of-n curve of one pool and one proxy, with everything that is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from analytics.best_of_n.estimator import (
    FloatArray,
    IntArray,
    best_of_n,
    best_of_n_kl_better,
    grid,
)
from analytics.best_of_n.fits import PoolFit, pool_fit
from analytics.best_of_n.pool import Pool
from analytics.best_of_n.rare_gold import dealt_spread, ends, rate_band
from analytics.best_of_n.resampling import FEWEST_PROMPTS, LEVEL, Shape, band, shape, standard_error
from analytics.best_of_n.win_rate import win_rate
from analytics.kl import best_of_n_chi2, best_of_n_kl

NOT_TIGHT = 0.02
"""The bound is called not tight where the better estimate is this share of it lower."""


@dataclass(frozen=True)
class Curve:
    """Best-of-n of one pool by one proxy.

    frame: one row an n: n, kl_bound, kl_better (nats per response; null without log-probabilities),
    sqrt_kl_bound, sqrt_kl_better, chi2 (without ties), gold_reward, gold_se, gold_low, gold_high,
    proxy_reward, proxy_se, proxy_low, proxy_high, win_rate (by gold, null for the largest n),
    win_rate_low, win_rate_high, win_rate_proxy, win_rate_most = n / (n + 1). Intervals are 90 %,
    null where there are too few prompts (gold of few values: Wilson's). kl: "bound" or "better",
    which the fits went by. proxy_mean, proxy_sd: of the proxy over the samples of the pool. pool:
    without its samples.
    """

    proxy: str
    pool: Pool
    frame: pl.DataFrame
    kl: str
    proxy_mean: float
    proxy_sd: float
    shape: Shape | None
    best_of_n: PoolFit | None
    rl: PoolFit | None

    @property
    def not_tight_from(self) -> int | None:
        """The first n at which the bound overstates the KL visibly; None where it does not."""
        rows = self.frame.filter(
            (pl.col("kl_bound") > 0) & (pl.col("kl_better") < (1 - NOT_TIGHT) * pl.col("kl_bound"))
        )
        return int(rows["n"][0]) if rows.height else None

    @property
    def axis_kl(self) -> FloatArray:
        """KL of each row that the fits went by, nats."""
        return np.asarray(self.frame[f"kl_{self.kl}"].to_numpy())

    def n_at(self, position: int) -> int:
        """The n of a row of frame."""
        return int(self.frame["n"][position])


def curve(pool: Pool, proxy: str, kl: str = "bound") -> Curve:
    """Compute a curve. kl: "bound", or "better" (the bound where it cannot be estimated).

    Raises KeyError where the pool has no such proxy.
    """
    sizes = grid(pool.largest)
    gold = pool.by_prompt(lambda c: best_of_n(c[proxy], c["gold_reward"], sizes))
    own = pool.by_prompt(lambda c: best_of_n(c[proxy], c[proxy], sizes))
    wins = pool.by_prompt(lambda c: win_rate(c[proxy], c["gold_reward"], sizes))
    wins_proxy = pool.by_prompt(lambda c: win_rate(c[proxy], c[proxy], sizes))
    bound = best_of_n_kl(sizes)
    better: FloatArray | None = None
    if pool.has_probability:
        better = pool.by_prompt(
            lambda c: best_of_n_kl_better(c[proxy], c["log_probability"], sizes)
        )
    scores = np.concatenate([block.columns[proxy].ravel() for block in pool.blocks])
    known = kl == "better" and better is not None
    axis = better if known and better is not None else bound
    dealt = dealt_spread(pool, proxy, sizes)
    frame = _frame(sizes, gold, own, wins, wins_proxy, bound, better)
    scale = ends(pool)
    if scale is not None and pool.prompts >= FEWEST_PROMPTS:
        low, high = rate_band(gold, np.diag(dealt), scale, LEVEL)
        frame = frame.with_columns(gold_low=low, gold_high=high)
    return Curve(
        proxy,
        pool=replace(pool, blocks=()),
        frame=frame,
        kl="better" if known else "bound",
        proxy_mean=float(np.mean(scores)),
        proxy_sd=float(np.std(scores)) or 1.0,
        shape=shape(gold, bound, dealt),
        best_of_n=pool_fit(gold, axis, "best_of_n"),
        rl=pool_fit(gold, axis, "rl"),
    )


def _frame(
    sizes: IntArray, gold: FloatArray, own: FloatArray, wins: FloatArray, wins_proxy: FloatArray,
    bound: FloatArray, better: FloatArray | None,
) -> pl.DataFrame:  # fmt: skip
    nothing = np.full(len(sizes), np.nan)
    measured = nothing if better is None else better.mean(axis=0)
    columns: Mapping[str, FloatArray] = {
        "kl_bound": bound,
        "kl_better": measured,
        "sqrt_kl_bound": np.sqrt(bound),
        "sqrt_kl_better": np.sqrt(measured),
        "chi2": best_of_n_chi2(sizes),
        **_with_band("gold", gold),
        **_with_band("proxy", own),
        "win_rate": wins.mean(axis=0),
        "win_rate_low": np.maximum(band(wins)[0], 0.0),
        "win_rate_high": np.minimum(band(wins)[1], 1.0),
        "win_rate_proxy": wins_proxy.mean(axis=0),
        "win_rate_most": sizes / (sizes + 1),
    }
    return pl.DataFrame({"n": sizes}).with_columns(
        pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in columns.items()
    )


def _with_band(name: str, table: FloatArray) -> dict[str, FloatArray]:
    low, high = band(table)
    return {
        f"{name}_reward": table.mean(axis=0),
        f"{name}_se": standard_error(table),
        f"{name}_low": low,
        f"{name}_high": high,
    }
