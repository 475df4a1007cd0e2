"""One run's frame, of any library, to its verdict: the door for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from analytics.any_frame import AnyFrame, FrameError, any_frame, numbers, whole_numbers, words
from analytics.onset.judged import Verdict
from analytics.onset.verdict_row import verdict

GOLD, KL, PROXY = "gold_reward", "kl", "proxy_reward"
PHASES = ("train", "eval")
GOLD_KINDS = ("score", "rate", "win_rate")
_CURVE_BINS = 256
_FIRST_ROWS = 8
"""Rows whose mean and spread stand for the start of the run."""
_BESIDE = {
    GOLD: ("gold_reward_se", "gold_reward_sd", "n_responses", "n_prompts", "gold_source",
           "gold_kind", "max_steps"),
    KL: ("kl_conversion", "kl_estimator", "kl_logged_unit"),
    PROXY: ("proxy_reward_sd",),
}  # fmt: skip
"""Columns in the monitor's own words that belong to a column of its own name."""
_ANYWAY = (
    "run_id", "project", "trainer", "algorithm", "phase", "stretch", "response_length", "entropy",
    "clipped_share",
)  # fmt: skip
_TEXTS = (
    "run_id", "project", "trainer", "algorithm", "phase", "gold_source", "gold_kind",
    "kl_conversion", "kl_estimator", "kl_logged_unit",
)  # fmt: skip
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

    The monitor's own columns are used where they are there and nothing else is named: beside
    `gold_reward` its `gold_reward_se`, `gold_reward_sd`, `n_responses`, `n_prompts`, `gold_source`;
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
    rows = _rows(door, {**named, **counted})
    _one_run(door, rows)
    rows = _checked(rows, counted)
    facts = _facts(rows, gold_kind, plan)
    measured = _gold(rows)
    _one_row_a_step(measured, step)
    way = _way(rows)
    facts["proxy_missing"] = not way[PROXY].is_finite().any()
    told = verdict(measured, way, {k: v for k, v in facts.items() if v is not None})
    if plan is not None and measured.height and not told.row["plan"]["stated"]:
        warnings.warn(
            f"{plan} evaluations are too few to plan for: judged as if unplanned", stacklevel=2
        )
    if (n_responses is not None or n_prompts is not None) and "gold_noise_unknown" in told.flags:
        warnings.warn(
            "n_responses and n_prompts say how noisy gold is only for a rate or beside gold_sd: "
            "gold's error was taken from its jumps. Name gold_se or gold_sd, or say "
            'gold_kind="rate" if gold is a share of trials.',
            stacklevel=2,
        )
    return Verdict(told.row, told.looks, _curve(way), _base(way))


def _rows(door: AnyFrame, named: Mapping[str, str | float | None]) -> pl.DataFrame:
    """The columns of use under the monitor's names, as numbers and words, in the frame's order."""
    columns, fixed = {}, {}
    for ours, theirs in named.items():
        if isinstance(theirs, str):
            # only KL and proxy may be absent, and only under the default name
            if theirs in door.names or theirs != ours or ours not in (KL, PROXY):
                columns[ours] = theirs
        elif theirs is not None:
            fixed[ours] = theirs
    beside = [*_ANYWAY, *(c for ours, more in _BESIDE.items() if named[ours] == ours for c in more)]
    columns |= {c: c for c in beside if c in door.names and c not in columns and c not in fixed}
    for theirs in columns.values():
        door.need(theirs)
    read = door.columns(list(columns.values()))
    rows = pl.DataFrame([_typed(read[theirs], ours) for ours, theirs in columns.items()])
    rows = rows.with_columns(pl.lit(value).alias(ours) for ours, value in fixed.items())
    _say_what_is_left_out(rows, columns)
    return rows.filter(pl.col("step").is_not_null())


def _typed(column: pl.Series, ours: str) -> pl.Series:
    if ours in ("step", "stretch"):
        return whole_numbers(column).alias(ours)
    return (words if ours in _TEXTS else numbers)(column).alias(ours)


def _say_what_is_left_out(rows: pl.DataFrame, columns: Mapping[str, str]) -> None:
    lost = rows["step"].null_count()
    if lost:
        warnings.warn(f"{lost} rows have no step and are left out", stacklevel=4)
    for ours in (GOLD, KL, PROXY):
        infinite = int(rows[ours].is_infinite().sum()) if ours in rows.columns else 0
        if infinite:
            warnings.warn(
                f"column {columns[ours]!r} holds {infinite} infinite values, taken as not measured",
                stacklevel=4,
            )


def _one_run(door: AnyFrame, rows: pl.DataFrame) -> None:
    if "run_id" not in rows.columns:
        return
    names = rows["run_id"].drop_nulls().unique().sort()
    if len(names) < 2:
        return
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    group = "for (run,), rows in frame.group_by('run_id')"
    if door.library == "pandas":
        group = "for run, rows in frame.groupby('run_id')"
    elif door.library == "polars" and door.lazy:
        group = group.replace("frame", "frame.collect()")
    elif door.library != "polars":
        group = group.replace("frame", "pl.DataFrame(frame)")
    raise FrameError(
        f"the frame holds {len(names)} runs ({listed}); judge each by itself: "
        f"{{run: judge(rows) {group}}}"
    )


def _one_row_a_step(measured: pl.DataFrame, step: str) -> None:
    for part in measured.partition_by("source"):
        steps = part["step"].n_unique()
        if part.height > 2 * steps:
            raise FrameError(
                f"column {step!r} names {steps} steps in {part.height} rows of gold; expected one "
                "row a step. Average the responses of a step first (their mean, gold_sd and "
                "n_responses), and judge runs or seeds each by itself."
            )


def _checked(rows: pl.DataFrame, counted: Mapping[str, str | float | None]) -> pl.DataFrame:
    """The rows; errors and counts are above 0, and prompts no more than responses."""
    gold = rows.filter(pl.col(GOLD).is_finite())
    for ours in (name for name in counted if name in rows.columns):
        named = counted[ours] if isinstance(counted[ours], str) else ours
        least = gold[ours].cast(pl.Float64).fill_nan(None).min()
        if isinstance(least, float) and (least < 0 or (ours.startswith("n_") and least == 0)):
            raise FrameError(f"{named!r} holds {least:g}; expected numbers above 0.")
    if "n_prompts" not in rows.columns:
        return rows
    gone = gold.height - gold["n_prompts"].cast(pl.Float64).fill_nan(None).count()
    if gone == gold.height:
        return rows.drop("n_prompts")
    if gone:
        raise FrameError(f"n_prompts is missing in {gone} of {gold.height} rows with gold.")
    if "n_responses" in rows.columns:
        odd = gold.filter(pl.col("n_prompts") > pl.col("n_responses"))
        for step, prompts, responses in odd.select("step", "n_prompts", "n_responses").rows()[:1]:
            raise FrameError(
                f"{prompts:g} prompts for {responses:g} responses at step {step}: n_prompts counts "
                "distinct prompts, n_responses all responses to them."
            )
    return rows


def _facts(rows: pl.DataFrame, gold_kind: str | None, plan: int | None) -> dict[str, Any]:
    if gold_kind is not None and gold_kind not in GOLD_KINDS:
        raise ValueError(f"there is no gold_kind {gold_kind!r}; there are: {', '.join(GOLD_KINDS)}")
    if plan is not None and (isinstance(plan, bool) or not isinstance(plan, int) or plan < 1):
        raise ValueError(f"plan is {plan!r}; expected the planned number of gold evaluations")
    facts: dict[str, Any] = {}
    for name in _SAID_ONCE:
        said = rows[name].drop_nulls().to_list() if name in rows.columns else []
        facts[name] = said[0] if said else None
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
