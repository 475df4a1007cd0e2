"""The table runs: what logs say of their runs besides rows, the richer log first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple, TypedDict

import duckdb

from data.columns import POSTED
from data.database.sql import sql
from data.merging import sources
from data.readers.kl.kl_zero import NEVER
from data.readers.meaning.conversion import NO_KEY
from data.readers.meaning.roles import NO_GOLD
from data.readers.runs.formats import FORMAT_RANK, UNKNOWN_RANK
from data.roles.rereading_kl import KL_FACTS, MENDED

Cursor = duckdb.DuckDBPyConnection
COLUMNS = ("run_id", "project", "format", "parent", "path", "facts", "warnings")


class RunRecord(TypedDict):
    """A row of the table runs; facts and warnings are JSON."""

    run_id: str
    project: str
    format: str
    parent: str
    path: str
    facts: str
    warnings: str


class RecordChange(NamedTuple):
    """Whether a log says anything new of a known run, and whether verdicts must follow that."""

    noted: bool
    changed: bool


def kept(cursor: Cursor, names: list[str]) -> dict[str, RunRecord]:
    """What the store has of those of the runs that it knows, by run."""
    rows = cursor.execute(sql("changes", "kept_runs"), {"runs": names}).fetchall()
    return {
        run_id: {
            "run_id": run_id, "project": project, "format": format, "parent": parent,
            "path": path, "facts": facts, "warnings": warnings,
        }
        for run_id, project, format, parent, path, facts, warnings in rows
    }  # fmt: skip


def new(run_id: str, row: Mapping[str, Any], notes: list[str]) -> RunRecord:
    """The record of a run that the store does not know yet."""
    facts = _merged_facts(json.loads(row["facts"]), {})  # in the order that merging keeps
    facts["sources"] = sources.merged([], sources.of_log(facts, row["path"]))
    return {
        "run_id": run_id, "project": row["project"] or "default", "format": row["format"],
        "parent": row["parent"], "path": row["path"], "facts": json.dumps(facts),
        "warnings": json.dumps(notes),
    }  # fmt: skip


def insert(cursor: Cursor, records: list[RunRecord], generation: int) -> None:
    """Put new runs into the table, in this order of arrival."""
    if records:
        rows = [dict(record) for record in records]
        columns = {name: [row[name] for row in rows] for name in COLUMNS}
        cursor.execute(sql("changes", "new_runs"), {**columns, "generation": generation})


def tell(
    cursor: Cursor, kept: RunRecord, row: Mapping[str, Any], notes: list[str], generation: int,
    moved: bool,
) -> RecordChange:  # fmt: skip
    """Keep what the log says of a known run; ``moved``: its rows changed some of the run's."""
    run_id = kept["run_id"]
    facts = _merged_facts(json.loads(row["facts"]), {})  # in the order that merging keeps
    new = {
        "run": run_id, "format": row["format"], "parent": row["parent"], "path": row["path"],
        "warnings": json.dumps(notes),
    }  # fmt: skip
    old = json.loads(kept["facts"])
    places = sources.merged(
        sources.of_log(old, kept["path"]), sources.of_log(facts, row["path"]), again=not moved
    )
    new["project"] = row["project"] or kept["project"]
    if row["source_rank"] > _rank_of(kept["format"]):
        facts = _merged_facts(facts, old) | {"stated": facts.get("stated", [])}
        # The poorer log of a known run fills in; it does not rename where the run came from.
        new |= {
            "format": kept["format"],
            "parent": kept["parent"],
            "path": kept["path"],
            "warnings": kept["warnings"],
        }
        if row["format"] == "settings":  # so that a corrected table corrects
            facts["config"] |= json.loads(row["facts"])["config"]
    else:
        no_kl = _is_told_of_none(facts, kept["path"] == row["path"])
        mended = {MENDED: bool(facts.get(MENDED))} if MENDED in old else {}
        stated = facts.get("stated", [])
        facts = _merged_facts(old, facts, no_kl) | {"stated": stated, **mended}
        new["warnings"] = json.dumps(_still_true(notes, facts))
        if row["path"] == POSTED:  # rows of a run whose log has a place: it is found there again
            new |= {"parent": kept["parent"], "path": kept["path"]}
    facts["sources"] = places
    if facts.get("kl_conversion") == "missing" and old.get("kl_conversion") != "missing":
        cursor.execute("update metrics set kl = null where run_id = $run", {"run": run_id})
    before = (kept["project"], kept["format"], kept["parent"], kept["path"], old, kept["warnings"])
    after = (new["project"], new["format"], new["parent"], new["path"], facts, new["warnings"])
    same = facts == old and new["project"] == kept["project"]
    if not moved and (before == after or (same and _lie_together(kept["path"], row["path"]))):
        return RecordChange(False, False)
    # A copy at another place is noted, but is no change that verdicts would have to follow.
    bare = [{**one, "sources": None} for one in (old, facts)]
    changed = moved or before[0] != after[0] or bare[0] != bare[1] or before[5] != after[5]
    cursor.execute(
        "update runs set project = $project, format = $format, parent = $parent, path = $path, "
        "facts = $facts, warnings = $warnings, "
        "generation = case when $changed then $generation else generation end, "
        "imported_at = case when $changed then current_timestamp else imported_at end "
        "where run_id = $run",
        {**new, "facts": json.dumps(facts), "generation": generation, "changed": changed},
    )
    return RecordChange(True, changed)


def _lie_together(last: str, now: str) -> bool:
    """Whether two files of a run lie in one folder: read in turn, each would be the last read."""
    return last != now and PurePath(last).parent == PurePath(now).parent


def _is_told_of_none(facts: Mapping[str, Any], same_log: bool) -> bool:
    """Whether the log's KL, which was taken before, is none: by the whole log, or as the user says.

    A part of a log that only lacks the key says nothing of the rest.
    """
    if str(facts.get("kl_note") or "").startswith(NEVER):
        return True
    asked = set(facts.get("stated", [])) & {"kl", "kl_reference"}
    return bool(asked) and same_log and facts.get("kl_conversion") == "missing"


def _still_true(notes: list[str], facts: Mapping[str, Any]) -> list[str]:
    """A part of a log may lack what the rest of it has: what it says is missing may be there."""
    if facts.get("gold_key"):
        notes = [note for note in notes if not note.startswith(NO_GOLD)]
    if facts.get("kl_key"):
        notes = [note for note in notes if not note.startswith(NO_KEY)]
    return notes


def _rank_of(name: str) -> int:
    return FORMAT_RANK.get(name, UNKNOWN_RANK)


def _merged_facts(
    poorer: Mapping[str, Any], richer: Mapping[str, Any], no_kl: bool = False
) -> dict[str, Any]:
    """The richer log's facts; what it leaves open is filled from the other, but for a KL that is
    known to be none (``no_kl``)."""
    facts = dict(poorer)
    for key, value in richer.items():
        if value not in (None, "", [], {}, "missing", 0):
            facts[key] = value
    if not richer.get("gold_key") and poorer.get("gold_better"):
        facts["gold_better"] = poorer["gold_better"]  # of the gold that is kept
    if no_kl:  # the whole log tells what its first rows could not
        facts |= {key: richer.get(key) for key in KL_FACTS}
    elif richer.get("kl_conversion") == "missing" and poorer.get("kl_conversion") != "missing":
        facts |= {key: poorer[key] for key in KL_FACTS if key in poorer}
    checkpoints = {*poorer.get("checkpoints", []), *richer.get("checkpoints", [])}
    facts["checkpoints"] = sorted(checkpoints)
    facts["config"] = {**poorer.get("config", {}), **richer.get("config", {})}
    return facts
