"""Which runs a change has touched, and their rollups brought up to date in its transaction."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from data.database.sql import sql


def affect(cursor: duckdb.DuckDBPyConnection, runs: Sequence[str]) -> None:
    """Name the runs in the temporary table affected, which the changes and rollups read."""
    cursor.execute(
        "create or replace temp table affected as "
        "select unnest(cast($runs as varchar[])) as run_id",
        {"runs": list(runs)},
    )


def refresh(cursor: duckdb.DuckDBPyConnection, runs: Sequence[str], rows: str = "stored") -> None:
    """Compute the rollups of the runs afresh.

    Args:
        cursor: has begun a transaction.
        runs: their names.
        rows: "stored" = all their metric rows in the tables; "arrived" = those of the segment at
            hand, where it has all there are, in order (see data.merging.new_rows).
    """
    affect(cursor, runs)
    cursor.execute(sql("changes", f"rollups_of_{rows}"))
    cursor.execute(sql("changes", "rollups"))
