"""Where the store lives: OVEROPT_HOME, else data/local beside this package."""

from __future__ import annotations

import os
from pathlib import Path

from data.database.sql import StoreError

EXAMPLES = Path(__file__).parent / "examples"
"""The bundled real runs."""
BEGUN = "owner.lock"
"""Where it lies a store was begun, though nothing may be in it."""


def home() -> Path:
    """The folder of store and spool, begun if it is not there; looked up whenever asked.

    For whatever writes; what only asks takes ``begun`` or ``existing``.
    """
    folder = named()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / BEGUN).exists():
        (folder / BEGUN).touch()
    return folder.resolve()


def named() -> Path:
    """The folder of store and spool, which may not be there; nothing is made."""
    folder = os.environ.get("OVEROPT_HOME")
    return Path(folder).expanduser() if folder else Path(__file__).parent / "local"


class NoStore(StoreError):
    """There is no store where one is looked for; the message says what to do."""


def begun() -> Path:
    """The folder of a store, which may be empty still; nothing is made.

    For whatever only asks: a mistyped folder is no empty store.

    Raises:
        NoStore: the folder is not there, or no command or server ever worked in it.
    """
    folder = named()
    if any((folder / name).exists() for name in (BEGUN, "store.duckdb", "archive", "inbox")):
        return folder.resolve()
    raise _none(folder)


def existing() -> Path:
    """The folder of a store into which something was brought; nothing is made.

    For questions whose answer on an empty store would be taken for good news.

    Raises:
        NoStore: the folder is not there, or nothing was ever brought into it.
    """
    folder = named()
    parts = [folder / name for name in ("archive", "inbox")]
    if any(part.is_dir() and any(part.iterdir()) for part in parts):
        return folder.resolve()
    raise _none(folder)


def _none(folder: Path) -> NoStore:
    why = "nothing was ever imported into it" if folder.is_dir() else "there is no such folder"
    return NoStore(
        f"there is no store in {folder}: {why}. Is OVEROPT_HOME right? A store begins with: "
        "python -m data import PATH"
    )


def is_default() -> bool:
    """True when nobody named a home: then an empty store is filled with the examples."""
    return not os.environ.get("OVEROPT_HOME")
