"""The store as it was: what its archive held before a moment, in a folder of its own.

Segments never change, so what was in the tables on any day can be made again. Nothing is copied:
the folder holds links.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data import spool
from data.database.any_store import AnyStore
from data.declared import WRITTEN
from data.store import Store

CHANGING = ("import", "forget", "roles", "seal")
"""Kinds of segments that may change a run."""


UNREAD = set(WRITTEN) - set(CHANGING)
"""Kinds of segments that are left out of the store as it was."""


def kind_of(segment: Path) -> str:
    """The kind of a segment, by its name's ending."""
    return segment.suffix.lstrip(".")


def moment(text: str) -> datetime.datetime:
    """A date or time as a review's address has it; without a zone it is UTC.

    >>> moment("2026-11-21").isoformat()
    '2026-11-21T00:00:00+00:00'

    Raises:
        ValueError: it is neither.
    """
    at = datetime.datetime.fromisoformat(text.strip())
    return at if at.tzinfo else at.replace(tzinfo=datetime.UTC)


def before(at: datetime.datetime) -> str:
    """The name that sorts before every segment committed from a moment on."""
    whole = int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000
    return f"{max(whole, 0):020d}"


def committed_at(segment: str) -> datetime.datetime:
    """When a segment was committed, by its name."""
    stamp = segment.partition("-")[0]
    whole = int(stamp) if stamp.isdecimal() else 0
    return datetime.datetime.fromtimestamp(whole / 1e9, datetime.UTC)


def as_it_was(home: Path, since: str, folder: Path) -> Store:
    """The store of ``home`` before the segment name ``since``, made in ``folder`` where it is not.

    What people wrote is left out: it changes no run.
    """
    archive = folder / "archive"
    if not archive.is_dir():
        archive.mkdir(parents=True)
        for segment in spool.archived(home):
            if segment.name <= since and kind_of(segment) not in UNREAD:
                os.symlink(segment.resolve(), archive / segment.name)
    return Store(folder)


def changes_since(store: AnyStore, since: str) -> tuple[dict[str, set[str]], str]:
    """The runs that changed behind a segment, each with the kinds that changed it; and the last
    segment of all, which is ``since`` where none came."""
    kinds: dict[str, set[str]] = {}
    last = since
    for segment, kind, result in store.query("segments_since", since=since).iter_rows():
        last = max(last, segment)
        if kind in CHANGING:
            for run in _changed(kind, json.loads(result)):
                kinds.setdefault(run, set()).add(kind)
    return kinds, last


def _changed(kind: str, result: Mapping[str, Any]) -> list[str]:
    return [
        row["run"]
        for row in result.get("runs", ())
        if row["run"] is not None and (kind != "import" or row.get("changed", True))
    ]
