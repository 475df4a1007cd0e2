"""The files of alerts beside the store: the team's rules, and the ledger with its outbox.

The ledger is one JSON file that is replaced as a whole, so that after a kill it is as before the
change or as after it. It belongs to this server: a backup does not carry it, and a restored store
begins with a first look.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeGuard, TypeVar

from data.spool import sync_folder

RULES = "alerts.toml"
FOLDER = "alerts"
LEDGER = "ledger.json"
URL = "OVEROPT_ALERT_URL"

L = TypeVar("L")
"""The ledger, whose keys are those of who keeps it."""


def rules_file(home: Path) -> Path:
    """Where the rules lie; without the file no alert is sent."""
    return home / RULES


def read(home: Path, usable: Callable[[object], TypeGuard[L]]) -> L | None:
    """The ledger; None where there is none yet, or where it cannot be used (it is put aside)."""
    file = home / FOLDER / LEDGER
    try:
        parsed = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        parsed = None
    if usable(parsed):
        return parsed
    aside = file.with_name(f"damaged-{time.time_ns()}.json")
    with contextlib.suppress(FileNotFoundError):
        os.replace(file, aside)
        print(f"{file} cannot be read: it is kept as {aside.name}, and alerts begin anew",
              file=sys.stderr, flush=True)  # fmt: skip
    return None


@contextlib.contextmanager
def changing(
    home: Path, usable: Callable[[object], TypeGuard[L]], fresh: Callable[[], L]
) -> Iterator[L]:
    """The ledger to be changed by one process and thread at a time; kept at the end of the with."""
    with _locked(home, "ledger.lock"):
        ledger = read(home, usable) or fresh()
        before = json.dumps(ledger)
        yield ledger
        text = json.dumps(ledger)
        if text != before:
            _write(home / FOLDER / LEDGER, text.encode())


@contextlib.contextmanager
def sending(home: Path) -> Iterator[bool]:
    """Whether this process may send: one at a time does, so that messages keep their order."""
    try:
        with _locked(home, "sending.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield True
            return
    except BlockingIOError:
        pass
    yield False


@contextlib.contextmanager
def _locked(home: Path, name: str, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "a") as file:
        fcntl.flock(file, how)
        yield


def _write(file: Path, content: bytes) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    with draft.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    os.replace(draft, file)
    sync_folder(file.parent)
