"""A project's choice of roles on its way into the tables, and onto the rows of later segments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl

from data.columns import METRIC_COLUMNS
from data.database.results import RunResult
from data.database.rollups import affect, refresh
from data.database.sql import sql
from data.readers.meaning.roles import function_of
from data.roles.rereading import reread
from data.roles.stated_roles import ROLE_NAMES, Roles
from data.rows.run_rows import RunRows, parked

Cursor = duckdb.DuckDBPyConnection
REPORTED = (
    "proxy_key", "gold_key", "gold_kind", "kl_key", "kl_logged_unit", "kl_estimator",
    "kl_conversion", "kl_reference", "length_key",
)  # fmt: skip
"""Facts of a run that the result of a choice names."""


def change(cursor: Cursor, segment: Path, rows: pl.DataFrame) -> list[RunResult]:
    """Keep a project's choice and re-read its runs, inside the caller's transaction.

    Returns one row a run that changed: its keys, KL unit and conversion afterwards.
    """
    given = rows.row(0, named=True)
    project, forget = given.pop("project"), given.pop("forget")
    mend = bool(given.pop("mend", False))  # segments of earlier programs do not say it
    cursor.execute("delete from project_roles where project = $project", {"project": project})
    roles = Roles(**given)
    if not forget:
        cursor.execute(sql("changes", "new_choice"), {"project": project, **roles.to_dict()})
    runs = cursor.execute(
        "select run_id, facts, warnings from runs where project = $project order by run_id",
        {"project": project},
    ).fetchall()
    affect(cursor, [run[0] for run in runs])
    cursor.execute(sql("changes", "reread_load"))
    results = []
    for run_id, facts, warnings in runs:
        changes = _read_again(
            cursor, run_id, json.loads(facts), json.loads(warnings), roles, None, mend
        )
        if changes is None:
            continue
        cursor.execute(
            "update runs set facts = $facts, warnings = $warnings, generation = "
            "(select number + 1 from generation) where run_id = $run",
            {
                "facts": json.dumps(changes.facts),
                "warnings": json.dumps(changes.warnings),
                "run": run_id,
            },
        )
        now = {"run": run_id, **{k: changes.facts.get(k) for k in REPORTED}}
        results.append(cast("RunResult", now))
    if results:
        cursor.execute(sql("changes", "reread_keep"))
        refresh(cursor, [row["run"] for row in results])
    cursor.execute("update generation set number = number + 1")
    return results


def choices(cursor: Cursor) -> dict[str, Roles]:
    """What was chosen, by project."""
    names = ("project", *ROLE_NAMES)
    rows = cursor.execute(sql("changes", "kept_choices")).fetchall()
    return {row[0]: Roles(**dict(zip(names[1:], row[1:], strict=True))) for row in rows}


def chosen(
    row: Mapping[str, Any], choices: Mapping[str, Roles], known: Mapping[str, Mapping[str, Any]]
) -> Roles | None:
    """What was chosen for the project of an incoming run."""
    kept = known.get(row["run_id"])
    return choices.get(row["project"] or (kept["project"] if kept else "default"))


def incoming(
    cursor: Cursor, rows: Iterable[Mapping[str, Any]], choices: Mapping[str, Roles],
    known: Mapping[str, Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The runs of a segment, their incoming rows read as their project's choice says."""
    for row in rows:
        roles = chosen(row, choices, known) if "source_rank" in row else None
        if roles:
            kept = known.get(row["run_id"])
            facts, warnings = json.loads(row["facts"]), json.loads(row["warnings"])
            before = json.loads(kept["facts"]) if kept else None
            changes = _read_again(cursor, row["run_id"], facts, warnings, roles, before)
            if changes:
                row = dict(row) | {
                    "facts": json.dumps(changes.facts), "warnings": json.dumps(changes.warnings)
                }  # fmt: skip
        yield dict(row)


def _read_again(
    cursor: Cursor, run_id: str, facts: dict[str, Any], warnings: list[str], roles: Roles,
    known: Mapping[str, Any] | None, mend: bool = False,
) -> RunRows | None:  # fmt: skip
    """Read the incoming rows of one run again; None where nothing changed."""
    asked = {"run": run_id}
    frames = [
        cursor.sql(text, params=asked).pl()
        for text in (
            "select * from incoming_metrics where run_id = $run order by phase, step",
            "select * from incoming_scalars where run_id = $run",
        )
    ]
    run = RunRows(frames[0], frames[1], facts, warnings)
    before = {role: facts.get(f"{role}_key") for role in ("proxy", "gold")}
    if not frames[0].height or not reread(run, roles, known, mend):
        return None
    cursor.execute("delete from incoming_metrics where run_id = $run", asked)
    cursor.execute("delete from incoming_scalars where run_id = $run", asked)
    cursor.register("read_again", run.metrics)
    cursor.execute("insert into incoming_metrics by name select * from read_again")
    cursor.register("read_again", run.scalars)
    cursor.execute("insert into incoming_scalars by name select * from read_again")
    cursor.unregister("read_again")
    after = {role: facts.get(f"{role}_key") for role in ("proxy", "gold")}
    if before != after:
        cursor.execute(
            sql("changes", "reread_samples"),
            {
                "run": run_id,
                "proxy_was": _sample_column(before["proxy"], "proxy_reward"),
                "gold_was": _sample_column(before["gold"], "gold_reward"),
                "proxy": after["proxy"] and _sample_column(after["proxy"], "proxy_reward"),
                "gold": after["gold"] and _sample_column(after["gold"], "gold_reward"),
            },
        )
    return run


def _sample_column(key: str | None, column: str) -> str:
    """The column of the responses that holds a reward's values, as logged."""
    name = function_of(key) if key else column
    return f"logged {column}" if name in (*METRIC_COLUMNS, column) else parked(name)
