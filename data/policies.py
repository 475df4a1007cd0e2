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


def kept(home: Path) -> list[tuple[str, datetime.datetime]]:
    """Text and first use of every policy, oldest first."""
    files = sorted((home / FOLDER).glob("*.toml"), key=lambda file: file.stat().st_mtime)
    return [
        (file.read_text(), datetime.datetime.fromtimestamp(file.stat().st_mtime)) for file in files
    ]
