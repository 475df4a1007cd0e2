"""Which paths of this machine a reader of the pages may import: all, some folders, or none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from data.columns import LogError, ReadOptions
from data.readers.raw.reader import shown
from data.readers.runs.discover import discover

SETTING = "OVEROPT_IMPORT_PATHS"
MOST_BYTES = 2 << 30
"""Bytes of logs that a page reads from a path; more come in with the command."""
MOST_ENTRIES = 200_000


def folders() -> list[Path]:
    """The folders that OVEROPT_IMPORT_PATHS names, with ``:`` between them, as they really are."""
    stated = os.environ.get(SETTING, "")
    return [Path(one).expanduser().resolve() for one in stated.split(os.pathsep) if one.strip()]


def offered(reachable: bool) -> bool:
    """Whether paths are offered at all.

    Args:
        reachable: other machines reach the server; then only named folders are open to it.
    """
    return not reachable or bool(folders())


def checked(text: str, reachable: bool) -> Path:
    """The path, resolved, where it may be imported.

    Raises:
        LogError: it is not there, not allowed, leads out of the allowed folders, or is too large.
    """
    if not offered(reachable):
        raise LogError(
            f"paths are not read here, because other machines reach this server: name the folders "
            f"that may be read in {SETTING}"
        )
    allowed = folders()
    try:
        path = Path(text.strip()).expanduser().resolve()
        there = path.exists()
    except (OSError, RuntimeError, ValueError):
        path, there = Path(), False
    if allowed and not _inside(path, allowed):
        # Whether it is there is not told either.
        places = ", ".join(shown(folder) for folder in allowed)
        raise LogError(f"only paths in these folders are read here: {places}")
    if not text.strip() or not there:
        raise LogError(f"{shown(text.strip()) or 'the path'} is not there, seen from the server")
    _refuse_ways_out(path, allowed)
    found = discover([path], ReadOptions())
    files = [file for run in found.runs.values() for file in run.logs()]
    if allowed:
        for place in (*found.runs, *found.seen):
            if not _inside(place.resolve(), allowed):
                raise LogError(f"{shown(place)} lies outside of the folders that are read here")
    size = sum(_size(file) for file in files)
    if size > MOST_BYTES:
        raise LogError(
            f"{shown(path)} holds {size / 1e9:.1f} GB of logs, too much for a page: bring it in "
            "with python -m data import PATH"
        )
    return path


def _inside(path: Path, allowed: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in allowed)


def _refuse_ways_out(path: Path, allowed: Sequence[Path]) -> None:
    """Refuse a folder of too many files, or in which a link leads out of the allowed ones."""
    seen = 0
    for folder, below, files in os.walk(path):  # without following links
        for name in (*below, *files):
            seen += 1
            link = Path(folder) / name
            if seen > MOST_ENTRIES:
                raise LogError(
                    f"{shown(path)} holds more than {MOST_ENTRIES:,} files, too many for a page: "
                    "name the run's own folder"
                )
            if allowed and link.is_symlink() and not _inside(link.resolve(), allowed):
                raise LogError(
                    f"{shown(link)} is a link that leads out of the folders that are read here"
                )


def _size(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    except OSError:
        return 0
