"""The gate's policies that were ever judged by: a copy of each, with when it was first used."""

from __future__ import annotations

import datetime
import hashlib
import os
from pathlib import Path

FOLDER = "policies"


def keep(home: Path, text: str) -> None:
    """Keep a copy of a policy, unless there is one: its time is that of its first use."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.toml"
    if file.exists():
        return
    draft = folder / f".{file.name}.{os.getpid()}"
    draft.write_text(text)
    draft.rename(file)


def files(home: Path) -> list[Path]:
    """The copies, that which was first used first; not those that are being written."""
    found = (home / FOLDER).glob("[!.]*.toml")
    return sorted(found, key=lambda file: (file.stat().st_mtime, file.name))


def kept(home: Path) -> list[tuple[str, datetime.datetime]]:
    """Text and first use of every policy, oldest first."""
    return [
        (file.read_text(), datetime.datetime.fromtimestamp(file.stat().st_mtime))
        for file in files(home)
    ]


def put(home: Path, name: str, content: bytes) -> None:
    """Write a copy that a backup holds."""
    (home / FOLDER).mkdir(exist_ok=True)
    with (home / FOLDER / name).open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def used(home: Path, name: str, at: float) -> None:
    """Say when a policy was first used, in seconds since 1970."""
    os.utime(home / FOLDER / name, (at, at))


def move(source: Path, home: Path) -> None:
    """Bring the copies of one home into another; of one that is there the older use stays."""
    for file in files(source):
        target = home / FOLDER / file.name
        target.parent.mkdir(exist_ok=True)
        if not target.exists() or target.stat().st_mtime > file.stat().st_mtime:
            os.replace(file, target)
