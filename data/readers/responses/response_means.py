"""Mean proxy and gold of each step, made of the responses of a table that has nothing else."""

from __future__ import annotations

import polars as pl

from data.columns import METRIC_COLUMNS, RunFacts
from data.readers.files.completions import declared
from data.readers.names.mapping import gold_kind_of
from data.readers.responses.scored_responses import Scored

OF_RESPONSES = "table of responses"
"""Source of the gold that a table of responses holds: their mean, where no curve is logged."""


def with_proxy(metrics: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Metrics with the mean proxy of each step's responses, its spread, and how many there are.

    Args:
        metrics: METRIC_COLUMNS (without run_id), none with a proxy; may be empty.
        samples: SAMPLE_COLUMNS (without run_id) and further ones; may be empty.
    """
    if "proxy_reward" not in samples.columns:
        return metrics
    known = samples.filter(pl.col("proxy_reward").is_not_null() & (pl.col("phase") != "mixed"))
    if known.is_empty():
        return metrics
    proxy = pl.col("proxy_reward")
    means = known.group_by("phase", "step").agg(
        proxy.mean(), proxy.std().alias("proxy_reward_sd"),
        pl.len().cast(pl.Int64).alias("n_responses"), pl.lit(0, pl.Int32).alias("stretch"),
    )  # fmt: skip
    made = ["proxy_reward", "proxy_reward_sd", "n_responses"]
    joined = metrics.drop(made).join(
        means, on=["phase", "step"], how="full", coalesce=True, suffix="_new"
    )
    joined = joined.with_columns(pl.coalesce("stretch", "stretch_new").alias("stretch"))
    return joined.select(metrics.columns).sort("phase", "step", descending=[True, False])


def with_golds(
    metrics: pl.DataFrame, part: pl.DataFrame, scored: Scored, facts: RunFacts
) -> pl.DataFrame:
    """Metrics with the mean gold of each step's responses by each source that is named."""
    if scored.golds is None:
        return _with_gold(metrics, part, facts, OF_RESPONSES)
    found: list[pl.DataFrame] = []
    for source, rows in scored.golds.items():
        own = metrics if not found else metrics.clear()
        found.append(_with_gold(own, keyed(rows, []), facts, source or OF_RESPONSES))
    return pl.concat(found, how="diagonal_relaxed")


def _with_gold(
    metrics: pl.DataFrame, samples: pl.DataFrame, facts: RunFacts, source: str
) -> pl.DataFrame:
    """Metrics with the mean gold of each step's responses, as a measure of its own.

    The standard error allows for responses to one prompt being alike.
    """
    known = samples.filter(
        pl.col("gold_reward").is_not_null() & ~pl.col("phase").is_in(["mixed"])
    ).with_columns(prompt=pl.coalesce("prompt_id", pl.col("sample_id").cast(pl.String)))
    if known.is_empty():
        return metrics
    step, gold = ["phase", "step"], pl.col("gold_reward")
    off = (gold - gold.mean().over(step)).alias("off")
    by_prompt = known.with_columns(off).group_by(*step, "prompt").agg(pl.col("off").sum())
    prompts = pl.len().cast(pl.Float64)
    spread = (pl.col("off") ** 2).sum() * prompts / (prompts - 1)
    # a store that an earlier program filled has no prompts beside gold that nobody is named for
    asked = pl.len().cast(pl.Int64) if source != OF_RESPONSES else pl.lit(None, pl.Int64)
    clustered = by_prompt.group_by(step).agg(
        pl.when(pl.len() > 1).then(spread.sqrt()).alias("spread"), asked.alias("n_prompts")
    )
    means = known.group_by(step).agg(
        gold.mean(), gold.std().alias("gold_reward_sd"),
        pl.len().cast(pl.Int64).alias("n_responses"),
    ).join(clustered, on=step)  # fmt: skip
    means = means.with_columns(
        (pl.col("spread") / pl.col("n_responses")).alias("gold_reward_se"),
        pl.lit(0, pl.Int32).alias("stretch"), pl.lit(source).alias("gold_source"),
    ).drop("spread")  # fmt: skip
    low, high = known.select(gold.min().alias("low"), gold.max().alias("high")).row(0)
    facts.gold_kind = gold_kind_of(facts.gold_key or "gold_reward", low, high)
    joined = metrics.drop("n_responses", "n_prompts").join(
        means.drop("stretch"), on=step, how="full", coalesce=True, suffix="_of_responses"
    )
    joined = joined.with_columns(
        gold_reward=pl.col("gold_reward_of_responses"),
        gold_reward_sd=pl.col("gold_reward_sd_of_responses"),
        gold_reward_se=pl.col("gold_reward_se_of_responses"),
        stretch=pl.col("stretch").fill_null(0),
    )
    order = [c for c in METRIC_COLUMNS if c != "run_id"]
    return joined.select(*order, "gold_source").sort("phase", "step", descending=[True, False])


def keyed(samples: pl.DataFrame, warnings: list[str]) -> pl.DataFrame:
    """Samples with a sample_id, and each key (phase, step, prompt_id, sample_id) once."""
    group = ["phase", "step", "prompt_id"]
    if "sample_id" not in samples.columns:
        samples = samples.with_columns(sample_id=pl.int_range(pl.len()).over(group))
    samples = declared(samples)
    once = samples.unique([*group, "sample_id"], keep="last", maintain_order=True)
    if once.height < samples.height:
        warnings.append(
            f"{samples.height - once.height} responses repeat a (step, prompt_id, sample_id); the "
            "last of each is kept"
        )
    return once
