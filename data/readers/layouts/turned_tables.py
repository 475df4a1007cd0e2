"""Tables that lie on their side: a row a metric, a column a step."""

from __future__ import annotations

import re

import polars as pl

from data.readers.files.blocks import MAX_COLUMNS
from data.readers.files.table_files import Table
from data.readers.names.mapping import GOLD, KL, PROXY, STEP

_STEP_OF = re.compile(
    r"(?i)^\s*(?:(?:step|iter|iteration|update|ckpt|checkpoint|round)s?[\s_\-=:#]*)?(\d{1,18})\s*$"
)
MOST_ROWS = 500


def lies_on_its_side(frame: pl.DataFrame) -> bool:
    """Whether the first column holds the names of metrics that no heading holds."""
    if not 2 <= frame.height <= MOST_ROWS or not 3 <= frame.width <= MAX_COLUMNS:
        return False
    first = frame.get_columns()[0]
    if first.dtype != pl.String or first.null_count() or first.n_unique() < first.len():
        return False
    roles = (KL, PROXY, GOLD)
    if any(column.find(frame.columns) for column in roles):
        return False
    names = [cell.strip() for cell in first]
    if sum(column.find(names) is not None for column in roles) < 2:
        return False
    below = [c for c in frame.get_columns()[1:] if c.dtype == pl.String or c.dtype.is_numeric()]
    return len(below) == frame.width - 1


def turned(table: Table) -> Table:
    """The table with a column a metric; its headings are the steps where no row holds them."""
    frame = table.frame
    names = [cell.strip() for cell in frame.get_columns()[0]]
    headings = frame.columns[1:]
    cells = frame.select(pl.col(headings).cast(pl.String))
    table.frame = cells.transpose(column_names=names)
    steps = [found.group(1) for h in headings if (found := _STEP_OF.match(h))]
    if STEP.find(names) is None and len(steps) == len(headings):
        table.frame = table.frame.with_columns(pl.Series("step", steps))
    table.lines, table.place = list(range(2, len(headings) + 2)), "column"
    table.notes.append(
        f"{table.path.name} lies on its side, a row a metric: its columns are read as rows"
    )
    return table
