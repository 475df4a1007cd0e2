"""What a declaration is made of: columns, metrics with their panels, tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

TEXT, WHOLE, NUMBER, TRUTH = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()

SMALL = pl.Int32()

PAIRS = pl.Map(pl.String, pl.Float64)
"""Further numbers of a response or an answer, by logged name."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its type, and what it means, with its unit."""

    name: str
    dtype: pl.DataType
    comment: str
    required: bool = False  # never null; only for columns that a table had from the start


class Panel(NamedTuple):
    """A panel below the chart: its column, its title with the unit, and a factor for that unit."""

    column: str
    title: str
    factor: float = 1.0


@dataclass(frozen=True)
class Metric(Column):
    """A number of the metrics table.

    ``names`` are the keys that hold it in plain tables and in every trainer's log alike, the most
    exact first; without any it is looked for under its own name. With ``by_role`` the key depends
    on the trainer or on what somebody chose, and ``names`` hold in plain tables only.
    """

    names: tuple[str, ...] = ()
    by_role: bool = False
    pooled: bool = False  # its mean over the rows of a bin is kept in pooled_curve
    title: str | None = None  # of its panel below the chart, with the unit, if it has one
    factor: float = 1.0  # from the column's unit to the panel's

    @property
    def keys(self) -> tuple[str, ...]:
        """Where to look for it, the most exact first."""
        return self.names or (self.name,)


@dataclass(frozen=True)
class Table:
    """A declared table.

    ``columns`` are what a reader hands over; ``beside`` are the store's own. ``file`` is its name
    in a segment; a number that a log has beside ``columns`` is kept in ``further``: the table
    scalars, or the column extra. Of a table that states a ``key``, a row replaces the one with
    the same key.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    beside: tuple[Column, ...] = ()
    file: str = ""
    further: str | None = None
    key: tuple[str, ...] = ()

    def types(self) -> dict[str, pl.DataType]:
        """What a reader hands over, by name."""
        return {column.name: column.dtype for column in self.columns}

    def kept(self) -> tuple[Column, ...]:
        """What the store keeps, in order."""
        return self.columns + self.beside


RANK = Column("source_rank", SMALL, "Richness of the log the row came from, 0 = richest", True)

EXTRA = "Further numbers of the {} by logged name, units as logged"
