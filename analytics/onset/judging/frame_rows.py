"""A notebook's frame as rows under the monitor's names, or a sentence why it is not one run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import polars as pl

from analytics.computing.any_frame import AnyFrame, FrameError, numbers, whole_numbers, words
from analytics.wording import number

GOLD, KL, PROXY = "gold_reward", "kl", "proxy_reward"
_BESIDE = {
    GOLD: ("gold_reward_se", "gold_reward_sd", "n_responses", "n_prompts", "gold_source",
           "gold_kind", "gold_version"),
    KL: ("kl_conversion", "kl_estimator", "kl_logged_unit"),
    PROXY: ("proxy_reward_sd",),
}  # fmt: skip
"""Columns in the monitor's own words that belong to a column of its own name."""
_ANYWAY = (
    "run_id", "project", "trainer", "algorithm", "phase", "stretch", "response_length", "entropy",
    "clipped_share", "max_steps",
)  # fmt: skip
_TEXTS = (
    "run_id", "project", "trainer", "algorithm", "phase", "gold_source", "gold_kind",
    "gold_version", "kl_conversion", "kl_estimator", "kl_logged_unit",
)  # fmt: skip


def rows_of(door: AnyFrame, named: Mapping[str, str | float | None]) -> pl.DataFrame:
    """The columns of use under the monitor's names, as numbers and words, in the frame's order.

    named: our name -> the frame's column, one number for all rows, or None where there is none.

    Raises FrameError for a named column that is not there, and cells that are not of its kind.
    """
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


def one_run(door: AnyFrame, rows: pl.DataFrame) -> None:
    """Raise FrameError where the frame names several runs, with the code to judge each."""
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


def one_row_a_step(measured: pl.DataFrame, step: str) -> None:
    """Raise FrameError where gold has several rows to most steps, as responses or seeds have."""
    for part in measured.partition_by("source"):
        steps = part["step"].n_unique()
        if part.height > 2 * steps:
            raise FrameError(
                f"column {step!r} names {steps} steps in {part.height} rows of gold; expected one "
                "row a step. Average the responses of a step first (their mean, gold_sd and "
                "n_responses), and judge runs or seeds each by itself."
            )


def checked_counts(rows: pl.DataFrame, counted: Mapping[str, str | float | None]) -> pl.DataFrame:
    """The rows, without prompts that nothing is known of.

    Raises FrameError unless errors and counts are above 0 and prompts no more than responses.
    """
    gold = rows.filter(pl.col(GOLD).is_finite())
    for ours in (name for name in counted if name in rows.columns):
        named = counted[ours] if isinstance(counted[ours], str) else ours
        least = gold[ours].cast(pl.Float64).fill_nan(None).min()
        if isinstance(least, float) and (least < 0 or (ours.startswith("n_") and least == 0)):
            raise FrameError(f"{named!r} holds {number(least)}; expected numbers above 0.")
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
                f"{number(prompts)} prompts for {number(responses)} responses at step {step}: "
                "n_prompts counts distinct prompts, n_responses all responses to them."
            )
    return rows
