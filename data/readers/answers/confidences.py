"""Confidences as people log them: in [0, 1], in percent, or in words, which are no numbers."""

from __future__ import annotations

import polars as pl

from data.readers.layouts.cells import EMPTY, Cells
from data.readers.raw.texts import several

PERCENT_FROM = 10.0
"""A column that ends below it may be one of grades from 1 to 5 or 0 to 10: not percent."""


def read(cells: Cells, key: str) -> pl.Series:
    """A column of confidences as floats; what is said of it goes to the table's notes.

    Whole numbers up to 100, none of them a share of 1, are percent. Words are not measured.
    """
    name = cells.table.path.name
    column = cells.table.frame.get_column(key)
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        filled = text.filter(text.is_not_null() & ~text.str.to_lowercase().is_in(EMPTY))
        words = filled.filter(filled.str.contains(r"^[A-Za-z][A-Za-z _-]{1,39}$"))
        words = words.filter(~words.str.to_lowercase().is_in(["nan", "inf", "infinity", "true"]))
        if words.len() * 2 > filled.len():
            counts = words.alias("word").value_counts(sort=True, name="n").iter_rows()
            cells.table.notes.append(
                f"{name}: column {key} holds words, no numbers, so confidence is not measured: "
                f"{several([f'{word!r} ({n:,})' for word, n in counts])}"
            )
            return pl.Series(key, [None] * column.len(), dtype=pl.Float64)
    values = cells.numbers(key)
    if not is_percent(values):
        return values
    cells.table.notes.append(f"{name}: column {key} is in percent (shares of 100)")
    return values / 100


def is_percent(values: pl.Series) -> bool:
    """Whether numbers are percent: from 0 to 100, beyond 10, and none a share of 1.

    >>> is_percent(pl.Series([90.0, 55.5])), is_percent(pl.Series([0.5, 85.0]))
    (True, False)
    >>> is_percent(pl.Series([1.0, 5.0])), is_percent(pl.Series([0.0, 1.0]))
    (False, False)
    """
    known = values.fill_nan(None).drop_nulls()
    if not known.len() or not known.is_between(0, 100).all():
        return False
    shares = ((known > 0) & (known < 1)).any()
    return not shares and bool((known > PERCENT_FROM).any())
