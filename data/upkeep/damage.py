"""Segments that no longer can be read: what a store could not be rebuilt from."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import polars as pl

from data import spool


def damaged(home: Path, whole: bool = False) -> list[dict[str, str]]:
    """Segments of archive and inbox that cannot be read, oldest first: segment, file and reason.

    whole: look at every byte, by the checksums that a segment keeps; without it the files' footers,
    once a process as long as the names in a segment's folder do not change: nothing else writes to
    a segment, and a page asks again at each look.
    """
    found = []
    for segment in (*spool.archived(home), *spool.waiting(home)):
        try:
            changed = segment.stat().st_mtime_ns
            faults = _faults(segment, True) if whole else _seen(segment, changed)
        except FileNotFoundError:  # moved into the archive meanwhile
            continue
        found += [{"segment": str(segment), "file": name, "reason": why} for name, why in faults]
    return found


@lru_cache(maxsize=1 << 16)
def _seen(segment: Path, changed: int) -> tuple[tuple[str, str], ...]:
    """What the files of a segment's folder, as it was changed last, say of themselves."""
    return _faults(segment, False)


def _faults(segment: Path, whole: bool) -> tuple[tuple[str, str], ...]:
    names = {path.name: path for path in segment.glob("*.parquet")}
    sums = _sums(segment)
    if sums is None:
        return ((spool.SUMS, "cannot be read"),)
    missing = sorted({"runs.parquet", *sums} - set(names))
    found = [(name, "is missing") for name in missing]
    for name, path in sorted(names.items()):
        why = _footer(path)
        if not why and whole:
            why = _bytes(path, sums.get(name))
        if why:
            found.append((name, why))
    return tuple(found)


def _sums(segment: Path) -> dict[str, str] | None:
    """What the segment says of its files; none where an older program wrote it, None = damaged."""
    file = segment / spool.SUMS
    if not file.exists():
        return {}
    try:
        sums = json.loads(file.read_bytes())
    except ValueError:
        return None
    return sums if isinstance(sums, dict) else None


def _footer(path: Path) -> str:
    """Why the footer of a file cannot be read; "" = it can."""
    with path.open("rb") as file:
        return _why(lambda: pl.read_parquet_schema(file))


def _bytes(path: Path, sum_of_it: str | None) -> str:
    if sum_of_it is None:  # nothing to compare with: what can be unpacked is taken for whole
        return _why(lambda: pl.read_parquet(path, glob=False))
    return "" if spool.digest(path) == sum_of_it else "its bytes are not those that were written"


def _why(read: Callable[[], object]) -> str:
    try:
        read()
    except FileNotFoundError:
        raise
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return ""
