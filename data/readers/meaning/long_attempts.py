"""Attempts in long tables (run, metric, step, value): a restart is one of the run, not of a metric.

A metric's points stand in the order in which they were logged. Where its step goes back, the run
was restarted only if most of what is logged at that step was logged anew: then the points of the
attempt before it, from that step on, are left out. One metric's value at an earlier step, as of a
checkpoint that is evaluated again, is a later measurement: it holds at its step, and no other goes.
"""

from __future__ import annotations

import polars as pl

from data.readers.meaning.attempts import ORDERED, RESTARTED

RUN, STEP, TAG, VALUE = "run_id", "step", "tag", "value"
_METRIC = [RUN, TAG]
_POINT = [RUN, TAG, STEP]
_SEGMENT = [RUN, TAG, "attempt"]
_NEVER = 2**63 - 1
MOST_TOLD = 5


def settled(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Points without those that a later attempt took over, and what is said of these.

    Args:
        rows: run_id, tag, step and value, as they stand in the file.
    """
    step = pl.col(STEP)
    back = (step < step.shift().over(_METRIC)).fill_null(False).cast(pl.Int64)
    rows = rows.with_columns(back.cum_sum().over(_METRIC).alias("attempt"))
    restarts = _restarts(rows)
    if restarts.is_empty():
        return rows, []
    begun = rows.select(_SEGMENT).unique().join(restarts, on=_SEGMENT, how="left")
    later = begun.sort("attempt", descending=True).with_columns(
        pl.col("from").fill_null(_NEVER).cum_min().shift().over(_METRIC).alias("until")
    )
    rows = rows.join(later.drop("from"), on=_SEGMENT, how="left", maintain_order="left")
    stays = pl.col("until").is_null() | (step < pl.col("until"))
    kept, gone = rows.filter(stays), rows.filter(~stays)
    changed = gone.join(kept.select(*_POINT, VALUE), on=[*_POINT, VALUE], how="anti")
    return kept, _notes(changed, restarts)


def _restarts(rows: pl.DataFrame) -> pl.DataFrame:
    """Run, metric and attempt of each restart, and the step ``from`` which it takes over."""
    point = pl.col("attempt").min().over(_POINT)
    other = pl.col(VALUE) != pl.col(VALUE).shift().over(_POINT)
    again = rows.with_columns((pl.col("attempt") > point).alias("again"), other.alias("other"))
    begun = again.filter(pl.col("attempt") > 0).group_by(_SEGMENT, maintain_order=True).agg(
        pl.col(STEP).first().alias("from"), pl.len().alias("points"), pl.col("again").any(),
        (pl.col("again") & pl.col("other")).any().alias("other"),
    )  # fmt: skip
    # What is the same as before, or too short to tell from points in another order, takes nothing.
    begun = begun.filter(
        pl.col("other") | (~pl.col("again") & (pl.col("points") >= ORDERED))
    ).drop("again", "other")  # fmt: skip
    if begun.is_empty():
        return begun.select(*_SEGMENT, "from")
    metrics = rows.group_by(_METRIC).agg(
        pl.len().alias("size"), pl.col(STEP).max().alias("last"), pl.col("attempt").max(),
    )  # fmt: skip
    order = pl.int_range(1, pl.len() + 1).over(_POINT)
    times = rows.unique([*_POINT, "attempt"], maintain_order=True).with_columns(order.alias("time"))
    here = times.group_by(_POINT).agg(
        pl.len().alias("times"), (pl.col("attempt").max() > 0).alias("late")
    )
    here = here.join(metrics.drop("attempt"), on=_METRIC)
    mine = times.rename({STEP: "from"}).select(*_SEGMENT, "from", "time")
    begun = begun.join(mine, on=[*_SEGMENT, "from"], maintain_order="left").join(
        metrics.select(*_METRIC, "size", "last"), on=_METRIC, maintain_order="left"
    )
    others = pl.col(TAG) != pl.col("tag_right")
    beside = begun.join(here, left_on=[RUN, "from"], right_on=[RUN, STEP]).filter(others)
    beside = beside.with_columns((pl.col("late") & (pl.col("times") >= pl.col("time"))).alias("a"))
    alone = begun.join(beside, on=_SEGMENT, how="anti")
    after = alone.join(metrics, on=RUN).filter(others, pl.col("last_right") > pl.col("from"))
    after = after.with_columns((pl.col("attempt_right") > 0).alias("a"))
    votes = pl.concat([
        one.select(*_SEGMENT, "a", (pl.col("size_right") * 2 >= pl.col("size")).alias("often"))
        for one in (beside, after)
    ])  # fmt: skip
    # What is logged seldom, as evaluations are, has no voice where others are logged as often.
    votes = votes.filter(pl.col("often") | ~pl.col("often").any().over(_SEGMENT))
    most = votes.group_by(_SEGMENT).agg((2 * (pl.col("a").sum() + 1) > pl.len() + 1).alias("most"))
    only = pl.col("most").is_null() & (pl.col("points") > 1)
    begun = begun.join(most, on=_SEGMENT, how="left", maintain_order="left")
    return begun.filter(pl.col("most") | only).select(*_SEGMENT, "from")


def _notes(changed: pl.DataFrame, restarts: pl.DataFrame) -> list[str]:
    """What is said of each run that lost points that its later attempt did not log alike."""
    begun = restarts.group_by(RUN).agg(pl.col("from").min())
    lost = changed.group_by(RUN, maintain_order=True).agg(
        pl.len().alias("points"), pl.col(STEP).n_unique().alias("steps"), pl.col(STEP).max(),
    )  # fmt: skip
    lost = lost.join(begun, on=RUN, maintain_order="left")
    sentences = [
        f"{f'run {run}' if run else 'the run'} was restarted: from step {first} on a later attempt "
        f"takes over: {points} values at {steps} steps of the attempt before it, to step {last}, "
        f"are left out; {RESTARTED}"
        for run, points, steps, last, first in lost.rows()
    ]
    more = (
        [f"{len(sentences) - MOST_TOLD} more runs were restarted"]
        if len(sentences) > MOST_TOLD
        else []
    )
    return sentences[:MOST_TOLD] + more
