"""One segment into the tables: whose run it is, which rows are new, what its log says."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from data import answers, role_changes
from data.readers.conversion import NO_KEY
from data.readers.kl_zero import NEVER
from data.readers.roles import NO_GOLD
from data.rereading import KL_FACTS
from data.rollups import affect, refresh
from data.sql import sql

Cursor = duckdb.DuckDBPyConnection


def literal(path: Path) -> str:
    """A path for ``read_parquet``, which takes ``[``, ``*`` and ``?`` for a pattern.

    >>> literal(Path("a[1]/b.parquet"))
    'a[[]1]/b.parquet'
    """
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def merge(cursor: Cursor, segment: Path, runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Merge an import segment inside the caller's transaction.

    Args:
        cursor: has begun a transaction.
        segment: folder with metrics, scalars and samples as Parquet.
        runs: one row a run (columns of ``spool.RUN_COLUMNS``).

    Returns:
        One row a run: its run_id, rows added and replaced, whether anything changed, notes.
    """
    read = "create or replace temp table incoming_metrics as select * from read_parquet($path)"
    cursor.execute(read, {"path": literal(segment / "metrics.parquet")})
    read = "create or replace temp table incoming_scalars as select * from read_parquet($path)"
    cursor.execute(read, {"path": literal(segment / "scalars.parquet")})
    read = (
        "create or replace temp table incoming_samples as "
        "select * replace (map_from_entries(extra) as extra) from read_parquet($path)"
    )
    cursor.execute(read, {"path": literal(segment / "samples.parquet")})

    gold = segment / "gold.parquet"
    read = "create or replace temp table incoming_gold as select * from read_parquet($path)"
    if gold.is_file():
        cursor.execute(read, {"path": literal(gold)})
    else:  # segments from before gold stood apart
        cursor.execute(
            "create or replace temp table incoming_gold as from gold_evaluations limit 0"
        )

    answered = answers.load(cursor, segment, literal(segment))
    names: dict[str, str] = {}
    proposals = set(runs["run_id"])
    rows = list(role_changes.incoming(cursor, runs))
    for row in rows:
        others = proposals - {row["run_id"]} | set(names.values())
        names[row["run_id"]] = _settle_name(cursor, row, others)
    for proposed, settled in names.items():
        if settled != proposed:
            _rename(cursor, proposed, settled)
    cursor.execute(sql("changes", "merge"))
    counted = cursor.sql("select * from changes_by_run").pl()
    counts = {row["run_id"]: row for row in counted.iter_rows(named=True)}
    graded = answers.merge(cursor) if answered else {}
    generation = _one(cursor, "select number + 1 from generation")

    results, affected = [], []
    for row in rows:
        run_id = names[row["run_id"]]
        notes = json.loads(row["warnings"])
        if run_id != row["run_id"]:
            notes.append(
                f"another run is named {row['run_id']!r} and holds other values: "
                f"this one became {run_id!r}"
            )
        count = counts.get(run_id, {})
        added = {k: int(count.get(k, 0)) for k in ("points", "gold_evaluations", "samples")}
        told_apart = graded.get(run_id, {"answers": 0, "replaced": 0, "moved": 0})
        moved = any(count.get(k, 0) for k in ("points", "samples", "moved"))
        moved = moved or told_apart["moved"] > 0
        told = _tell(cursor, run_id, row, notes, generation, moved)
        if moved or told:
            affected.append(run_id)
        results.append({
            "run": run_id, "format": row["format"], **added,
            "answers": told_apart["answers"],
            "replaced": int(count.get("replaced", 0)) + told_apart["replaced"],
            "changed": moved or told, "facts": json.loads(row["facts"]), "warnings": notes,
        })  # fmt: skip
    if affected:
        refresh(cursor, affected)
    if _unskip(cursor, runs["path"].to_list()) or affected:
        cursor.execute("update generation set number = number + 1")
    return results


def _unskip(cursor: Cursor, paths: list[str]) -> bool:
    """Drop what was said of logs that could not be read and now were; whether there was any."""
    asked = {"paths": paths}
    found = _one(cursor, "select count(*) from skips where list_contains($paths, path)", **asked)
    if found:
        cursor.execute("delete from skips where list_contains($paths, path)", asked)
    return found > 0


def keep_skips(cursor: Cursor, segment: Path, runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Keep what an import could not read, inside the caller's transaction, the last word a path."""
    paths = {"skips": literal(segment / "runs.parquet"), "read": literal(segment / "read.parquet")}
    cursor.execute(
        "delete from skips where path in (select path from read_parquet($skips) "
        "union all select path from read_parquet($read))",
        paths,
    )
    cursor.execute(
        "insert into skips select path, reason, current_timestamp from read_parquet($skips)",
        {"skips": paths["skips"]},
    )
    cursor.execute("update generation set number = number + 1")
    return []


def forget(cursor: Cursor, segment: Path, runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Remove runs inside the caller's transaction; a name that is not there is said so."""
    results = []
    for run_id in runs["run_id"]:
        known = _one(cursor, "select count(*) from runs where run_id = $run", run=run_id)
        results.append({"run": run_id, "forgotten": bool(known)})
    affect(cursor, [row["run"] for row in results if row["forgotten"]])
    cursor.execute(sql("changes", "forget"))
    cursor.execute("update generation set number = number + 1")
    return results


def _settle_name(cursor: Cursor, row: dict[str, Any], others: set[str]) -> str:
    """The run's name in the store: as proposed, or with its parent's where another run has it.

    Two logs of one name are one run when the rows that they share are equal (a log that grew, a
    copy elsewhere), or when they were read at the same place (a run started afresh). ``others``
    are the names of the other runs in the same segment: none of them is given twice.
    """
    proposed = str(row["run_id"])
    if row["verbatim"]:
        return proposed
    candidate, number = proposed, 1
    while True:
        known = "select path, parent, format from runs where run_id = $run"
        kept = _first(cursor, known, run=candidate)
        if candidate not in others:
            if kept is None or kept[0] == row["path"] or kept[2] == "settings":
                return candidate
            verdict = _same_rows(cursor, candidate, proposed)
            if verdict or (verdict is None and kept[1] == row["parent"]):
                return candidate
        suffix = "" if number == 1 else f"-{number}"
        candidate = f"{row['parent'] or 'run'}-{proposed}{suffix}"
        number += 1


def _same_rows(cursor: Cursor, kept: str, incoming: str) -> bool | None:
    """Whether the first rows in common are equal to 1e-4; None when there are none to compare."""
    rows = cursor.sql(sql("queries", "same_rows"), params={"kept": kept, "incoming": incoming})
    compared = 0
    for row in rows.pl().iter_rows(named=True):
        for key in ("kl", "proxy", "gold"):
            a, b = row[key if key == "kl" else f"{key}_reward"], row[f"{key}_incoming"]
            if a is None or b is None:
                continue
            if not math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6):
                return False
            compared += 1
    return True if compared else None


def _rename(cursor: Cursor, old: str, new: str) -> None:
    names = {"old": old, "new": new}
    cursor.execute("update incoming_metrics set run_id = $new where run_id = $old", names)
    cursor.execute("update incoming_scalars set run_id = $new where run_id = $old", names)
    cursor.execute("update incoming_gold set run_id = $new where run_id = $old", names)
    cursor.execute("update incoming_samples set run_id = $new where run_id = $old", names)
    answers.rename(cursor, names)


def _tell(
    cursor: Cursor, run_id: str, row: dict[str, Any], notes: list[str], generation: int, moved: bool
) -> bool:
    """Keep what the log says of the run; return whether that is anything new."""
    kept = _first(
        cursor,
        "select project, format, parent, path, facts, warnings from runs where run_id = $run",
        run=run_id,
    )
    facts = _merged_facts(json.loads(row["facts"]), {})  # in the order that merging keeps
    new = {
        "run": run_id, "project": row["project"] or "default", "format": row["format"],
        "parent": row["parent"], "path": row["path"], "warnings": json.dumps(notes),
    }  # fmt: skip
    if kept is None:
        cursor.execute(
            "insert into runs (run_id, project, format, parent, path, facts, warnings, ordinal, "
            "generation) select $run, $project, $format, $parent, $path, $facts, $warnings, "
            "(select coalesce(max(ordinal) + 1, 0) from runs), $generation",
            {**new, "facts": json.dumps(facts), "generation": generation},
        )
        return True
    old = json.loads(kept[4])
    new["project"] = row["project"] or kept[0]
    if row["source_rank"] > _rank_of(kept[1]):
        facts = _merged_facts(facts, old) | {"stated": facts.get("stated", [])}
        # The poorer log of a known run fills in; it does not rename where the run came from.
        new |= {"format": kept[1], "parent": kept[2], "path": kept[3], "warnings": kept[5]}
        if row["format"] == "settings":  # so that a corrected table corrects
            facts["config"] |= json.loads(row["facts"])["config"]
    else:
        facts = _merged_facts(old, facts) | {"stated": facts.get("stated", [])}
        new["warnings"] = json.dumps(_still_true(notes, facts))
    if str(facts.get("kl_note") or "").startswith(NEVER) and old.get("kl_conversion") != "missing":
        cursor.execute("update metrics set kl = null where run_id = $run", {"run": run_id})
    before = (kept[0], kept[1], kept[2], kept[3], old, kept[5])
    after = (new["project"], new["format"], new["parent"], new["path"], facts, new["warnings"])
    if before == after and not moved:
        return False
    # A copy at another place is noted, but is no change that verdicts would have to follow.
    changed = before[:1] + before[4:] != after[:1] + after[4:] or moved
    cursor.execute(
        "update runs set project = $project, format = $format, parent = $parent, path = $path, "
        "facts = $facts, warnings = $warnings, "
        "generation = case when $changed then $generation else generation end, "
        "imported_at = case when $changed then current_timestamp else imported_at end "
        "where run_id = $run",
        {**new, "facts": json.dumps(facts), "generation": generation, "changed": changed},
    )
    return changed


def _still_true(notes: list[str], facts: dict[str, Any]) -> list[str]:
    """A part of a log may lack what the rest of it has: what it says is missing may be there."""
    if facts.get("gold_key"):
        notes = [note for note in notes if not note.startswith(NO_GOLD)]
    if facts.get("kl_key"):
        notes = [note for note in notes if not note.startswith(NO_KEY)]
    return notes


def _rank_of(name: str) -> int:
    from data.spool import FORMAT_RANK

    return FORMAT_RANK.get(name, 9)


def _merged_facts(poorer: dict[str, Any], richer: dict[str, Any]) -> dict[str, Any]:
    """The richer log's facts; what it leaves open is filled from the other."""
    facts = dict(poorer)
    for key, value in richer.items():
        if value not in (None, "", [], {}, "missing", 0):
            facts[key] = value
    never = str(richer.get("kl_note") or "").startswith(NEVER)
    if never:  # the whole log tells what its first rows could not
        facts |= {key: richer.get(key) for key in KL_FACTS}
    elif richer.get("kl_conversion") == "missing" and poorer.get("kl_conversion") != "missing":
        facts |= {key: poorer[key] for key in KL_FACTS if key in poorer}
    checkpoints = {*poorer.get("checkpoints", []), *richer.get("checkpoints", [])}
    facts["checkpoints"] = sorted(checkpoints)
    sources = {s.get("path"): s for s in [*poorer.get("sources", []), *richer.get("sources", [])]}
    facts["sources"] = [sources[path] for path in sorted(sources, key=str)]
    facts["config"] = {**poorer.get("config", {}), **richer.get("config", {})}
    return facts


def _one(cursor: Cursor, text: str, **params: Any) -> int:
    row = _first(cursor, text, **params)
    return int(row[0]) if row else 0


def _first(cursor: Cursor, text: str, **params: Any) -> tuple[Any, ...] | None:
    """The first row, all fetched: DuckDB refuses other work on a cursor with rows left."""
    rows = cursor.execute(text, params or None).fetchall()
    return rows[0] if rows else None
