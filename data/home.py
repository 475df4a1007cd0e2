"""Where the store lives: OVEROPT_HOME, else data/local beside this package."""

from __future__ import annotations

import os
from pathlib import Path

EXAMPLES = Path(__file__).parent / "examples"
"""The bundled real runs."""


def home() -> Path:
    """The folder of store and spool, made if it is not there; looked up whenever asked."""
    named = os.environ.get("OVEROPT_HOME")
    folder = Path(named).expanduser() if named else Path(__file__).parent / "local"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def is_default() -> bool:
    """True when nobody named a home: then an empty store is filled with the examples."""
    return not os.environ.get("OVEROPT_HOME")
