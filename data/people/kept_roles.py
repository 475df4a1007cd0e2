"""What the projects' choices say, for whoever reads logs: that may be another process.

The store owns the choices; ``roles.json`` beside it repeats them, so that a log is read as its
project says before anybody asks the store. It is written anew whenever it differs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from data.columns import ReadOptions
from data.people import sealing
from data.roles.stated_roles import Roles

FILE = "roles.json"
DEFAULT = "default"
"""The project of runs for which none was named."""


def publish(home: Path, choices: Mapping[str, Roles]) -> None:
    """Write what was chosen, by project, where it is not what the file says already."""
    document = {
        project: {name: value for name, value in roles.to_dict().items() if value is not None}
        for project, roles in choices.items()
    }
    if document == read(home):
        return
    draft = home / f"{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(document))
    os.replace(draft, home / FILE)


def read(home: Path) -> dict[str, dict[str, str]]:
    """What was chosen, by project; empty where nothing was, or the file is broken."""
    try:
        document = json.loads((home / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def applied(home: Path, options: ReadOptions, project: str | None = None) -> ReadOptions:
    """The options with what the project says of columns; ``project`` where they name none."""
    if options.kept or options.sealed:
        return options
    named = options.project or project or DEFAULT
    sealed = tuple(sealing.read(home).get(named, ()))
    return replace(options, kept=read(home).get(named, {}), sealed=sealed)
