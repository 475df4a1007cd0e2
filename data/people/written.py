"""What people write: notes with decisions, pins of a view, closed reviews.

Each is a segment like every other change, so it survives a crash and is rebuilt from the archive.
It belongs to the store and to no run: forgetting a run takes none of it away.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import polars as pl

from data.database import ddl
from data.database.results import RunResult
from data.database.sql import StoreError, literal
from data.declared import CLOSED_REVIEWS, NOTES, PINS, WRITTEN
from data.rows.typed import typed

if TYPE_CHECKING:
    from data.database.any_store import AnyStore

Cursor = duckdb.DuckDBPyConnection
Row = Mapping[str, str | int | None]
DECIDED = ("continue", "stop", "roll_back", "re_evaluate", "escalate")
"""What a review can decide."""
LONGEST_NOTE = 20_000
LONGEST_NAME = 200
SUBJECT = ("run_id", "pin_id", "topic")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that turn the direction of text, halves of characters."""


class NoteError(StoreError):
    """What somebody wrote cannot be kept; the message says why and what to do."""


def keep(cursor: Cursor, segment: Path, rows: pl.DataFrame) -> list[RunResult]:
    """Keep what a segment of one of the kinds of WRITTEN says, inside the caller's transaction.

    An edit of a note is numbered here, in the order in which edits came in: two people who write
    at once both keep their words. Returns one row: its run, if it has one, and its id.
    """
    table = WRITTEN[segment.suffix.lstrip(".")]
    ddl.await_rows(cursor, table)
    ddl.take_rows(cursor, table, literal(segment / "runs.parquet"))
    if table is NOTES:
        cursor.execute(
            "update incoming_notes i set edit = "
            "(select count(*) from notes n where n.note_id = i.note_id)"
        )
    ddl.merge_written(cursor, table)
    cursor.execute("update generation set number = number + 1")
    about = rows.row(0, named=True)
    result = {"run": about.get("run_id"), table.key[0]: about[table.key[0]]}
    return [cast("RunResult", result)]


def keep_note(store: AnyStore, note: Row) -> str:
    """Write a note down, or a new edit of one; return its id.

    Args:
        store: that keeps it.
        note: run_id (or pin_id, or topic) and where there step, iteration; text, decision,
            owner, due; by; note_id of the note that it edits, removed to take it away.

    Raises:
        NoteError: it is about nothing, says nothing, or is too long.
        StoreError: the store could not take it in; it waits in the inbox.
    """
    checked = typed("note", NOTES, note, NoteError)
    row = {"note_id": secrets.token_hex(5), "edit": 0, "removed": False, **_tidy(checked)}
    _check(row)
    _brought(store, "note", row | {"at": now()})
    return str(row["note_id"])


def keep_pin(store: AnyStore, pin: Row) -> str:
    """Keep a view as it is shown, in the columns of PINS; return its id.

    Raises:
        NoteError: nobody is named.
        StoreError: the store could not take it in; it waits in the inbox.
    """
    checked = typed("pin", PINS, pin, NoteError)
    if not (by := _line(checked.get("by"))):
        raise NoteError("a pin needs a name: who pins it?")
    row = {"pin_id": secrets.token_hex(5), **checked, "by": by, "at": now()}
    _brought(store, "pin", row)
    return str(row["pin_id"])


def close_review(store: AnyStore, since: str, until: str, by: str, state: str) -> str:
    """Close a review: the next one begins behind ``until``; return its id.

    Args:
        store: that keeps it.
        since: from when it looked, ISO 8601.
        until: the last segment that it saw.
        by: who closes it.
        state: what it showed of each run, JSON.

    Raises:
        NoteError: nobody is named.
        StoreError: the store could not take it in; it waits in the inbox.
    """
    given = {"since": since, "until": until, "by": by, "state": state}
    typed("review", CLOSED_REVIEWS, given, NoteError)
    if not (name := _line(by)):
        raise NoteError("closing a review needs a name: who closes it?")
    row = {
        "review_id": secrets.token_hex(5), "since": since, "until": until or "0", "by": name,
        "at": now(), "state": state,
    }  # fmt: skip
    _brought(store, "review", row)
    return str(row["review_id"])


def now() -> str:
    """This moment, as notes carry it: ISO 8601, UTC, fine enough that two keep their order."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _brought(store: AnyStore, kind: str, row: Row) -> None:
    from data import spool  # which knows readers that this module is no part of

    segment = spool.write_written(store.home, kind, row)
    store.drain()
    if not store.results([segment]):
        raise StoreError(f"the {kind} waits in the inbox of {store.home}: it is tried again later")


def _tidy(note: Row) -> dict[str, Any]:
    """The note without what nobody can see, and without cells that say nothing."""
    tidied: dict[str, Any] = {}
    for name, value in note.items():
        if isinstance(value, str):
            value = _UNSEEN.sub("", value).strip() or None
        if value is not None:
            tidied[name] = value
    return tidied


def _line(value: object) -> str:
    return " ".join(_UNSEEN.sub("", str(value or "")).split())[:LONGEST_NAME]


def _check(row: dict[str, Any]) -> None:
    if not any(row.get(name) for name in SUBJECT):
        raise NoteError("a note is about something: a run, a loop, a topic or a pin")
    if not row.get("by"):
        raise NoteError("a note needs a name: who writes it?")
    if not row["removed"] and not row.get("text") and not row.get("decision"):
        raise NoteError("the note says nothing: write a sentence, or choose a decision")
    for name in ("by", "owner"):
        if len(str(row.get(name) or "")) > LONGEST_NAME:
            raise NoteError(f"{name} is longer than {LONGEST_NAME} letters: a name is expected")
    if len(str(row.get("text") or "")) > LONGEST_NOTE:
        raise NoteError(
            f"the note has {len(row['text'])} letters, and at most {LONGEST_NOTE} are kept: "
            "put long texts where all can read them, and link to them"
        )
    if row.get("decision") not in (None, *DECIDED):
        raise NoteError(f"{row['decision']!r} is no decision; there are: {', '.join(DECIDED)}")
    if row.get("due") is not None:
        try:
            day = datetime.date.fromisoformat(str(row["due"]))
        except ValueError:
            raise NoteError(f"due {str(row['due'])[:40]!r} is no date such as 2026-12-04") from None
        row["due"] = day.isoformat()  # however else it was written
