"""The rows of a plain table in the order of its steps, each (run, phase, step) once."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_PLACE, _EVAL, _ROW = " place", " eval", " row"  # helping columns, gone again at the end


def in_order(
    rows: pl.DataFrame, has_steps: bool, kl: str
) -> tuple[pl.DataFrame, dict[str, int], dict[str, int], dict[str, int]]:
    """Rows run by run in order of first appearance, training first, steps ascending and once.

    The rows of one step become one, as in the store (``merged``). With a column ``gold_source``
    two measures of gold at one step are two rows, not one logged twice.

    Args:
        rows: run_id, phase, step and further columns.
        has_steps: without, the rows of a run are numbered from 0 as they stand.
        kl: name of the column of the KL as logged.

    Returns the rows, how many each run had before, and how many of these were replaced by a later
    one: a step whose KL, proxy or gold was logged twice, not one whose values stand on two lines.
    Last how many of those had another value.
    """
    counted = rows.group_by("run_id", maintain_order=True).agg(pl.len())
    reads = dict(counted.iter_rows())
    run = pl.col("run_id")
    if counted.height == 1:
        place: pl.Expr = pl.lit(0, pl.UInt32)
    elif (rows.get_column("run_id") != rows.get_column("run_id").shift()).sum() < counted.height:
        place = run.rle_id()
    else:
        places = pl.Series(range(counted.height), dtype=pl.UInt32)
        place = run.replace_strict(counted.get_column("run_id"), places)
    rows = rows.with_columns(place.alias(_PLACE), (pl.col("phase") != "train").alias(_EVAL))
    if not has_steps:
        rows = rows.sort(_PLACE, maintain_order=True)
        rows = rows.with_columns(pl.int_range(pl.len()).over(_PLACE).alias("step"))
    keys = [pl.col(name) for name in (_PLACE, _EVAL, "step")]
    (place_after, eval_after, step_after), same = _compared(keys)
    sorted_already = rows.select(
        (place_after | (same[0] & (eval_after | (same[1] & (step_after | same[2])))))
        .slice(1).all()
    ).item()  # fmt: skip
    if not sorted_already:
        rows = rows.sort(_PLACE, _EVAL, "step", maintain_order=True)
    subset = [_PLACE, _EVAL, "step", *(["gold_source"] if "gold_source" in rows.columns else [])]
    replaced: dict[str, int] = {}
    differing: dict[str, int] = {}
    if rows.select((same[0] & same[1] & same[2]).any()).item():
        watched = [c for c in (kl, "proxy_reward", "gold_reward") if c in rows.columns]
        one = pl.lit(1, pl.UInt32)
        times = pl.max_horizontal(one, *(pl.col(c).count() for c in watched))
        kinds = pl.max_horizontal(one, *(pl.col(c).drop_nulls().n_unique() for c in watched))
        again = rows.group_by("run_id", *subset).agg(
            (times - 1).alias("again"),
            pl.when(kinds > 1).then(times - 1).otherwise(0).alias("other"),
        ).group_by("run_id").agg(pl.col("again").sum(), pl.col("other").sum())  # fmt: skip
        replaced = dict(again.select("run_id", "again").iter_rows())
        differing = dict(again.select("run_id", "other").iter_rows())
        rows = merged(rows, subset)
    return rows.drop(_PLACE, _EVAL), reads, replaced, differing


def merged(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The rows of one key as one row, which has the last value that is there of each column.

    A log may tell the KL of a step on one line and its gold on the next; a step that was logged
    twice has its later values. A growing log ends in the same rows, because the store does so too.
    """
    twice = rows.select(pl.struct(keys).is_duplicated()).to_series()
    if not twice.any():
        return rows
    rows = rows.with_row_index(_ROW)
    once, several = rows.filter(~twice), rows.filter(twice)
    others = [pl.col(c).drop_nulls().last() for c in rows.columns if c not in keys]
    joined = several.group_by(keys, maintain_order=True).agg(others).select(rows.columns)
    return pl.concat([once, joined]).sort(_ROW).drop(_ROW)


def _compared(keys: Sequence[pl.Expr]) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """Whether each key is greater than in the row before, and whether it is equal."""
    return [key > key.shift() for key in keys], [key == key.shift() for key in keys]


def stretches(versions: Sequence[str], group: Sequence[str]) -> pl.Expr:
    """Counts, within a group of rows, the changes of any of ``versions`` so far (as floats)."""
    changes = []
    for name in versions:
        stated = pl.col(name)
        stated = pl.when(stated != "").then(stated).forward_fill().over(group)
        before = stated.shift().over(group)
        changes.append((stated != before).fill_null(False).cast(pl.Float64))
    return pl.sum_horizontal(changes).cum_sum().over(group)


def summaries(logged: str, arm: str) -> list[pl.Expr]:
    """What is to be known of each run's rows before its facts are told.

    Args:
        logged: name of the column of the KL as logged.
        arm: name of the column that says the arm of an experiment.
    """
    watched = [pl.col(name) for name in (logged, "proxy_reward", "gold_reward")]
    broken = [column.is_not_null() & ~column.is_finite() for column in watched]
    gold = pl.col("gold_reward")
    finite = gold.filter(gold.is_finite())
    found = [
        finite.min().alias("low"),
        finite.max().alias("high"),
        pl.any_horizontal(broken).sum().alias("nan_rows"),
        pl.col(logged).is_finite().any().alias("has_kl"),
        (pl.col(logged) != 0).any().alias("moved"),
        pl.col("response_length").is_not_null().any().alias("has_length"),
        pl.col(logged).ne_missing(pl.col("kl")).any().alias("converted"),
        pl.col(arm).drop_nulls().unique().alias("arms"),
    ]
    return found
