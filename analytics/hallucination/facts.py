"""Facts counted in training responses: the share that is wrong, beside gold and proxy reward.

A trainer's reward function may count the facts that a response states and how many are wrong
(`n_fact`, `n_wrong`; `n_claims`, `n_true`), or log a `hallucination_rate` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from analytics.wording import alike, count, fixed, rate_text, whole

MOST_POINTS = 20


def pooled_facts(steps: pl.DataFrame, most: int = MOST_POINTS) -> pl.DataFrame:
    """Wrong among stated facts, consecutive steps pooled.

    Args:
        steps: of one run: phase, step, responses, stated, wrong (counts, null = not counted),
            rate_logged, stated_squares, cross, wrong_squares (sums over the step's responses),
            kl; as the query fact_rates gives them. Only the phase "train" is read.
        most: points.

    Returns:
        iteration (the last step of a point), steps, n (stated facts, null where only a rate was
        logged), wrong, rate, low, high (95 %; steps as clusters with Student's quantile where a
        point holds several, responses as clusters else; null where neither is known),
        rate_logged (mean), facts_per_response, kl. `rate` is the counted one, else the logged.
    """
    train = steps.filter(pl.col("phase") == "train").sort("step")
    place = pl.int_range(pl.len()) * pl.min_horizontal(most, pl.len()) // pl.len()
    sums = train.with_columns(bin=place).group_by("bin").agg(
        iteration=pl.col("step").max(), steps=pl.len().cast(pl.Int64),
        responses=pl.col("responses").sum(), n=pl.col("stated").sum(), wrong=pl.col("wrong").sum(),
        counted=pl.col("stated").count().cast(pl.Int64),
        own=(pl.col("stated").cast(pl.Float64) ** 2).sum(),
        mixed=(pl.col("stated") * pl.col("wrong").cast(pl.Float64)).sum(),
        squares=(pl.col("wrong").cast(pl.Float64) ** 2).sum(),
        stated_squares=pl.col("stated_squares").sum(), cross=pl.col("cross").sum(),
        wrong_squares=pl.col("wrong_squares").sum(),
        rate_logged=pl.col("rate_logged").mean(),
        logged_se=pl.col("rate_logged").std() / pl.col("rate_logged").count().sqrt(),
        kl=pl.col("kl").mean(),
    ).sort("bin")  # fmt: skip

    def column(name: str) -> np.ndarray:
        return sums[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    n, x, k = column("n"), column("wrong"), column("counted")
    some = n > 0
    p = np.divide(x, n, out=np.full(len(n), np.nan), where=some)
    between = column("squares") - 2 * p * column("mixed") + p**2 * column("own")
    within = column("wrong_squares") - 2 * p * column("cross") + p**2 * column("stated_squares")
    factor = np.divide(k, k - 1, out=np.ones(len(k)), where=k > 1)
    variance = np.where(k > 1, np.maximum(between, 0) * factor, np.maximum(within, 0))
    se = np.sqrt(np.divide(variance, n**2, out=np.full(len(n), np.nan), where=some))
    quantile = np.where(k > 1, special.stdtrit(np.maximum(k - 1, 1), 0.975), 1.959964)
    rate = np.where(some, p, column("rate_logged"))
    degrees = np.maximum(column("steps") - 1, 1)
    se = np.where(some, se, column("logged_se"))
    quantile = np.where(some, quantile, special.stdtrit(degrees, 0.975))
    half = quantile * se
    return sums.select(
        "iteration", "steps",
        n=pl.when(pl.col("n") > 0).then("n"), wrong=pl.when(pl.col("n") > 0).then("wrong"),
        rate=pl.Series(rate), low=pl.Series(np.clip(rate - half, 0, 1)),
        high=pl.Series(np.clip(rate + half, 0, 1)), rate_logged=pl.col("rate_logged"),
        facts_per_response=pl.when(pl.col("responses") > 0)
        .then(pl.col("n") / pl.col("responses")), kl=pl.col("kl"),
    ).with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip


ORIGIN = "training_responses"
"""Origin of facts in the rows of `hallucination --json`: never pooled with graded answers."""


def fact_rows(facts: pl.DataFrame, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Pooled facts as rows of `hallucination --json`: n counts stated facts.

    Args:
        facts: of one run, as `pooled_facts` gives them; iteration is the last step of a point.
        keys: of the rows of graded answers; those that facts do not have are null.
    """
    rows = []
    for row in facts.iter_rows(named=True):
        counted = row["n"] is not None
        fact_row = dict.fromkeys(keys) | {
            "iteration": row["iteration"], "origin": ORIGIN, "level": "total",
            "n": row["n"], "incorrect": row["wrong"],
            "correct": row["n"] - row["wrong"] if counted else None,
            "not_attempted": 0 if counted else None, "rate": row["rate"], "low": row["low"],
            "high": row["high"], "rate_of_attempted": row["rate"] if counted else None,
            "interval": "steps as clusters" if row["steps"] > 1 else "responses as clusters",
            "rate_logged": row["rate_logged"], "steps": row["steps"], "kl": row["kl"],
        }  # fmt: skip
        rows.append(fact_row)
    return rows


def facts_sentence(facts: pl.DataFrame, gold: pl.DataFrame, verdict: Mapping[str, Any]) -> str:
    """How the share of wrong facts moved while gold did, and what that says of an onset.

    Args:
        facts: as `pooled_facts` gives them.
        gold: iteration and gold_reward of the same run, in order (may be empty).
        verdict: the run's verdict; its status decides whether gold is said to have fallen.
    """
    known = facts.drop_nulls("rate")
    if known.height < 2:
        return "Too few steps with counted facts to say how their share of wrong ones moved."
    first, last = known.row(0, named=True), known.row(-1, named=True)
    sentence = (
        f"The share of wrong facts {_moved(first['rate'], last['rate'])} from "
        f"{rate_text(first['rate'])} (up to step {whole(first['iteration'])}) to "
        f"{rate_text(last['rate'])} (the last {count(last['steps'], 'logged step')})"
    )
    if first["facts_per_response"] and last["facts_per_response"]:
        sentence += (
            f", while responses went from {fixed(first['facts_per_response'], 1)} to "
            f"{fixed(last['facts_per_response'], 1)} stated facts"
        )
    measured = gold.drop_nulls("gold_reward")
    if measured.height < 2:
        return f"{sentence}. No gold reward was measured beside it."
    best = measured.row(int(measured["gold_reward"].arg_max() or 0), named=True)
    end = measured.row(-1, named=True)
    if verdict.get("status") in ("overoptimized", "collapsed"):
        high, low = alike(best["gold_reward"], end["gold_reward"])
        sentence += f". Gold fell from {high} at step {whole(best['iteration'])} to {low}"
        if last["rate"] < first["rate"]:
            return f"{sentence}: fewer wrong facts did not mean a better model."
    return f"{sentence}. The verdict goes by gold: this rate alone is no sign of an onset."


def _moved(before: float, now: float) -> str:
    if round(before, 3) == round(now, 3):
        return "did not move, it went"
    return "rose" if now > before else "fell"
