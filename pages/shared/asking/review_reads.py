"""What *This week* asks of the store and writes into it. data and analytics meet."""

from __future__ import annotations

import datetime
import json
import tempfile
from pathlib import Path

from analytics.review import reading
from analytics.review.reading import Begins, Review, Written
from data.home import home
from data.people import written
from data.people.written import NoteError as NoteError
from pages.shared import reads
from pages.shared.keeping import judging
from pages.shared.keeping.caching import cached, pulse

_folders: dict[tuple[Path, str], tempfile.TemporaryDirectory[str]] = {}
MOST_FOLDERS = 3
"""States of earlier days that are kept on disk, each with links to its segments."""


def begins(since: str | None) -> Begins:
    """Where the review begins.

    Raises:
        ValueError: ``since`` is no date.
    """
    return reading.begins(reads.store(), since, datetime.datetime.now(datetime.UTC))


def review(begin: Begins, today: datetime.date) -> Review:
    """What changed since; kept while neither rows nor verdicts change."""
    shown = json.dumps(begin.shown, sort_keys=True)
    return _review(begin.segment, begin.at, shown, today)


def state(*_: object) -> object:
    """Changes whenever rows, verdicts or indicators do."""
    return pulse(), reads.store().indicators_saved


@cached(4, state, shared=True)
def _review(segment: str, at: str, shown: str, today: datetime.date) -> Review:
    begin = Begins(segment, at, json.loads(shown))
    return reading.review(reads.store(), begin, today, _folder(segment), wait=False)


def _folder(segment: str) -> Path:
    """Where the state before a segment is made: once a server, gone with it."""
    key = home(), segment
    if key not in _folders:
        while len(_folders) >= MOST_FOLDERS:
            _folders.pop(next(iter(_folders))).cleanup()
        (home() / "tmp").mkdir(exist_ok=True)
        _folders[key] = tempfile.TemporaryDirectory(dir=home() / "tmp")
    return Path(_folders[key].name)


def document(found: Review, today: datetime.date, server: str) -> Written:
    """The review written down; server: where its links lead."""
    return reading.written(reads.store(), found, today, server)


def close(found: Review, by: str) -> None:
    """Close a review: the next one begins behind what it saw.

    Raises:
        NoteError: nobody is named.
    """
    statuses = {run: one.status for run, one in found.now.runs.items() if one.status}
    state_then = json.dumps({"method": judging.method(), "runs": statuses}, sort_keys=True)
    written.close_review(reads.store(), found.since, found.last, by, state_then)
