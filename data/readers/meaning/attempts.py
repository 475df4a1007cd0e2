"""Attempts: a run that was restarted logs steps again, and the later attempt takes over whole.

Where the step of a plain table's rows goes back and a KL or proxy is logged again, a new attempt
begins. From its first step on nothing of the attempt before it stays: half of each would mix two
policies. Rows in no order at all, and gold on a line of its own, are no attempts.

What tells a restart from rows that only stand in another order: it logs steps again with other
values, or, where it repeats none exactly, its steps fall between those logged before, one by one.
Steps that are all different and fill gaps in blocks, or together make an even count, are one
attempt's in another order; so are rows that stand twice with the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST = 50  # attempts in one run; more steps back are a table in no order
ORDERED = 3  # rows that ascend, by which an attempt shows that repeats no step exactly
REORDERED = (
    "the rows stand in another order than their steps, and are sorted by them: no step is logged "
    "again with another value, as a restart would"
)
RESTARTED = (
    "told by steps that go back and are logged again with other values, or that fall between those "
    "logged before"
)
CLOCKS = ("timestamp", "_timestamp", "wall_time", "time")


@dataclass(frozen=True)
class Attempt:
    """Where an attempt begins: its first row in the file, and its first step."""

    row: int
    step: int


def restart_note(attempts: Sequence[tuple[int, int, int]]) -> str:
    """What is said of restarts.

    Args:
        attempts: of each the first step, the rows of those before it that it replaced, and the
            last step of these.
    """
    parts = "; ".join(
        f"attempt {number} begins at step {step} and takes over from there: {gone} rows of the "
        f"attempt before it, to step {last}, are left out"
        for number, (step, gone, last) in enumerate(attempts[:5], 2)
    )
    more = f"; and {len(attempts) - 5} more" if len(attempts) > 5 else ""
    return f"the run was restarted {_times(len(attempts))}: {parts}{more}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def began(
    steps: NDArray[np.int64],
    logged: Sequence[NDArray[np.bool_]],
    values: Sequence[NDArray[np.float64]] = (),
) -> list[Attempt]:
    """The attempts after the first in a log's rows as they stand in it.

    Args:
        steps: of each row.
        logged: for KL and proxy, which rows have one. Rows with neither begin no attempt.
        values: of KL and proxy; without them a repeated step always has other ones.
    """
    found: list[Attempt] = []
    start = 0
    while True:
        row = _back(steps, logged, start)
        if row is None:
            break
        found.append(Attempt(row, int(steps[row])))
        start = row
        if len(found) > MOST:
            return []
    if not found:
        return found
    any_logged = np.logical_or.reduce(logged) if logged else np.ones(len(steps), np.bool_)
    if _even(np.sort(steps[any_logged])):
        return []  # each step once, and none lacking: one attempt's, in another order
    ends = [*(attempt.row for attempt in found[1:]), len(steps)]
    before = 0
    for attempt, end in zip(found, ends, strict=True):
        places = np.flatnonzero(any_logged)
        old = places[(places >= before) & (places < attempt.row)]
        mine = places[(places >= attempt.row) & (places < end)]
        again = np.isin(steps[mine], steps[old])
        if again.any():
            if values and not _differ(steps, values, old, mine[again]):
                return []
        elif not _between(steps[old], steps[mine]):
            return []
        before = attempt.row
    return found


def _differ(
    steps: NDArray[np.int64],
    values: Sequence[NDArray[np.float64]],
    old: NDArray[np.int64],
    again: NDArray[np.int64],
) -> bool:
    """Whether any row of a repeated step has another value than the row before it had."""
    before = {int(steps[row]): row for row in old}
    rows = np.array([before[int(steps[row])] for row in again])
    return any(not np.array_equal(v[rows], v[again], equal_nan=True) for v in values)


def _between(old: NDArray[np.int64], new: NDArray[np.int64]) -> bool:
    """Whether steps, of which none is repeated, fall one by one between those of before."""
    if not (_ascends(new) and _ascends(old)):
        return False
    both = np.sort(np.concatenate([old, new]))
    if _even(both):
        return False
    low, high = max(old[0], new[0]), min(old[-1], new[-1])
    both = both[(both >= low) & (both <= high)]
    changes = int(np.count_nonzero(np.diff(np.isin(both, new).astype(np.int8))))
    return changes > 0 and 2 * changes >= len(both)


def _even(ordered: NDArray[np.int64]) -> bool:
    """Whether steps, in order, are equally far apart, and none stands twice."""
    apart = np.diff(ordered)
    return bool(len(apart)) and bool(apart[0] > 0) and bool((apart == apart[0]).all())


def _ascends(steps: NDArray[np.int64]) -> bool:
    return len(steps) >= ORDERED and bool((np.diff(steps) >= 0).all())


def _back(steps: NDArray[np.int64], logged: Sequence[NDArray[np.bool_]], start: int) -> int | None:
    """The first row after ``start`` that logs again what was logged of a later step."""
    first: int | None = None
    for has in logged:
        rows = start + np.flatnonzero(has[start:])
        if len(rows) < 2:
            continue
        own = steps[rows]
        back = np.flatnonzero(own[1:] < np.maximum.accumulate(own)[:-1])
        if len(back):
            row = int(rows[back[0] + 1])
            first = row if first is None else min(first, row)
    return first


def settled(
    rows: pl.DataFrame, watched: Sequence[str]
) -> tuple[pl.DataFrame, dict[str, list[str]], dict[str, int]]:
    """The rows of a table without those of attempts that a later one took over.

    Args:
        rows: run_id, phase, step and the columns ``watched``, as they stand in the file.
        watched: names of KL and proxy.

    Returns the rows, what is to be said of each run, and how many rows each run lost.
    """
    notes: dict[str, list[str]] = {}
    lost: dict[str, int] = {}
    watched = [name for name in watched if name in rows.columns]
    if not watched or "gold_source" in rows.columns or rows.height < 2:
        return rows, notes, lost
    run, step = pl.col("run_id"), pl.col("step")
    after = pl.col("run_id") == pl.col("run_id").shift()
    ascending = rows.select(((step > step.shift()) | ~after).slice(1).all()).item()
    # Each run stands in one piece where no name begins twice.
    if ascending and rows.filter((~after).fill_null(True)).select(run.is_unique().all()).item():
        return rows, notes, lost
    gone: list[pl.Series] = []
    gold = [name for name in ("gold_reward",) if name in rows.columns]
    indexed = rows.select("run_id", "phase", "step", *watched, *gold).with_row_index("at")
    for (name,), part in indexed.group_by("run_id", maintain_order=True):
        old, restarts = dead(part, watched)
        if restarts:
            notes[str(name)] = [restarts]
        if len(old):
            lost[str(name)] = len(old)
            gone.append(old)
    if gone:
        rows = rows.with_row_index("at").filter(~pl.col("at").is_in(pl.concat(gone).implode()))
        rows = rows.drop("at")
    return rows, notes, lost


def dead(part: pl.DataFrame, watched: Sequence[str]) -> tuple[pl.Series, str]:
    """The rows of one run that later attempts took over, and what is said of them.

    Args:
        part: at (the number of each row), phase, step and the columns ``watched``, in their order;
            where the table has gold, also gold_reward.
        watched: names of KL and proxy.
    """
    known = part.get_column("step").is_not_null()
    part = part.filter(known)
    steps = part.get_column("step").to_numpy()
    trained = (part.get_column("phase") == "train").to_numpy()
    logged = [part.get_column(c).is_not_null().to_numpy() & trained for c in watched]
    values = [part.get_column(c).cast(pl.Float64).to_numpy() for c in watched]
    if "gold_reward" in part.columns:
        gold = part.get_column("gold_reward").is_not_null().to_numpy() & trained
        late = _evaluated(steps, gold, logged, values)
        logged = [has & ~late for has in logged]
    alive = np.ones(len(steps), np.bool_)
    runs: list[tuple[int, int, int]] = []
    found = began(steps, logged, values)
    if not found and _back(steps, logged, 0) is not None:
        return part.get_column("at").clear(), REORDERED
    for attempt in found:
        old = np.arange(len(steps)) < attempt.row
        taken = old & alive & (steps >= attempt.step)
        alive &= ~taken
        runs.append((attempt.step, int(taken.sum()), int(steps[taken].max(initial=attempt.step))))
    why = f"; {RESTARTED}" if runs else ""
    return part.get_column("at").filter(pl.Series(~alive)), (
        restart_note(runs) if runs else ""
    ) + why


def _evaluated(
    steps: NDArray[np.int64], gold: NDArray[np.bool_], logged: Sequence[NDArray[np.bool_]],
    values: Sequence[NDArray[np.float64]],
) -> NDArray[np.bool_]:  # fmt: skip
    """Which rows are late evaluations of a checkpoint: they bring gold to a step without it.

    What else they tell is equal to what was logged at that step; or gold begins with them, stands
    in all rows from there on, and they lack a KL or proxy that training logs at that step.
    """
    late = np.zeros(len(steps), np.bool_)
    if not gold.any():
        return late
    (first, *_) = np.flatnonzero(gold)
    begins = bool(first) and bool(gold[first:].all())
    had: dict[tuple[int, int], float] = {}
    judged: set[int] = set()
    for row, step in enumerate(steps.tolist()):
        rows = [number for number, has in enumerate(logged) if has[row]]
        before = {n: had[n, step] for n in range(len(logged)) if (n, step) in had}
        if gold[row] and step not in judged and before.keys() >= set(rows):
            equal = all(values[n][row] == before[n] for n in rows)
            late[row] = bool(before) and (equal or (begins and len(rows) < len(before)))
        if gold[row]:
            judged.add(step)
        had.update({(n, step): float(values[n][row]) for n in rows if not late[row]})
    return late


def in_order(rows: pl.DataFrame, step: str) -> tuple[pl.DataFrame, str]:
    """A trainer's rows sorted by step where they only stand in another order, and what is said.

    Args:
        rows: of training, as they stand in the file.
        step: name of the column of steps; the others are metrics.
    """
    steps = rows.get_column(step).to_numpy()
    often = [c for c in rows.columns if c != step and rows.get_column(c).count() * 2 > rows.height]
    columns = [rows.get_column(c) for c in often]
    logged = [column.is_not_null().to_numpy() for column in columns]
    if _back(steps, logged, 0) is None:
        return rows, ""
    if began(steps, logged, [column.cast(pl.Float64).to_numpy() for column in columns]):
        return rows, ""
    return rows.sort(step, maintain_order=True), REORDERED


def numbered(rows: pl.DataFrame, watched: Sequence[str]) -> tuple[pl.DataFrame, dict[str, str]]:
    """Rows whose step is one and the same in a whole run, numbered from 0 in order of time.

    Args:
        rows: run_id, phase, step and further columns.
        watched: names of KL, proxy and gold.

    Returns the rows, and what is to be said of the runs that this befell.
    """
    watched = [name for name in watched if name in rows.columns]
    step = pl.col("step")
    if rows.height < 3 or not watched or "gold_source" in rows.columns:
        return rows, {}
    same = (rows.get_column("step") == rows.get_column("step").shift()).sum() or 0
    if same * 3 < rows.height:
        return rows, {}
    present = pl.min_horizontal(*(pl.col(c).count() for c in watched))
    runs = rows.filter(pl.col("phase") == "train").group_by("run_id", maintain_order=True).agg(
        (step.n_unique() == 1).alias("one"), present.alias("held"), step.first().alias("step"),
    )  # fmt: skip
    still = runs.filter(pl.col("one") & (pl.col("held") > 2))
    if still.is_empty():
        return rows, {}
    clock = next((c for c in CLOCKS if c in rows.columns), None)
    if clock is not None:
        rows = rows.sort(clock, nulls_last=True, maintain_order=True)
    mine = pl.col("run_id").is_in(still.get_column("run_id").implode())
    number = pl.int_range(pl.len()).over("run_id", "phase")
    rows = rows.with_columns(pl.when(mine).then(number).otherwise(step).alias("step"))
    by = f"in order of {clock}" if clock else "in the order of the file"
    return rows, {
        name: f"every row is of step {at}: the rows are numbered from 0 instead, {by}"
        for name, at in still.select("run_id", "step").iter_rows()
    }
