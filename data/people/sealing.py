"""Gold that the gate alone reads: a source is sealed, and its scores lie apart from then on.

Scores of a sealed source are kept under another name (``sealed:`` and the source), in the table of
responses as a phase, in that of gold as a source: no question about responses or gold asks for
them but ``sealed_gold``. Whoever looks is recorded. ``seals.json`` beside the store repeats what is
sealed, for whoever reads logs: that may be another process.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from data.columns import LogError
from data.database.results import RunResult
from data.database.rollups import affect, refresh
from data.database.sql import StoreError, sql
from data.people import written
from data.readers.responses.scored_responses import LABELS
from data.readers.responses.sealed_gold import SEALED

if TYPE_CHECKING:
    from data.database.any_store import AnyStore

Cursor = duckdb.DuckDBPyConnection
FILE = "seals.json"
OWN = ("evaluation", "table", "training", "table of responses")
"""Sources that the product names itself: what a log has of gold where nobody is named."""
OPENING = ("gate", "export")


def seal(store: AnyStore, project: str, source: str, by: str) -> None:
    """Seal the gold of a source, what is in the store and what will be imported.

    Raises:
        LogError: it is no source that a log names, or nobody is named.
        StoreError: the store could not take it in; it waits in the inbox.
    """
    if not source.strip() or source in OWN or source.startswith(SEALED):
        raise LogError(
            f"gold of {source!r} cannot be sealed: expected a source that logs name in a column "
            "gold_source (or the name of a table of gold alone, without its ending)"
        )
    _act(store, {"act": "seal", "project": project, "source": source, "by": _named(by)})


def unseal(store: AnyStore, project: str, source: str, by: str) -> None:
    """Let everything read the gold of a source again; that it was, and by whom, stays recorded.

    Raises:
        LogError: it is not sealed, or nobody is named.
        StoreError: the store could not take it in; it waits in the inbox.
    """
    if source not in sealed(store).get(project, []):
        there = ", ".join(sealed(store).get(project, [])) or "none"
        raise LogError(f"gold of {source!r} is not sealed in project {project}; sealed: {there}")
    _act(store, {"act": "unseal", "project": project, "source": source, "by": _named(by)})


def sealed(store: AnyStore) -> dict[str, list[str]]:
    """The sources that are sealed now, by project."""
    return _now(store.query("seals", project=None).iter_rows(named=True))


def look(store: AnyStore, act: Mapping[str, Any]) -> None:
    """Record that somebody looked: act (gate or export), project, source and what else is known.

    With a ``seal_id`` that is there already nothing is written: the same look is one.
    """
    known = store.query("seals", project=act["project"])["seal_id"]
    if act.get("seal_id") not in set(known):
        _act(store, act)


def exported(store: AnyStore, run: str, by: str) -> pl.DataFrame:
    """The sealed scores of one run, for whoever breaks the seal by name; that it was is recorded.

    Raises:
        LogError: nobody is named.
        StoreError: there are none; or the store could not take the record in.
    """
    name = _named(by)
    rows = store.query("sealed_gold", loops=[run], until=None)
    if rows.is_empty():
        raise StoreError(f"run {run!r} has no sealed gold of single responses")
    (project,) = store.query("runs", project=None, runs=[run])["project"]
    for source in rows["source"].unique().sort():
        look(store, {"act": "export", "project": project, "source": source, "loop": run,
                     "by": name})  # fmt: skip
    return rows


def _named(by: str) -> str:
    if not (name := " ".join(by.split())[: written.LONGEST_NAME]):
        raise LogError("say who: --by NAME")
    return name


def _act(store: AnyStore, act: Mapping[str, Any]) -> None:
    from data import spool  # which knows readers that this module is no part of

    row = {"seal_id": secrets.token_hex(8), "at": written.now(), **act}
    segment = spool.write_written(store.home, "seal", row)
    store.drain()
    if not store.results([segment]):
        raise StoreError(f"the seal waits in the inbox of {store.home}: it is tried again later")


def _sealed(cursor: Cursor) -> dict[str, list[str]]:
    rows = cursor.execute(sql("queries", "seals"), {"project": None})
    names = [column[0] for column in rows.description or ()]
    return _now(dict(zip(names, row, strict=True)) for row in rows.fetchall())


def _now(acts: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What is sealed after some acts, in the order of their times."""
    sealed: dict[str, dict[str, bool]] = {}
    for act in acts:
        if act["act"] not in OPENING:
            sealed.setdefault(act["project"], {})[act["source"]] = act["act"] == "seal"
    found = {
        project: sorted(s for s, on in states.items() if on) for project, states in sealed.items()
    }
    return {project: sources for project, sources in found.items() if sources}


def change(cursor: Cursor, segment: Path, rows: pl.DataFrame) -> list[RunResult]:
    """Keep an act, and move the scores that it seals or unseals, inside the caller's transaction.

    Returns one row a run whose gold went or came.
    """
    results = written.keep(cursor, segment, rows)
    act = rows.row(0, named=True)
    if act["act"] in OPENING:
        return results
    names = (act["source"], SEALED + act["source"])
    if act["act"] == "seal":
        cursor.execute("set variable sealed_project = $value", {"value": act["project"]})
        cursor.execute("set variable sealed_source = $value", {"value": act["source"]})
        cursor.execute(sql("changes", "seal_main"))
    was, now = names if act["act"] == "seal" else names[::-1]
    asked = {"project": act["project"], "was": was, "now": now}
    asked |= {"labels": was if was.startswith(SEALED) else LABELS + was,
              "labels_now": now if now.startswith(SEALED) else LABELS + now}  # fmt: skip
    return _moved(cursor, asked)


def close(cursor: Cursor) -> None:
    """Move the scores that came in of sources that are sealed in the projects of their runs.

    What a log was read without knowing: its run is of another project than the import named.
    """
    for project, sources in _sealed(cursor).items():
        for source in sources:
            _moved(cursor, {
                "project": project, "was": source, "now": SEALED + source,
                "labels": LABELS + source, "labels_now": SEALED + source,
            })  # fmt: skip


def _moved(cursor: Cursor, asked: Mapping[str, str]) -> list[RunResult]:
    found = cursor.execute(sql("changes", "seal_runs"), {
        key: asked[key] for key in ("project", "was", "labels")
    }).fetchall()  # fmt: skip
    runs = [row[0] for row in found]
    if not runs:
        return []
    moved = {"runs": runs, "was": asked["was"], "now": asked["now"]}
    cursor.execute("update gold_evaluations set source = $now where source = $was and "
                   "list_contains($runs, run_id)", moved)  # fmt: skip
    moved = {"runs": runs, "was": asked["labels"], "now": asked["labels_now"]}
    cursor.execute("update samples set phase = $now where phase = $was and "
                   "list_contains($runs, run_id)", moved)  # fmt: skip
    cursor.execute("update runs set generation = (select number + 1 from generation) where "
                   "list_contains($runs, run_id)", {"runs": runs})  # fmt: skip
    affect(cursor, runs)
    refresh(cursor, runs)
    cursor.execute("update generation set number = number + 1")
    return [{"run": run, "changed": True} for run in runs]


def publish(home: Path, cursor: Cursor) -> None:
    """Write what is sealed, by project, where it is not what the file says already."""
    sealed = _sealed(cursor)
    if sealed == read(home):
        return
    draft = home / f"{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(sealed))
    os.replace(draft, home / FILE)


def read(home: Path) -> dict[str, list[str]]:
    """What is sealed, by project; empty where nothing is, or the file is broken."""
    try:
        document = json.loads((home / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
