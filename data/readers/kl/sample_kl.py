"""KL from the samples: where each response has its log-probability under policy and reference.

The sum over a response of log p(policy) - log p(reference), averaged over responses, is k1: the
unbiased estimate of KL in nats per response, whatever the trainer logged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from data.columns import METRIC_COLUMNS, ReadOptions, RunFacts
from data.readers.kl.kl_table import PER_RESPONSE, UNITS
from data.readers.names.mapping import RUN_COLUMNS, Column
from data.words.wording import number

KEY = "logprob_policy - logprob_reference"
LIMIT = 3.0
"""Standard errors beyond which a logged KL and that of the samples disagree."""

SUMS = ("logprob_policy", "logprob_reference")
LONG, LEAST, LEAST_OF_REFERENCE = 20, 0.02, 0.1
"""Tokens of a response that is looked at, and nats a token below which no sum is believed.

A policy that has collapsed may write with less than LEAST, and then is far from its reference.
"""
LOOKED_AT = 4096
"""Responses that tell a median."""
_LENGTH = Column("n_tokens", keys=(
    "n_tokens", "token_count", "num_tokens", "tokens", "length_tokens", "len_tokens",
    *next(column.keys for column in RUN_COLUMNS if column.name == "response_length"),
))  # fmt: skip


def summed(samples: pl.DataFrame, options: ReadOptions) -> tuple[pl.DataFrame, str]:
    """Samples of whose log-probabilities a KL may be made, and what is said where it may not.

    Some log a mean per token, whose difference is no KL of a response. Nothing is converted, as
    text of very low entropy may look the same: such columns are kept as further numbers.
    ``--kl-unit nats`` states that they are sums.
    """
    if not set(SUMS) <= set(samples.columns) or UNITS.get(options.kl_unit or "") == UNITS["nats"]:
        return samples, ""
    key = _LENGTH.find(samples.columns)
    if key is not None and samples.schema[key].is_numeric():
        tokens, word = pl.col(key), "tokens"
    elif samples.schema.get("completion") == pl.String:
        tokens, word = pl.col("completion").str.count_matches(r"\S+"), "words"
    else:
        return samples, ""
    looked_at = samples.gather_every(max(1, samples.height // LOOKED_AT))
    long = looked_at.with_columns(tokens.alias("tokens")).filter(
        pl.col("tokens") >= LONG, *(pl.col(name).is_finite() for name in SUMS)
    )
    each = long.select(
        *((pl.col(name).abs() / pl.col("tokens")).median() for name in SUMS),
        logged=pl.col(SUMS[0]).median(), tokens=pl.col("tokens").cast(pl.Float64).median(),
    ).row(0, named=True)  # fmt: skip
    if long.is_empty() or each[SUMS[0]] >= LEAST or each[SUMS[1]] >= LEAST_OF_REFERENCE:
        return samples, ""
    renamed = {name: f"{name}_as_logged" for name in SUMS}
    if not set(renamed.values()).isdisjoint(samples.columns):
        return samples.drop(SUMS), _note(each, word)
    return samples.rename(renamed), _note(each, word)


def _note(each: dict[str, float], word: str) -> str:
    return (
        f"no KL is made of {SUMS[0]} and {SUMS[1]}: a median of {number(each['logged'])} at "
        f"{number(each['tokens'])} {word} looks like a mean per token; multiply both by the "
        "length, or log sums over the response (--kl-unit nats if they are sums)"
    )


def doubted(note: str, facts: RunFacts, warnings: list[str]) -> None:
    """Tell that no KL was made of log-probabilities; ``note`` is of ``summed``, or empty."""
    if not note:
        return
    warnings.append(note)
    if facts.kl_conversion == "missing":
        facts.kl_note = f"{facts.kl_note}; {note}" if facts.kl_note else f"KL is missing: {note}"


def measured(
    metrics: pl.DataFrame, samples: pl.DataFrame, facts: RunFacts, warnings: list[str]
) -> pl.DataFrame:
    """Metrics with the KL of the samples where the log has none, else a check of the logged one.

    Args:
        metrics: METRIC_COLUMNS (without run_id) and further ones.
        samples: SAMPLE_COLUMNS (without run_id) and further ones; may be empty.
        facts: says how KL is known afterwards.
        warnings: gets a sentence where logged and computed KL disagree.
    """
    by_step = _by_step(samples)
    if by_step.is_empty():
        return metrics
    if metrics.is_empty() or metrics.get_column("kl").null_count() == metrics.height:
        return _filled(metrics, by_step, facts, warnings)
    _compare(metrics, by_step, warnings)
    return metrics


def _by_step(samples: pl.DataFrame) -> pl.DataFrame:
    """Mean, standard error and number of the log-ratios of each (phase, step)."""
    if samples.is_empty() or not {"logprob_policy", "logprob_reference"} <= set(samples.columns):
        return pl.DataFrame()
    ratio = pl.col("logprob_policy") - pl.col("logprob_reference")
    return (
        samples.filter(ratio.is_finite() & (pl.col("phase") != "mixed"))
        .group_by("phase", "step")
        .agg(k1=ratio.mean(), se=ratio.std() / pl.len().sqrt(), n=pl.len())
        .sort("phase", "step", descending=[True, False])
    )


def _filled(
    metrics: pl.DataFrame, by_step: pl.DataFrame, facts: RunFacts, warnings: list[str]
) -> pl.DataFrame:
    before = facts.kl_note
    if before in warnings:
        warnings.remove(before)
    facts.kl_key, facts.kl_estimator, facts.kl_logged_unit = KEY, "k1", PER_RESPONSE
    facts.kl_reference, facts.kl_conversion = "initial_policy", "exact"
    facts.kl_note = "k1 per response, computed from the log-probabilities of the responses" + (
        f" ({before})" if before else ""
    )
    further = [name for name in metrics.columns if name not in METRIC_COLUMNS]
    order = [name for name in METRIC_COLUMNS if name != "run_id"] + further
    values = by_step.select("phase", "step", kl_new="k1", n_new=pl.col("n").cast(pl.Int64))
    known = metrics.drop("run_id", strict=False).join(values, on=["phase", "step"], how="left")
    known = known.with_columns(kl="kl_new")
    new = values.join(metrics, on=["phase", "step"], how="anti").select(
        "phase", "step", kl="kl_new", n_responses="n_new", stretch=pl.lit(0, pl.Int32)
    )
    both = pl.concat([known.drop("kl_new", "n_new"), new], how="diagonal")
    return both.select(order).sort("phase", "step", descending=[True, False])


def _compare(metrics: pl.DataFrame, by_step: pl.DataFrame, warnings: list[str]) -> None:
    rows = by_step.join(
        metrics.select("phase", "step", "kl").drop_nulls("kl"), on=["phase", "step"]
    ).filter((pl.col("n") > 1) & (pl.col("se") > 0))
    off = (pl.col("kl") - pl.col("k1")).abs() / pl.col("se")
    apart = rows.with_columns(off=off).filter(pl.col("off") > LIMIT).sort("off", descending=True)
    if apart.is_empty():
        return
    step, logged, k1, se = _values(apart.row(0, named=True), ("step", "kl", "k1", "se"))
    warnings.append(
        f"the logged KL and that of the responses (k1 of their log-probabilities) differ by more "
        f"than {number(LIMIT)} standard errors at {apart.height} of {rows.height} steps: at step "
        f"{int(step):,} logged {number(logged)}, samples {number(k1)} ± {number(se, 2)} nats per "
        "response"
    )


def _values(row: dict[str, object], names: Sequence[str]) -> list[float]:
    return [
        float(value) if isinstance(value := row[name], (int, float)) else math.nan for name in names
    ]
