"""What stands beside a rate on its axis: KL and rewards of the same models, and arms of loops."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy import special

from analytics.rates import FloatArray

MOST_POINTS = 40
"""Rows of a trainer's log are pooled into at most so many points."""


def with_kl(rates: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """Rates with the KL of the model that answered: the last row logged up to its iteration.

    Args:
        rates: loop, iteration and more.
        metrics: run_id, step, kl (nats per response), phase.

    Returns:
        The same rows in the same order, with kl (null = not measured).
    """
    logged = (
        metrics.filter(pl.col("phase") == "train")
        .select(pl.col("run_id").alias("loop"), pl.col("step").alias("iteration"), "kl")
        .drop_nulls("kl")
        .sort("iteration")
    )
    placed = rates.with_row_index("place").sort("iteration")
    found = placed.join_asof(logged, on="iteration", by="loop", check_sortedness=False)
    return found.sort("place").drop("place")


def rewards(metrics: pl.DataFrame, most: int = MOST_POINTS) -> pl.DataFrame:
    """Rewards and KL by iteration (or step) of each loop, neighbouring rows pooled.

    Args:
        metrics: run_id, phase, step, kl, proxy_reward, gold_reward, gold_reward_sd,
            gold_reward_se, n_responses; evaluations are left out.
        most: points a loop; pooled rows are averaged, and their spread gives the interval.

    Returns:
        line (run_id), iteration (the last step of a point), rows, kl, proxy_reward,
        gold_reward, gold_low, gold_high (95 %, normal; null where the log gives no spread).
    """
    own = pl.coalesce("gold_reward_se", pl.col("gold_reward_sd") / pl.col("n_responses").sqrt())
    finite = [pl.when(pl.col(c).is_finite()).then(c).alias(c)
              for c in ("kl", "proxy_reward", "gold_reward")]  # fmt: skip
    train = metrics.filter(pl.col("phase") == "train").sort("run_id", "step")
    binned = train.with_columns(*finite, own=own).with_columns(
        bin=(pl.int_range(pl.len()) * pl.min_horizontal(most, pl.len()) // pl.len()).over("run_id")
    )
    gold = pl.col("gold_reward")
    pooled = binned.group_by("run_id", "bin").agg(
        iteration=pl.col("step").max(), rows=pl.len(),
        kl=pl.col("kl").mean(), proxy_reward=pl.col("proxy_reward").mean(), gold=gold.mean(),
        se=pl.when(gold.count() > 1).then(gold.std() / gold.count().sqrt())
        .otherwise(pl.col("own").first()),
    )  # fmt: skip
    half = 1.959964 * pl.col("se")
    return (
        pooled.sort("run_id", "bin")
        .select(
            pl.col("run_id").alias("line"), "iteration", pl.col("rows").cast(pl.Int64), "kl",
            "proxy_reward", pl.col("gold").alias("gold_reward"),
            gold_low=pl.col("gold") - half, gold_high=pl.col("gold") + half,
        )
    )  # fmt: skip


def by_arm(rates: pl.DataFrame, arms: Mapping[str, str]) -> pl.DataFrame:
    """Rates averaged over the loops of each arm; the interval has the loops as its n.

    Args:
        rates: totals with loop, iteration, origin, n, kl and shares.
        arms: loop to arm.

    Returns:
        line (arm), iteration, origin, loops, n (answers), kl, and of rate, rate_of_attempted,
        confident: the mean and its interval (Student, 95 %; null with one loop), of
        not_attempted_rate and malformed_rate the mean.
    """
    intervals = {
        "rate": ("low", "high"), "rate_of_attempted": ("attempted_low", "attempted_high"),
        "confident": ("confident_low", "confident_high"),
    }  # fmt: skip
    means = ("not_attempted_rate", "malformed_rate", "confident_malformed_rate")
    named = rates.with_columns(line=pl.col("loop").replace_strict(arms, default=pl.col("loop")))
    pooled = (
        named.group_by("line", "iteration", "origin")
        .agg(
            *[pl.col(name).mean() for name in (*intervals, *means)],
            *[(pl.col(name).std() / pl.len().sqrt()).alias(f"{name}_se") for name in intervals],
            loops=pl.len().cast(pl.Int64), n=pl.col("n").sum(), kl=pl.col("kl").mean(),
        )
        .sort("line", "origin", "iteration")
    )  # fmt: skip
    quantile = _student(pooled["loops"].to_numpy().astype(np.float64))
    for name, (low, high) in intervals.items():
        half = pl.Series(quantile) * pooled[f"{name}_se"]
        pooled = pooled.with_columns(
            (pl.col(name) - half).clip(0).fill_nan(None).alias(low),
            (pl.col(name) + half).clip(0, 1).fill_nan(None).alias(high),
        ).drop(f"{name}_se")
    return pooled


def _student(loops: FloatArray) -> FloatArray:
    """97.5 % quantile of Student's t with loops - 1 degrees of freedom; NaN with one loop."""
    degrees = np.where(loops > 1, loops - 1, np.nan)
    return np.asarray(special.stdtrit(degrees, 0.975))
