"""Seeded runs for the benchmarks: KL at every step, gold at every fiftieth, peaks known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from analytics.simulated import (
    D_END,
    HONEST,
    OVEROPTIMISING,
    curve,
    gold_measurements,
    honest_curve,
    simulate,
)

GOLD_EVERY = 50
KINDS = (*OVEROPTIMISING, *HONEST)


def run_name(number: int) -> str:
    return f"run-{number:03d}"


def training_log(runs: int, steps: int, seed: int = 0) -> pl.DataFrame:
    """Rows of ``runs`` runs: kl, proxy_reward, response_length each step, gold_reward at times.

    Numbers have seven digits, as a trainer's float32 has.
    """
    frames = []
    for number in range(runs):
        rng = np.random.default_rng([seed, number])
        kind = KINDS[number % len(KINDS)]
        d = np.linspace(0, D_END, steps)
        if kind in OVEROPTIMISING:
            truth = curve(kind, d, D_END * rng.uniform(0.3, 0.8), rng)
        else:
            truth = honest_curve(kind, d, rng)
        gold = truth + 0.05 * rng.standard_normal(steps)
        evaluated = (np.arange(steps) + 1) % GOLD_EVERY == 0
        frames.append(
            pl.DataFrame(
                {
                    "run_id": pl.repeat(run_name(number), steps, eager=True),
                    "step": np.arange(1, steps + 1),
                    "kl": (d * (1 + 0.05 * rng.standard_normal(steps))) ** 2,
                    "proxy_reward": d / D_END + 0.1 * rng.standard_normal(steps),
                    "gold_reward": pl.Series(gold).set(pl.Series(~evaluated), None),
                    "response_length": 40 + 3 * d + rng.standard_normal(steps),
                }
            )
        )
    return pl.concat(frames).with_columns(pl.selectors.float().round_sig_figs(7))


def evaluations(runs: int, number: int) -> pl.DataFrame:
    """Rows of ``runs`` runs that hold ``number`` gold evaluations each, with standard errors."""
    frames = [
        gold_measurements(simulate(KINDS[i % len(KINDS)], "base_n20_s05", i))
        .select(
            pl.lit(run_name(i)).alias("run_id"),
            "step", "kl", "proxy_reward", "gold_reward", "gold_reward_se",
        )
        .slice(1, number)
        for i in range(runs)
    ]  # fmt: skip
    return pl.concat(frames)


def write(rows: pl.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        rows.write_csv(path)
    elif path.suffix == ".jsonl":
        rows.write_ndjson(path)
    else:
        rows.write_parquet(path)
    return path
