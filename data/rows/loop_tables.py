"""Tables of a loop: their Parquet in a segment, their way into the store, and what people decide.

All that is told of them is declared (``data.declared.LOOP_TABLES``): columns, key, file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import duckdb
import polars as pl

from data.columns import RunLog, conform
from data.database import ddl
from data.database.results import RunResult
from data.database.sql import literal
from data.declared import DECISIONS, LOOP_TABLES

Cursor = duckdb.DuckDBPyConnection
NAMES = tuple(table.name for table in LOOP_TABLES)


def files(logs: Sequence[RunLog]) -> dict[str, pl.DataFrame]:
    """What a segment holds of the tables of loops, by file stem; nothing where there is none."""
    frames = {}
    for table in LOOP_TABLES:
        rows = [
            conform(log.tables[table.name], table.types()).with_columns(loop=pl.lit(log.run))
            for log in logs if table.name in log.tables
        ]  # fmt: skip
        if rows:
            frames[table.file] = pl.concat(rows)
    return frames


def load(cursor: Cursor, segment: Path) -> bool:
    """The segment's tables of loops as temporary tables; whether it holds any.

    Args:
        cursor: has begun a transaction.
        segment: the segment's folder.
    """
    found = [table for table in LOOP_TABLES if (segment / f"{table.file}.parquet").is_file()]
    for table in LOOP_TABLES if found else ():
        ddl.await_rows(cursor, table)
    for table in found:
        ddl.take_rows(cursor, table, literal(segment / f"{table.file}.parquet"))
    return bool(found)


def rename(cursor: Cursor, old: str, new: str) -> None:
    """Give what ``load`` has read the name under which its run is kept."""
    for table in LOOP_TABLES:
        ddl.rename_rows(cursor, table, old, new)


def merge(cursor: Cursor) -> dict[str, dict[str, int]]:
    """Merge what ``load`` has read; by run the rows added to each table, replaced, and moved."""
    merged: dict[str, dict[str, int]] = {}
    for table in LOOP_TABLES:
        for loop, (added, replaced) in ddl.merge_keyed(cursor, table).items():
            counts = merged.setdefault(loop, {"replaced": 0, "moved": 0})
            counts[table.name] = added
            counts["replaced"] += replaced
            counts["moved"] += added + replaced
    return merged


def forget(cursor: Cursor) -> None:
    """Remove all that is told of the runs in the temporary table affected."""
    for table in LOOP_TABLES:
        ddl.forget_rows(cursor, table)


def keep_decisions(cursor: Cursor, segment: Path, rows: pl.DataFrame) -> list[RunResult]:
    """Keep decisions that people wrote, inside the caller's transaction; one row each.

    They are kept of a loop that is not there (yet), too: what people wrote is never dropped.
    """
    ddl.await_rows(cursor, DECISIONS)
    ddl.take_rows(cursor, DECISIONS, literal(segment / "runs.parquet"))
    ddl.merge_keyed(cursor, DECISIONS)
    cursor.execute("update generation set number = number + 1")
    kept = rows.iter_rows(named=True)
    return [cast("RunResult", {"run": row["loop"], **row}) for row in kept]
