"""What became of each run that was asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from data.columns import Skip

SECRETS = ("WANDB_API_KEY", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")
"""Names in the environment whose values are never shown."""

_USER = re.compile(r"(?<=://)[^/@\s]+@")


class PullError(Exception):
    """The server, the login or the network is in the way; a sentence that says what to do."""


class NotThere(PullError):
    """What was asked for is not on the server."""


@dataclass
class Pulled:
    """Runs that are kept whole, and what could not be brought.

    ``logs`` are the paths to import; ``fetched`` the new rows by run; ``notes`` what to tell;
    ``imported`` is called once they are in the store: only then are they not imported again.
    """

    logs: list[Path] = field(default_factory=list)
    fetched: dict[str, int] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    failed: list[Skip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    imported: Callable[[], None] = lambda: None


def kept_folder(home: Path, *parts: str) -> Path:
    """The folder in which a project's runs are kept, made; names from the server are no paths."""
    folder = home.joinpath("pulled", *(_plain(part) for part in parts), "kept")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _plain(name: str) -> str:
    """A name as that of one folder: no slash, no dot at its start, not too long."""
    plain = quote(name, safe=" @+=,")
    return ("%2E" + plain[1:] if plain.startswith(".") else plain)[:200] or "_"


def clean(text: object) -> str:
    """A message in one line, without what logs one in."""
    cleaned = _USER.sub("", " ".join(str(text).split()))
    for name in SECRETS:
        if secret := os.environ.get(name, "").strip():
            cleaned = cleaned.replace(secret, f"${name}")
    return cleaned[:400]
