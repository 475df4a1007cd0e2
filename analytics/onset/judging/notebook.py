"""One run's frame, of any library, to its verdict: the door for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analytics.computing.any_frame import FrameError, any_frame
from analytics.onset.judging.frame_rows import (
    GOLD,
    KL,
    PROXY,
    checked_counts,
    one_row_a_step,
    one_run,
    rows_of,
)
from analytics.onset.judging.judged import Verdict
from analytics.onset.judging.verdict_row import verdict

PHASES = ("train", "eval")
GOLD_KINDS = ("score", "rate", "win_rate")
_CURVE_BINS = 256
_FIRST_ROWS = 8
"""Rows whose mean and spread stand for the start of the run."""
_SAID_ONCE = (
    "run_id", "project", "trainer", "algorithm", "gold_kind", "kl_conversion", "kl_estimator",
    "kl_logged_unit", "max_steps",
)  # fmt: skip
"""Facts of the run that a frame carries as constant columns."""


def judge(
    frame: Any,
    *,
    gold: str = GOLD,
    kl: str | None = KL,
    proxy: str | None = PROXY,
    gold_se: str | float | None = None,
    step: str = "step",
    n_responses: str | int | None = None,
    n_prompts: str | int | None = None,
    plan: int | None = None,
    gold_sd: str | float | None = None,
    gold_kind: str | None = None,
    checkpoints: Sequence[int] | None = None,
) -> Verdict:
    """Whether optimisation against the proxy has stopped paying in gold, from one run's frame.

    Args:
        frame: one row a step, in any order: Polars, pandas or PyArrow, eager or lazy, or a dict of
            lists. Rows without gold are the way of KL and proxy. Needed are gold and step.
        gold: column of the independent measure of the goal.
        kl: column of D_KL(policy ‖ initial policy), nats per response; None, or the default where
            there is no such column: the verdict runs over steps, flagged `kl_missing`.
        proxy: column of the reward that was optimised, before any KL penalty; None, or the default
            where there is no such column, is flagged `proxy_missing`.
        gold_se: standard error of gold, a column or one number; with it the rest is not needed.
        step: column of the optimiser's step.
        n_responses: responses behind each gold value, a column or one number. With gold_sd, and
            for rates, gold's error follows from it, if responses are independent of each other.
        n_prompts: prompts behind them, which then count in place of the responses: the error is
            an upper bound, whatever responses to one prompt have in common.
        plan: planned number of gold evaluations. The alarm's 5 % are then spent over these.
        gold_sd: standard deviation of gold between responses, a column or one number.
        gold_kind: "score", "rate" (a share of trials, 0 to 1 or percent) or "win_rate" (against
            the initial policy). None takes gold for a rate where every value is a whole number of
            n_responses, else for a score.
        checkpoints: steps at which a policy was saved. `.recommendation` names one of them where
            an alarm stands.

    The monitor's own columns are used where they are there and nothing else is named: beside
    `gold_reward` its `gold_reward_se`, `gold_reward_sd`, `n_responses`, `n_prompts`, `gold_source`,
    `gold_version`;
    `phase`, `stretch`, and what `data.runs_df` says of a run. Of several gold sources `evaluation`
    comes first, then `training`, then the others by name; they are never pooled.

    Raises FrameError for a column that is named and not there, cells that are no numbers, several
    runs in one frame, and several rows to most steps; ValueError for other arguments. Warns of
    rows without a step, infinities, and counts that tell nothing of gold's error.
    """
    door = any_frame(frame)
    if gold == proxy:
        raise ValueError(f"gold and proxy are both {gold!r}: gold is measured independently of it")
    named = {"step": step, GOLD: gold, KL: kl, PROXY: proxy}
    counted = {
        "gold_reward_se": gold_se, "gold_reward_sd": gold_sd, "n_responses": n_responses,
        "n_prompts": n_prompts,
    }  # fmt: skip
    rows = rows_of(door, {**named, **counted})
    one_run(door, rows)
    rows = checked_counts(rows, counted)
    facts = _facts(rows, gold_kind, plan)
    measured = _gold(rows)
    one_row_a_step(measured, step)
    way = _way(rows)
    facts["checkpoints"] = None if checkpoints is None else [int(step) for step in checkpoints]
    facts["proxy_missing"] = not way[PROXY].is_finite().any()
    made = verdict(measured, way, {k: v for k, v in facts.items() if v is not None})
    if plan is not None and measured.height and not made.row["plan"]["stated"]:
        warnings.warn(
            f"{plan} evaluations are too few to plan for: judged as if unplanned", stacklevel=2
        )
    if (n_responses is not None or n_prompts is not None) and "gold_noise_unknown" in made.flags:
        warnings.warn(
            "n_responses and n_prompts say how noisy gold is only for a rate or beside gold_sd: "
            "gold's error was taken from its jumps. Name gold_se or gold_sd, or say "
            'gold_kind="rate" if gold is a share of trials.',
            stacklevel=2,
        )
    return Verdict(made.row, made.looks, _curve(way), _base(way))


def _facts(rows: pl.DataFrame, gold_kind: str | None, plan: int | None) -> dict[str, Any]:
    if gold_kind is not None and gold_kind not in GOLD_KINDS:
        raise ValueError(f"there is no gold_kind {gold_kind!r}; there are: {', '.join(GOLD_KINDS)}")
    if plan is not None and (isinstance(plan, bool) or not isinstance(plan, int) or plan < 1):
        raise ValueError(f"plan is {plan!r}; expected the planned number of gold evaluations")
    facts: dict[str, Any] = {}
    for name in _SAID_ONCE:
        values = rows[name].drop_nulls().to_list() if name in rows.columns else []
        facts[name] = values[0] if values else None
    planned = facts["max_steps"]
    facts["max_steps"] = int(planned) if planned is not None and np.isfinite(planned) else None
    facts["gold_kind"] = gold_kind or facts["gold_kind"] or _kind(rows)
    facts["evaluations_planned"] = plan
    return facts


def _kind(rows: pl.DataFrame) -> str:
    """A rate where every gold value is a whole number of its responses: that is no chance."""
    counts = next((name for name in ("n_responses", "n_prompts") if name in rows.columns), None)
    if counts is None:
        return "score"
    known = rows.filter(pl.col(GOLD).is_finite() & pl.col(counts).is_finite())
    hits = known[GOLD] * known[counts]
    whole = (hits - hits.round()).abs() < 1e-6 * known[counts]
    share = known[GOLD].is_between(0, 1)
    return "rate" if known.height and whole.all() and share.all() else "score"


def _gold(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with gold, each with its source and all columns that `verdict` reads."""
    measured = rows.filter(pl.col(GOLD).is_not_null() & pl.col(GOLD).is_not_nan())
    source = pl.lit("table")
    if "phase" in rows.columns:
        phase = {"eval": "evaluation", "train": "training"}
        source = pl.col("phase").replace(phase).fill_null("table")
    if "gold_source" in rows.columns:
        source = pl.coalesce("gold_source", source)
    none = pl.lit(None, pl.Float64)
    return measured.with_columns(
        source.alias("source"),
        *(none.alias(c) for c in (KL, PROXY) if c not in rows.columns),
    )


def _way(rows: pl.DataFrame) -> pl.DataFrame:
    """The training rows, in step order: where the policy was, and what the optimiser saw."""
    if "phase" in rows.columns:
        odd = rows.filter(~pl.col("phase").is_in(PHASES))["phase"]
        if odd.len():
            raise FrameError(
                f"column 'phase' holds {odd[0]!r}; expected 'train' and 'eval': evaluations never "
                "mix with training rows. Rename or drop it if it means something else."
            )
        rows = rows.filter(pl.col("phase") == "train")
    none = pl.lit(None, pl.Float64)
    rows = rows.with_columns(none.alias(c) for c in (KL, PROXY) if c not in rows.columns)
    if "stretch" not in rows.columns:
        rows = rows.with_columns(stretch=pl.lit(0, pl.Int64))
    somewhere = pl.any_horizontal(pl.col(KL, PROXY).is_not_null())
    return rows.filter(somewhere).unique("step", keep="last", maintain_order=True).sort("step")


def _curve(way: pl.DataFrame) -> pl.DataFrame:
    """The training rows in at most 256 bins of consecutive rows, as the store bins them."""
    size = -(-way.height // _CURVE_BINS) or 1
    drawn = ("response_length", "entropy", "clipped_share")
    means = [c for c in (KL, PROXY, GOLD, *drawn) if c in way.columns]
    return (
        way.with_columns(pl.col(means).cast(pl.Float64).fill_nan(None))
        .group_by(pl.int_range(pl.len()).alias("bin") // size, maintain_order=True)
        .agg(
            pl.col("step").min().alias("step_start"),
            pl.col("step").max().alias("step_end"),
            pl.len().cast(pl.Int64).alias("n_rows"),
            pl.col(means).mean(),
            pl.col("stretch").min(),
        )
    )


def _base(way: pl.DataFrame) -> dict[str, float | None] | None:
    """Mean and spread of both rewards over the first rows, where the spreads are there."""
    if not {"proxy_reward_sd", "gold_reward_sd"} <= set(way.columns) or not way.height:
        return None
    first = way.head(_FIRST_ROWS)
    return first.select(
        pl.col(PROXY, GOLD).mean(),
        (pl.col("proxy_reward_sd", "gold_reward_sd") ** 2).mean().sqrt(),
    ).row(0, named=True)
