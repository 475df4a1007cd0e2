"""Plain tables as spreadsheets write them: a row of units below the headings, the newest first."""

from __future__ import annotations

import polars as pl

from data.readers import kl_headings
from data.readers.mapping import GOLD, KL, PROXY, STEP, Column, folded
from data.readers.table_files import Table

CLOCK = Column("time", keys=(
    "timestamp", "_timestamp", "wall_time", "time", "datetime", "date", "created_at", "epoch",
    "_runtime",
))  # fmt: skip
"""What orders rows that have no step."""
_DATES = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$"


def with_units(table: Table) -> Table:
    """The table with the unit of its KL in the heading, where the first row is one of units."""
    frame = table.frame
    key = next((c for c in frame.columns if folded(c) == "kl"), None)
    if key is None or frame.height < 2 or frame.get_column(key).dtype != pl.String:
        return table
    numbers = [frame.get_column(c)[0] for c in frame.columns]
    if pl.Series(numbers, dtype=pl.String, strict=False).cast(pl.Float64, strict=False).count():
        return table  # a row of numbers is no row of units
    said = f"{key} ({frame.get_column(key)[0]})"
    if kl_headings.stated(said) is None:
        return table
    table.frame = frame.slice(1).rename({key: said})
    table.lines = list(table.lines)[1:]
    table.notes.append(f"{table.path.name}: the first row is one of units: column {key} is {said}")
    return table


def oldest_first(table: Table) -> Table:
    """The rows of a table without steps turned about, where its clock runs backwards."""
    columns = table.frame.columns
    clock = CLOCK.find(columns)
    if clock is None or STEP.find(columns) or not any(c.find(columns) for c in (KL, PROXY, GOLD)):
        return table
    times = table.frame.get_column(clock)
    if times.dtype == pl.String and not times.str.contains(_DATES).all():
        times = times.cast(pl.Float64, strict=False)
    if times.null_count() or times.dtype.is_nested() or times.n_unique() < 2:
        return table
    if not times.is_sorted(descending=True):
        return table
    table.frame, table.lines = table.frame.reverse(), list(table.lines)[::-1]
    table.notes.append(
        f"{table.path.name}: by column {clock} its newest row stands first, so its rows are read "
        "from the last to the first"
    )
    return table
