"""Two logs of one run whose KL differs by the response length, in one import or in two."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import polars as pl

from data.columns import RunLog
from data.database.sql import sql
from data.readers.kl.sanity import scaled_by_length

MOST_ROWS = 1000
"""Rows looked at of a run."""
_COLUMNS = ("step", "kl", "response_length")


@dataclass
class KLSeen:
    """Step, KL and length of the first rows of each run that was read so far."""

    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def compared(self, log: RunLog) -> str:
        """What the log's KL says against an earlier log of the same run; empty where nothing.

        Only runs that are named by the user or by a column are the same for sure.
        """
        if not log.verbatim or not log.metrics.height:
            return ""
        first = log.metrics.head(MOST_ROWS)  # training rows stand first
        known = (pl.col("phase") == "train") & pl.col("kl").is_not_null()
        rows = first.filter(known).select(_COLUMNS)
        before = self.tables.get(log.run)
        if rows.height and before is None:
            self.tables[log.run] = rows
        if before is None:
            return ""
        both = before.join(rows, on="step", suffix="_new")
        lengths = pl.coalesce("response_length", "response_length_new")
        return scaled_by_length(both["kl"], both["kl_new"], both.select(lengths).to_series())


def against_store(cursor: duckdb.DuckDBPyConnection, run: str, kept_path: str, path: str) -> str:
    """What the KL of an incoming log says against that of another log of the run in the store.

    The same log read again with another unit mends the first, and is no doubt.

    Args:
        cursor: inside a transaction; the incoming rows stand in incoming_metrics, not yet merged.
        run: the run.
        kept_path: where the store's log was read.
        path: where the incoming one was.
    """
    if kept_path == path:
        return ""
    pairs = cursor.sql(sql("queries", "kl_pairs"), params={"run": run}).pl()
    return scaled_by_length(pairs["kl"], pairs["kl_incoming"], pairs["length"])
