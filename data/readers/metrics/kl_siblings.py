"""What a table's other columns of KL, and its cells, say of the unit of the one that is taken."""

from __future__ import annotations

import polars as pl

from data.columns import ReadOptions
from data.readers.kl import kl_headings
from data.readers.kl.kl_table import PER_TOKEN, UNITS
from data.readers.layouts.cells import Cells
from data.readers.meaning.conversion import our_kl
from data.readers.names.mapping import RUN_COLUMNS

NEAR = 1e-4  # relative difference of columns that are one
FAR = 3.0
"""Times by which a product with the mean length may be off, because length goes with KL."""
LENGTH = next(column for column in RUN_COLUMNS if column.name == "response_length")


def compared(cells: Cells, options: ReadOptions) -> tuple[list[str], list[str]]:
    """Columns that are not to be taken for the KL, and what else is said of it.

    Beside a ``kl`` without a unit a column may state its own (``kl_per_token``): where both hold
    the same numbers they have one unit; where they contradict each other the stated one is read.
    """
    keys = cells.table.frame.columns
    key = options.kl or our_kl(keys)
    if key not in keys or options.kl_unit:
        return [], []
    notes = []
    written = cells.table.frame.schema[key] == pl.String
    if written and cells.texts(key).str.contains("%", literal=True).any():
        notes.append(f"{key}: percent signs in its cells")
    others = [k for k in keys if k != key and kl_headings.stated(k)]
    if kl_headings.of(key) or not others:
        return [], notes
    values = cells.numbers(key)
    lengths = cells.numbers(length) if (length := LENGTH.find(keys)) else None
    for other in others:
        of_other = kl_headings.stated(other)
        unit = of_other.unit or of_other.base if of_other else ""
        logged, factor = UNITS[unit]
        theirs = cells.numbers(other)
        if _ratio_near(values, theirs, 1 + NEAR):
            if unit != "nats" and (logged == PER_TOKEN or factor != 1.0):
                notes.append(f"{key}: {unit}, because it holds the numbers of column {other}")
            continue
        in_nats = theirs * factor
        if logged == PER_TOKEN and lengths is None:
            continue
        if logged == PER_TOKEN and lengths is not None:
            in_nats = in_nats * lengths
        if _ratio_near(values, in_nats, FAR if logged == PER_TOKEN else 1.01):
            continue
        if logged != PER_TOKEN and not options.kl:
            return [key], [f"column {other} states its unit, and its numbers are others"]
        notes.append(
            f"{key}: not the numbers of column {other} in another unit of KL, nats or bits"
        )
    return [], notes


def _ratio_near(one: pl.Series, other: pl.Series, most: float) -> bool:
    """Whether two columns are one but for a factor between 1 / most and most, at their median."""
    both = pl.DataFrame({"a": one, "b": other}).drop_nulls()
    both = both.filter(pl.col("a").is_finite() & pl.col("b").is_finite())
    apart = both.filter((pl.col("b") != 0) & (pl.col("a") != 0))
    if apart.is_empty():
        return bool(both.height)
    off = apart.select((pl.col("a") / pl.col("b")).median()).item()
    return bool(1 / most <= off <= most)
