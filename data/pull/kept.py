"""What is known of a kept run beside its log, and which kept logs are imported."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from data.columns import Skip
from data.pull.outcome import Pulled

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
