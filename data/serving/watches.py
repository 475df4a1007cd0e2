"""Which watches run: each leaves a sign of life beside the store, and takes it away when it ends.

One that was killed, or whose machine went down, leaves its sign behind: so it is known that logs
are not followed any more, though nobody stopped it.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = "watches"
EVERY = 60.0
"""Seconds between signs of life."""
STALE = datetime.timedelta(minutes=10)
FORGOTTEN = datetime.timedelta(days=60)
"""So long a watch that died is told of."""


class Stale(NamedTuple):
    """A watch that gave no sign for a while: what it followed, and its last sign (UTC)."""

    paths: str
    last: str


class Heart:
    """The sign of life of one watch; the same paths followed anew replace it."""

    def __init__(
        self, home: Path, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """clock: seconds that only go up."""
        named = sorted(str(path.resolve()) for path in paths)
        digest = hashlib.sha256("\0".join(named).encode("utf-8", "surrogateescape")).hexdigest()
        self._file = home / FOLDER / f"{digest[:16]}.json"
        self._entry = {"paths": [os.fsencode(one).decode(errors="replace") for one in named]}
        self._clock, self._last = clock, -EVERY

    def beat(self, now: datetime.datetime | None = None) -> bool:
        """Leave a sign, at most one a minute; always False: it does not stop the watch."""
        if self._clock() - self._last < EVERY:
            return False
        self._last = self._clock()
        at = (now or datetime.datetime.now(datetime.UTC)).isoformat(timespec="seconds")
        with contextlib.suppress(OSError):  # a full disk is told by what reads the logs
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(f".{os.getpid()}.part")
            draft.write_text(json.dumps(self._entry | {"seen": at, "pid": os.getpid()}))
            os.replace(draft, self._file)
            self._clear((now or datetime.datetime.now(datetime.UTC)).timestamp())
        return False

    def _clear(self, now: float) -> None:
        """Remove the signs that are told of no more: paths that a shell names change every day."""
        for file in self._file.parent.iterdir():
            if now - file.stat().st_mtime > FORGOTTEN.total_seconds():
                file.unlink(missing_ok=True)

    def stop(self) -> None:
        """The watch ends as it should."""
        self._file.unlink(missing_ok=True)


def stale(home: Path, now: datetime.datetime) -> list[Stale]:
    """Watches that gave no sign for ten minutes and were not ended, by what they followed."""
    found = []
    for file in (home / FOLDER).glob("*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            entry = json.loads(file.read_text())
            seen = datetime.datetime.fromisoformat(entry["seen"])
            if STALE < now - seen < FORGOTTEN:
                found.append(Stale(", ".join(map(str, entry["paths"])), entry["seen"]))
    return sorted(found)
