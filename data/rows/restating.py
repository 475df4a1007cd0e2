"""Segments that another version of the program wrote, laid out as this one would write them.

A segment in the inbox or the archive may be older than a declared column, or newer than this
program. Nothing is lost by that: a number whose column is not declared (yet) is a further number
of its row, and moves into the column with the first program that declares it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import polars.selectors as cs

from data.columns import conform
from data.declared import METRICS, PAIRS, SEGMENT_TABLES, Table
from data.rows.pairs import extra
from data.rows.segment_rows import METRIC_ROWS, SCALAR_ROWS, further_numbers

LAYOUT = 2
"""How a segment is laid out: rows in the order of their steps, further numbers as maps.

Segments from before say nothing of it; there rows may stand in any order, and numbers in lists.
"""
ALWAYS = ("metrics", "gold", "samples")
"""Files that every segment of an import has."""
LISTED = pl.List(pl.Struct({"key": pl.String, "value": pl.Float64}))
ROW = ["run_id", "phase", "step"]
NUMBERS = cs.numeric() | cs.boolean()


@contextmanager
def restated(home: Path, segment: Path) -> Iterator[Path]:
    """The folder to import a segment from: its own, or one laid out anew for the while.

    What this program has no place for (a text of a newer one) is named in a warning of the
    segment's runs, and stays in the archive.
    """
    runs = pl.read_parquet(segment / "runs.parquet", glob=False)
    if "layout" in runs.columns and not any(_differs(segment, table) for table in SEGMENT_TABLES):
        yield segment
        return
    folder = home / "tmp" / f"{segment.name}.restated"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        differing = [
            f"{name}: a column that this program does not know; its values stay in the archive "
            "and come in when the newer program that wrote them rebuilds the store"
            for name in _write(segment, folder)
        ]
        warnings = [json.dumps(json.loads(row) + differing) for row in runs["warnings"]]
        runs = runs.with_columns(pl.Series("warnings", warnings), layout=pl.lit(LAYOUT))
        runs.write_parquet(folder / "runs.parquet")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _differs(segment: Path, table: Table) -> bool:
    """Whether the segment's file of a table has other columns than are declared."""
    file = segment / f"{table.file}.parquet"
    if not file.is_file():
        return table.file in ALWAYS
    with file.open("rb") as stream:  # a path may hold what Polars takes for a pattern
        return set(pl.read_parquet_schema(stream)) != {column.name for column in table.kept()}


def _write(segment: Path, folder: Path) -> list[str]:
    """Every table's rows in its declared columns; names of the columns that found no place."""
    lost: list[str] = []
    for table in SEGMENT_TABLES:
        rows = _read(segment, table)
        if rows is None:
            continue
        unknown = rows.select(pl.exclude(*(column.name for column in table.kept())))
        kept = unknown.select(NUMBERS).columns if table.further else []
        lost += [f"{table.name}.{name}" for name in unknown.columns if name not in kept]
        if table is METRICS:
            rows, scalars = _metrics(rows, pl.read_parquet(segment / "scalars.parquet", glob=False))
            scalars.write_parquet(folder / "scalars.parquet")
        elif table.further:
            rows = _with_pairs(rows, table, kept)
        else:
            rows = conform(rows, table.types())
        rows.write_parquet(folder / f"{table.file}.parquet")
    return lost


def _read(segment: Path, table: Table) -> pl.DataFrame | None:
    """A table's rows as the segment has them; None where it has no such file and needs none."""
    file = segment / f"{table.file}.parquet"
    if file.is_file():
        return pl.read_parquet(file, glob=False)
    columns = {column.name: column.dtype for column in table.kept()}
    return pl.DataFrame(schema=columns) if table.file in ALWAYS else None


def _metrics(rows: pl.DataFrame, scalars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Metric rows and scalars, every number where this program would have put it."""
    for column in METRICS.columns:
        there = pl.col("key") == column.name
        if column.name not in rows.columns:
            values = scalars.filter(there).select(*ROW, pl.col("value").alias(column.name))
            rows = rows.join(values, on=ROW, how="left", maintain_order="left")
            scalars = scalars.filter(~there)
    rows = rows.sort(ROW, maintain_order=True)
    scalars = pl.concat([conform(scalars, SCALAR_ROWS), further_numbers(rows)])
    return conform(rows, METRIC_ROWS), scalars


def _with_pairs(rows: pl.DataFrame, table: Table, unknown: list[str]) -> pl.DataFrame:
    """Rows whose column extra holds every number that is not declared, and no declared one."""
    pairs = rows["extra"].cast(LISTED)
    key, value = (pl.element().struct.field(name) for name in ("key", "value"))
    for column in table.columns:
        if column.name not in rows.columns:
            mine = pairs.list.eval(value.filter(key == column.name)).list.first()
            rows = rows.with_columns(mine.alias(column.name))
            pairs = pairs.list.eval(pl.element().filter(key != column.name))
    if unknown:
        further = extra(rows.select(unknown), ()).cast(LISTED)
        pairs = pl.select(pl.concat_list(pairs.fill_null([]), further.fill_null([]))).to_series()
    return conform(rows, table.types()).with_columns(pairs.cast(PAIRS).alias("extra"))
