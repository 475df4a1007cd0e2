"""What is known of a kept run beside its log, and which kept logs are imported."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from data.columns import Skip
from data.pull.outcome import Pulled, PullError

_ODD = frozenset('/\\:*?"<>|\0')


@dataclass
class Kept:
    """A kept run; ``whole`` once all that the server had was fetched.

    ``size`` grows with the log (of W&B: its bytes, of MLflow: its points), ``imported`` is what
    it was when the store last took it in.
    """

    id: str
    name: str
    started: int
    size: int = 0
    last_step: int = -1  # W&B's count of the last log call that is kept
    last_row: str = ""  # a hash of it: another one there means that the run was wound back
    config: str = ""  # a hash of the settings
    tables: list[str] = field(default_factory=list)  # files of tables that are not yet here
    whole: bool = False
    empty: bool = True  # it holds no log call yet
    imported: int = -1


def log_of(folder: Path, run_id: str, ending: str) -> Path:
    """The log of a run in its folder; the server's id is no path."""
    plain = "".join("_" if letter in _ODD else letter for letter in run_id)
    return folder / f"run-{plain}{ending}"


def read(log: Path) -> Kept | None:
    """What was written of a kept run; None where nothing was, or by another version."""
    try:
        return Kept(**json.loads(log.with_suffix(".state").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write(log: Path, kept: Kept) -> None:
    """Write what is known of a kept run, whole or not at all."""
    state = log.with_suffix(".state")
    draft = state.with_suffix(".new")
    draft.write_text(json.dumps(asdict(kept)))
    os.replace(draft, state)


class Place(Protocol):
    """Where one run of a server is kept."""

    kept: Kept

    def grow(self, done: Pulled) -> int | None:
        """Bring the log to where the run is now; how much is new, None = nothing at all.

        Raises:
            PullError: it could not be fetched to its end; what came is kept.
        """

    def left_off(self, reason: str) -> str:
        """Why the run is not imported, with what is kept of it."""


def bring(
    place: Place, run: tuple[str, str], within: str, running: bool, again: bool, done: Pulled
) -> set[str]:
    """Fetch what is new of one run, and tell in ``done`` what came of it.

    Args:
        place: where it is kept.
        run: its id on the server and its name.
        within: the project or experiment, for messages.
        running: whether it is still being written.
        again: whether it is imported too where nothing is new.

    Returns:
        The name under which its log is to be imported, or nothing.
    """
    run_id, name = run
    try:
        rows = place.grow(done)
    except PullError as error:
        done.failed.append(Skip(f"{within}/{run_id}", place.left_off(str(error))))
        return set()
    if place.kept.empty:
        done.failed.append(Skip(f"{within}/{run_id}", f"{name} holds no metrics yet"))
        return set()
    if running:
        done.notes.append(f"{name} is still running: pull again for what it logs later")
    if rows is None:
        done.unchanged.append(run_id)
    else:
        done.fetched[run_id] = rows
    return {place.kept.name} if again or place.kept.imported != place.kept.size else set()


def choose(folder: Path, ending: str, changed: set[str], done: Pulled) -> None:
    """Put the logs to import into ``done``: all whole ones of the names that changed.

    Runs of one name are read together, since they are numbered in the order of their start. One
    that begins after a run that is not whole waits for it: else its number would change.
    """
    found = [(kept, path.with_suffix(ending)) for path in sorted(folder.glob("run-*.state"))
             if (kept := read(path)) and kept.name in changed]  # fmt: skip
    for kept, log in found:
        if not kept.whole or kept.empty:
            continue
        before = [k for k, _ in found if k.name == kept.name and k.started < kept.started]
        if all(k.whole for k in before):
            done.logs.append(log)
        else:
            reason = f"waits for an earlier run called {kept.name} to be brought whole"
            done.failed.append(Skip(kept.id, reason))
    done.imported = partial(_imported, done.logs)


def hashed(value: object) -> str:
    """A hash of a value as JSON."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _imported(logs: list[Path]) -> None:
    for log in logs:
        if kept := read(log):
            kept.imported = kept.size
            write(log, kept)
