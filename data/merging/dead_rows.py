"""Rows of an abandoned attempt that an earlier import stored: they go when its log is read again.

A reader settles the attempts that one log holds. The store may have rows of an attempt that the
log no longer has, or that another took over since: half of each would mix two policies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from data.columns import POSTED
from data.database.sql import sql
from data.merging.run_records import RunRecord

Cursor = duckdb.DuckDBPyConnection
STATE = "trainer_state"
"""Of these a run's folder holds one a checkpoint, and the longest is read."""


def drop(
    cursor: Cursor, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str],
    known: Mapping[str, RunRecord],
) -> dict[str, str]:  # fmt: skip
    """Remove the dead rows of runs whose whole log is read again; what is to be said of each run.

    Args:
        cursor: inside a transaction; the incoming rows stand in incoming_metrics, not yet merged.
        rows: the segment's runs.
        names: the name in the store of each proposed one.
        known: what the store has of its runs.
    """
    reasons: dict[str, str] = {}
    for row in rows:
        run = names[row["run_id"]]
        if run not in known or not _is_whole(row, known[run]):
            continue
        (first,) = cursor.execute(sql("queries", "parted_at"), {"run": run}).fetchall()[0]
        if first is None:
            continue
        cursor.execute("set variable dead_run = $run", {"run": run})
        cursor.execute("set variable dead_from = $step", {"step": first})
        cursor.execute(sql("changes", "dead_rows"))
        number, last = cursor.execute("select count(*), max(step) from dead_rows").fetchall()[0]
        if number:
            reasons[run] = (
                f"the run was restarted: from step {first} on its log is another attempt; "
                f"{number} rows of the one before it, to step {last}, which an earlier import "
                "brought, are taken out"
            )
    return reasons


def _is_whole(row: Mapping[str, Any], kept: RunRecord) -> bool:
    """Whether a log is the one that the store's rows came from, and all of it."""
    if row["path"] != kept["path"] or row["format"] != kept["format"]:
        return False
    if not Path(row["path"]).is_absolute():  # posted in parts
        return False
    before, now = (json.loads(facts["facts"]) for facts in (kept, row))
    if before.get("proxy_key") != now.get("proxy_key"):
        return False
    sources, there = before.get("sources") or [], now.get("sources") or []
    if any(source["path"] == POSTED for source in sources):
        return False  # which rows came over HTTP nothing tells
    if any(source.get("part") for source in there):
        return False
    needed = {s["path"] for s in sources if s.get("format") != STATE and Path(s["path"]).exists()}
    return needed <= {source["path"] for source in there}
