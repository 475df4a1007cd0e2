"""A log that was imported before, from a folder that has another name by now: told, not joined."""

from __future__ import annotations

from pathlib import Path

import duckdb

from data.database.sql import sql

Cursor = duckdb.DuckDBPyConnection


def recorded(cursor: Cursor, new: dict[str, str]) -> dict[str, str]:
    """What is to be said of new runs whose rows are those of an older one that lost its log.

    Args:
        cursor: inside the transaction that brought the runs; their rows stand in the tables.
        new: run -> where it was read.
    """
    if not new:
        return {}
    known = cursor.execute("select run_id, path from runs").fetchall()
    lost = {run: path for run, path in known if run not in new and _is_gone(path)}
    if not lost:
        return {}
    starts = cursor.execute(sql("queries", "run_starts"), {"runs": [*new, *lost]}).fetchall()
    olds = {tuple(start): run for run, *start in starts if run in lost}
    found: dict[str, str] = {}
    for run, *start in starts:
        before = olds.get(tuple(start)) if run in new else None
        if before is not None and _same(cursor, before, run):
            found[run] = (
                f"holds the same rows as run {before}, whose log is no longer at {lost[before]}: "
                f"if it was renamed, `python -m data forget {before}` leaves this one, or import "
                f"it with `--run {before}` to go on under the old name"
            )
    return found


def _is_gone(path: str) -> bool:
    """Whether a log was read from a file or folder that is there no more."""
    try:
        return Path(path).is_absolute() and not Path(path).exists()
    except (OSError, ValueError):
        return False


def _same(cursor: Cursor, before: str, now: str) -> bool:
    sides = {"before": before, "now": now}
    return bool(cursor.execute(sql("queries", "same_log"), sides).fetchall()[0][0])
