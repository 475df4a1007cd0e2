"""Where the store lives: OVEROPT_HOME, else data/local beside this package."""

from __future__ import annotations

import os
from pathlib import Path

from data.sql import StoreError

EXAMPLES = Path(__file__).parent / "examples"
"""The bundled real runs."""


def home() -> Path:
    """The folder of store and spool, made if it is not there; looked up whenever asked."""
    folder = _named()
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _named() -> Path:
    named = os.environ.get("OVEROPT_HOME")
    return Path(named).expanduser() if named else Path(__file__).parent / "local"


class NoStore(StoreError):
    """There is no store where one is looked for; the message says what to do."""


def existing() -> Path:
    """The folder of a store into which something was brought; nothing is made.

    For questions whose answer on an empty store would be taken for good news.

    Raises:
        NoStore: the folder is not there, or nothing was ever brought into it.
    """
    folder = _named()
    parts = [folder / name for name in ("archive", "inbox")]
    if any(part.is_dir() and any(part.iterdir()) for part in parts):
        return folder.resolve()
    why = "nothing was ever imported into it" if folder.is_dir() else "there is no such folder"
    raise NoStore(
        f"there is no store in {folder}: {why}. Is OVEROPT_HOME right? A store begins with: "
        "python -m data import PATH"
    )


def is_default() -> bool:
    """True when nobody named a home: then an empty store is filled with the examples."""
    return not os.environ.get("OVEROPT_HOME")
