"""Plain tables as spreadsheets write them: a row of units below the headings, the newest first."""

from __future__ import annotations

import re

import polars as pl

from data.readers import kl_headings
from data.readers.cells import EMPTY
from data.readers.kl_stated import STATED_BY
from data.readers.mapping import GOLD, KL, PROXY, STEP, Column
from data.readers.table_files import Table

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
    said = [first[c] for c in numbers if first[c].lower() not in EMPTY]
    below = frame.slice(1, 50).select(pl.col(c).str.contains(r"\d") for c in numbers)
    if not said or not all(column.any() for column in below.get_columns()):
        return None
    return first


def _is_number(cell: str) -> bool:
    return bool(re.search(r"^[-+\u2212]?[\d.,]*\d([eE][-+]?\d+)?\s*%?$", cell))


NOTES = frozenset({
    "note", "notes", "comment", "comments", "remark", "remarks", "description", "desc", "unit",
    "units", "info", "about", "meta", "metadata", "caption", "legend",
})  # fmt: skip
"""Columns, by their last word, whose texts may say something of the others."""


def remarks_in(frame: pl.DataFrame) -> list[str]:
    """What columns of notes, and those of words about a KL, say."""
    found = []
    for name, kind in frame.schema.items():
        if kind != pl.String or name in STATED_BY:
            continue
        words = kl_headings.words(name)
        if not words or not (words[-1] in NOTES or "kl" in words):
            continue
        cells = frame.get_column(name).drop_nulls().unique(maintain_order=True).head(50)
        told = [cell.strip() for cell in cells if re.search(r"[A-Za-z]{2}", cell)]
        found += [f"{name}: {cell}" for cell in told if cell.lower() not in EMPTY]
    return found


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
