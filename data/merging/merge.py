"""One segment into the tables: whose run it is, which rows are new, what its log says."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl

from data.database import ddl
from data.database.results import RECOGNISED, RunResult
from data.database.rollups import affect, refresh
from data.database.sql import literal, sql
from data.merging import dead_rows, new_rows, renamed, run_records
from data.merging.run_records import RunRecord
from data.people import sealing
from data.roles import role_changes
from data.rows import answers, loop_tables
from data.rows.kl_seen import against_store
from data.words.wording import count as count_of

Cursor = duckdb.DuckDBPyConnection
NOTHING_GRADED = {"answers": 0, "behaviours": 0, "replaced": 0, "moved": 0}


def merge(cursor: Cursor, segment: Path, runs: pl.DataFrame) -> list[RunResult]:
    """Merge an import segment inside the caller's transaction.

    Args:
        cursor: has begun a transaction.
        segment: folder with metrics, scalars and samples as Parquet.
        runs: one row a run (columns of ``spool.RUN_COLUMNS``).

    Returns:
        One row a run: its run_id, rows added and replaced, whether anything changed, notes.
    """
    choices = role_changes.choices(cursor)
    known = run_records.kept(cursor, runs["run_id"].to_list())
    answered = answers.load(cursor, segment)
    looped = loop_tables.load(cursor, segment)
    rows = runs.to_dicts()
    names = {row["run_id"]: row["run_id"] for row in rows}
    straight = (
        all(_keeps_its_name(row, known) for row in rows)
        and not any(role_changes.chosen(row, choices, known) for row in rows)
        and new_rows.arrive(cursor, segment, bool(known))
    )
    restarted: dict[str, str] = {}
    lost: dict[str, int] = {}
    if straight:
        counts, metrics_alone = new_rows.insert(cursor)
    else:
        _load(cursor, segment)
        rows = list(role_changes.incoming(cursor, rows, choices, known))
        names = _settle_names(cursor, rows, answered, looped)
        known = run_records.kept(cursor, list(names.values()))
        for row in rows:
            run = names[row["run_id"]]
            if run in known and (
                doubt := against_store(cursor, run, known[run]["path"], row["path"])
            ):
                row["warnings"] = json.dumps([*json.loads(row["warnings"]), doubt])
        restarted = dead_rows.drop(cursor, rows, names, known)
        cursor.execute(sql("changes", "responses_gold"))
        cursor.execute(sql("changes", "labels_stand_beside"))
        counts, metrics_alone = _compare(cursor), False
        lost = dict(cursor.execute("from lost_samples").fetchall())
    _leave_out_responses(cursor, list(names.values()), counts)
    graded = answers.merge(cursor) if answered else {}
    told_of_loops = loop_tables.merge(cursor) if looped else {}
    generation = _one(cursor, "select number + 1 from generation")

    results: list[RunResult] = []
    affected = []
    records: list[RunRecord] = []
    for row in rows:
        run_id = names[row["run_id"]]
        notes = json.loads(row["warnings"])
        if run_id != row["run_id"]:
            notes.append(
                f"another run is named {row['run_id']!r} and holds other values: "
                f"this one became {run_id!r}"
            )
        if run_id in lost:
            notes.append(
                f"{count_of(lost[run_id], 'response')} of other prompts at the same steps went: a "
                "step's responses are replaced whole, so put those of one step into one table"
            )
        count = counts.get(run_id, {})
        added = {k: count.get(k, 0) for k in ("points", "gold_evaluations", "samples")}
        told_apart = graded.get(run_id, NOTHING_GRADED)
        moved = any(count.get(k, 0) for k in ("points", "samples", "moved"))
        of_loop = told_of_loops.get(run_id, {})
        moved = moved or told_apart["moved"] > 0 or of_loop.get("moved", 0) > 0
        if run_id in known:
            change = run_records.tell(cursor, known[run_id], row, notes, generation, moved)
            result, noted = change.changed, change.noted
        else:
            records.append(run_records.new(run_id, row, notes))
            result = noted = True
        facts = json.loads(row["facts"])
        if moved or result:
            affected.append(run_id)
        results.append(cast("RunResult", {
            "run": run_id, "format": row["format"], **added,
            "answers": told_apart["answers"], "behaviours": told_apart["behaviours"],
            **{name: of_loop.get(name, 0) for name in loop_tables.NAMES},
            "replaced": count.get("replaced", 0) + told_apart["replaced"]
            + of_loop.get("replaced", 0),
            "changed": moved or result, "noted": moved or noted,
            "facts": {name: facts[name] for name in RECOGNISED if facts.get(name) is not None},
            "warnings": [*notes, *([restarted[run_id]] if run_id in restarted else [])],
        }))  # fmt: skip
    _tell_renamed(cursor, records, results)
    run_records.insert(cursor, records, generation)
    sealing.close(cursor)
    if affected:
        whole = metrics_alone and not answered and not known
        refresh(cursor, affected, "arrived" if whole else "stored")
    if _unskip(cursor, runs["path"].to_list()) or affected:
        cursor.execute("update generation set number = number + 1")
    return results


def _tell_renamed(cursor: Cursor, records: list[RunRecord], results: list[RunResult]) -> None:
    """Say of new runs whose rows are those of a run that lost its log that they are."""
    renames = renamed.recorded(cursor, {record["run_id"]: record["path"] for record in records})
    for record in records:
        if note := renames.get(record["run_id"]):
            record["warnings"] = json.dumps([*json.loads(record["warnings"]), note])
    for result in results:
        if note := renames.get(result["run"]):
            result["warnings"] = [*result["warnings"], note]


def _leave_out_responses(
    cursor: Cursor, runs: list[str], counts: dict[str, dict[str, int]]
) -> None:
    """Drop the gold of responses where another gold of the run has come; it then counts no more."""
    gone = cursor.execute(sql("changes", "responses_gold_stored"), {"runs": runs}).fetchall()
    for (run,) in gone:
        if count := counts.get(run):
            count["gold_evaluations"] = max(0, count["gold_evaluations"] - 1)


def _keeps_its_name(row: Mapping[str, Any], known: Mapping[str, RunRecord]) -> bool:
    """Whether a run goes by its proposed name without a look at its rows (see _settle_name)."""
    kept = known.get(row["run_id"])
    if row["verbatim"] or kept is None:
        return True
    return bool(kept["path"] == row["path"] or kept["format"] == "settings")


def _load(cursor: Cursor, segment: Path) -> None:
    """The segment's rows as temporary tables incoming_*, of the same kinds as the store's."""
    cursor.execute(sql("changes", "incoming_tables"))
    for name in ("metrics", "scalars", "gold", "samples"):
        file = segment / f"{name}.parquet"
        cursor.execute(sql("changes", f"incoming_{name}"), {"path": literal(file)})


def _settle_names(
    cursor: Cursor, rows: Sequence[Mapping[str, Any]], answered: bool, looped: bool
) -> dict[str, str]:
    """The name in the store of each proposed one; the incoming rows bear it from here on."""
    names: dict[str, str] = {}
    proposals = {row["run_id"] for row in rows}
    for row in rows:
        others = proposals - {row["run_id"]} | set(names.values())
        names[row["run_id"]] = _settle_name(cursor, row, others)
    for proposed, settled in names.items():
        if settled != proposed:
            _rename(cursor, proposed, settled, answered)
            if looped:
                loop_tables.rename(cursor, proposed, settled)
    return names


def _compare(cursor: Cursor) -> dict[str, dict[str, int]]:
    """Merge the incoming rows with those that are there; what came and was replaced, by run."""
    ddl.merged_metrics(cursor)
    cursor.execute(sql("changes", "merge"))
    rows = cursor.execute("select * from changes_by_run").fetchall()
    names = ("points", "replaced", "gold_evaluations", "samples", "moved")
    return {run: dict(zip(names, row, strict=True)) for run, *row in rows}


def _unskip(cursor: Cursor, paths: list[str]) -> bool:
    """Drop what was said of logs that could not be read and now were; whether there was any."""
    asked = {"paths": paths}
    found = _one(cursor, "select count(*) from skips where list_contains($paths, path)", **asked)
    if found:
        cursor.execute("delete from skips where list_contains($paths, path)", asked)
    return found > 0


def keep_skips(cursor: Cursor, segment: Path, runs: pl.DataFrame) -> list[RunResult]:
    """Keep what an import could not read, inside the caller's transaction, the last word a path."""
    paths = {"skips": literal(segment / "runs.parquet"), "read": literal(segment / "read.parquet")}
    anew = cursor.execute(sql("changes", "skips_differ"), paths).fetchall()
    cursor.execute(
        "delete from skips where path in (select path from read_parquet($skips) "
        "union all select path from read_parquet($read))",
        paths,
    )
    cursor.execute(
        "insert into skips select path, reason, current_timestamp from read_parquet($skips)",
        {"skips": paths["skips"]},
    )
    if anew:
        cursor.execute("update generation set number = number + 1")
    return []


def forget(cursor: Cursor, segment: Path, runs: pl.DataFrame) -> list[RunResult]:
    """Remove runs inside the caller's transaction; a name that is not there is said so."""
    results: list[RunResult] = []
    for run_id in runs["run_id"]:
        known = _one(cursor, "select count(*) from runs where run_id = $run", run=run_id)
        results.append({"run": run_id, "forgotten": bool(known)})
    affect(cursor, [row["run"] for row in results if row["forgotten"]])
    cursor.execute(sql("changes", "forget"))
    loop_tables.forget(cursor)
    cursor.execute("update generation set number = number + 1")
    return results


def _settle_name(cursor: Cursor, row: Mapping[str, Any], others: set[str]) -> str:
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


def _rename(cursor: Cursor, old: str, new: str, answered: bool) -> None:
    names = {"old": old, "new": new}
    cursor.execute("update incoming_metrics set run_id = $new where run_id = $old", names)
    cursor.execute("update incoming_scalars set run_id = $new where run_id = $old", names)
    cursor.execute("update incoming_gold set run_id = $new where run_id = $old", names)
    cursor.execute("update incoming_samples set run_id = $new where run_id = $old", names)
    if answered:
        answers.rename(cursor, names)


def _one(cursor: Cursor, text: str, **params: Any) -> int:
    row = _first(cursor, text, **params)
    return int(row[0]) if row else 0


def _first(cursor: Cursor, text: str, **params: Any) -> tuple[Any, ...] | None:
    """The first row, all fetched: DuckDB refuses other work on a cursor with rows left."""
    rows = cursor.execute(text, params or None).fetchall()
    return rows[0] if rows else None
