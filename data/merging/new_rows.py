"""Segments whose rows are all new to the store: into the tables as they stand, not compared.

Most segments are so: a log that is read for the first time, the next rows of one that grows.
What they leave in the store is what ``merge.sql`` would leave, at a third of the cost.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from data.database.sql import literal, sql

Cursor = duckdb.DuckDBPyConnection
TABLES = ("metrics", "scalars", "gold", "samples")
LARGE = 100_000  # metric rows: about as many as DuckDB packs together


def arrive(cursor: Cursor, segment: Path, known: bool) -> bool:
    """Whether a segment holds new rows alone; they are then at hand as the views arrived_*.

    Args:
        cursor: has begun a transaction.
        segment: folder of the segment.
        known: whether the store has any of the runs.
    """
    cursor.execute("set variable segment = $folder", {"folder": literal(segment)})
    cursor.execute(sql("changes", "arrived"))
    if _first(cursor, "arrived_responses")[0]:
        return False  # gold of responses, which counts only where no other is known
    return not known or not _first(cursor, "arrived_meeting")[0]


def insert(cursor: Cursor) -> tuple[dict[str, dict[str, int]], bool]:
    """Put the arrived rows into the tables; what came by run, and whether it is metrics alone."""
    counts = dict(zip(TABLES, _first(cursor, "arrived_counts"), strict=True))
    # By one thread rows stay as close as they are: several would leave gaps as large as the rows.
    large = counts["metrics"] > LARGE
    if large:
        cursor.execute("set threads = 1")
    try:
        for name in TABLES:
            if counts[name]:  # an insert of no rows hides a later one from its transaction
                cursor.execute(sql("changes", f"new_{name}"))
    finally:
        if large:
            cursor.execute("reset threads")
    rows = cursor.execute(sql("changes", "new_by_run")).fetchall()
    names = ("points", "gold_evaluations", "samples", "moved")
    by_run = {run: dict(zip(names, row, strict=True)) for run, *row in rows}
    return by_run, not counts["gold"] and not counts["samples"]


def _first(cursor: Cursor, name: str) -> tuple[int, ...]:
    return tuple(cursor.execute(sql("changes", name)).fetchall()[0])
