"""Plain tables as spreadsheets write them: a row of units below the headings, the newest first."""

from __future__ import annotations

import re

import polars as pl

from data.readers.files.table_files import Table
from data.readers.layouts.cells import EMPTY
from data.readers.names.mapping import GOLD, KL, PROXY, STEP, Column

CLOCK = Column("time", keys=(
    "timestamp", "_timestamp", "wall_time", "time", "datetime", "date", "created_at", "epoch",
    "_runtime",
))  # fmt: skip
"""What orders rows that have no step."""
_DATES = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$"


def with_units(table: Table) -> Table:
    """The table without a first row of words, which says of each column what it is.

    What it says of the KL becomes one of the table's remarks.
    """
    row = row_of_words(table.frame)
    if row is None:
        return table
    table.frame, table.lines = table.frame.slice(1), list(table.lines)[1:]
    table.remarks += [f"{name}: {cell}" for name, cell in row.items() if cell.strip()]
    table.notes.append(
        f"{table.path.name}: the first row holds words, which say what the columns are, and is "
        f"left out: {', '.join(cell for cell in row.values() if cell.strip())[:120]}"
    )
    return table


def row_of_words(frame: pl.DataFrame) -> dict[str, str] | None:
    """The cells of a first row of words above numbers, by column; None where it is none."""
    columns = [c for c in (KL, PROXY, GOLD) if c.find(frame.columns)]
    numbers = [c for column in (*columns, STEP) if (c := column.find(frame.columns))]
    texts = [c for c in numbers if frame.get_column(c).dtype == pl.String]
    if not columns or frame.height < 2 or texts != numbers:
        return None
    first = (
        frame.head(1).select(pl.col(pl.String).fill_null("").str.strip_chars()).row(0, named=True)
    )
    if any(_is_number(cell) for cell in first.values()):
        return None
    below = frame.slice(1, 50)
    if not all(below.get_column(c).str.contains(r"\d").any() for c in numbers):
        return None
    worded = [c for c, cell in first.items() if cell.lower() not in EMPTY]
    return first if any(_are_numbers(below.get_column(c)) for c in worded) else None


def _are_numbers(column: pl.Series) -> bool:
    cells = column.drop_nulls().str.strip_chars()
    cells = cells.filter(cells != "")
    return bool(cells.len()) and bool(cells.str.contains(r"^[-+\u2212]?[.,]?\d").all())


def _is_number(cell: str) -> bool:
    return bool(re.search(r"^[-+\u2212]?[\d.,]*\d([eE][-+]?\d+)?\s*%?$", cell))


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
