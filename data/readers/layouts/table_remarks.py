"""What columns of a table say in words of its others: notes, descriptions, units."""

from __future__ import annotations

import re

import polars as pl

from data.readers.kl import kl_headings
from data.readers.kl.kl_stated import STATED_BY
from data.readers.layouts.cells import EMPTY
from data.readers.names.mapping import GOLD, KL, PROXY, STEP

NOTES = frozenset({
    "note", "notes", "comment", "comments", "remark", "remarks", "description", "desc", "unit",
    "units", "info", "about", "meta", "metadata", "caption", "legend",
})  # fmt: skip
"""Columns, by their last word, whose texts may say something of the others."""
ENDS = 20
"""Rows at the start and at the end of a table that may be notes."""
MOST = 50
"""Different texts of a column that are looked at."""


def of_columns(frame: pl.DataFrame) -> list[str]:
    """What columns of notes, and those of words about a KL, say."""
    found = []
    for name in _texts(frame):
        words = kl_headings.words(name)
        unnamed = re.fullmatch(r"column \d+ *", name) is not None
        if unnamed or (words and (words[-1] in NOTES or "kl" in words)):
            found += [f"{name}: {cell}" for cell in _cells(frame.get_column(name))]
    return found + _of_rows(frame)


def _of_rows(frame: pl.DataFrame) -> list[str]:
    """What rows at either end of a table say that hold words and no number of ours."""
    ours = [key for column in (KL, PROXY, GOLD, STEP) if (key := column.find(frame.columns))]
    texts = _texts(frame)
    if not ours or not texts:
        return []
    ends = pl.concat([frame.head(ENDS), frame.tail(ENDS)])
    words = ends.filter(
        ~pl.col(key).cast(pl.String).str.contains(r"\d").fill_null(False) for key in ours
    )
    rows = words.select(pl.col(texts).str.strip_chars()).iter_rows(named=True)
    return [f"{name}: {cell}" for row in rows for name, cell in row.items()
            if cell and re.search(r"[A-Za-z]{2}", cell)]  # fmt: skip


def of_metrics(frame: pl.DataFrame, tag: str) -> list[str]:
    """What columns of notes in a long table say of its metrics of KL.

    Args:
        frame: the table.
        tag: the column of its metrics' names.
    """
    if frame.schema[tag] != pl.String:
        return []
    of_kl = frame.filter(pl.col(tag).str.contains(r"(?i)(^|[^a-z])kl([^a-z]|$)"))
    return [
        f"kl: {cell}" for name in _texts(frame)
        if (words := kl_headings.words(name)) and words[-1] in NOTES - {"unit", "units"}
        for cell in _cells(of_kl.get_column(name))
    ]  # fmt: skip


def _texts(frame: pl.DataFrame) -> list[str]:
    return [c for c, kind in frame.schema.items() if kind == pl.String and c not in STATED_BY]


def _cells(column: pl.Series) -> list[str]:
    """The different texts of a column that hold words."""
    worded = column.filter(column.str.contains(r"[A-Za-z]{2}").fill_null(False))
    cells = [cell.strip() for cell in worded.unique(maintain_order=True).head(MOST)]
    return [cell for cell in cells if cell.lower() not in EMPTY]
