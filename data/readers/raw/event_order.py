"""The order of a run's event files: which attempt resumed which, and which are ranks at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.readers.raw.scalars import CLOCK_KEYS, Scalars

AT_ONCE = 0.5  # share of the shorter file's time in which the other was written too


def ordered(files: Sequence[Scalars]) -> list[Scalars]:
    """Files in the order of their attempts, without those that other ranks wrote at once.

    Clocks of two machines differ: a file that begins where no earlier one was yet resumed another,
    whatever its clock says.
    """
    kept = _without_ranks(sorted(files, key=lambda one: (one.first_time, one.path)))
    done: list[Scalars] = []
    waiting: list[Scalars] = []
    lowest = min((s for one in kept if (s := _first(one)) is not None), default=0)
    for one in kept:
        first = _first(one)
        if first is not None and first > lowest and not any(_before(d, first) for d in done):
            waiting.append(one)
            continue
        done.append(one)
        ready = [w for w in waiting if any(_before(d, _first(w) or 0) for d in done)]
        waiting = [w for w in waiting if w not in ready]
        done += sorted(ready, key=lambda w: _first(w) or 0)
    return [*done, *waiting]


def _first(one: Scalars) -> int | None:
    """The first step of a file's training rows; None where it has none."""
    return min(one.rows["train"], default=None)


def _before(one: Scalars, step: int) -> bool:
    first = _first(one)
    return first is not None and first < step


def _without_ranks(files: list[Scalars]) -> list[Scalars]:
    """Files but for those that log another's keys over the same time, from the same step."""
    kept: list[Scalars] = []
    left: dict[str, list[str]] = {}
    for one in sorted(files, key=lambda one: one.path):
        other = next((k for k in kept if _at_once(k, one)), None)
        if other is None:
            kept.append(one)
        else:
            left.setdefault(other.path, []).append(Path(one.path).name)
    for one in kept:
        if names := left.get(one.path):
            one.notes.append(
                f"{len(names) + 1} ranks wrote at once: {Path(one.path).name} is read, "
                f"{', '.join(names[:4])}{' and more' if len(names) > 4 else ''} left out"
            )
    return [one for one in files if one in kept]


def _at_once(one: Scalars, other: Scalars) -> bool:
    if _first(one) is None or _first(one) != _first(other):
        return False
    if not set(one.keys()) & set(other.keys()) - CLOCK_KEYS:
        return False
    both = min(one.last_time, other.last_time) - max(one.first_time, other.first_time)
    shorter = min(one.last_time - one.first_time, other.last_time - other.first_time)
    return shorter > 0 and both > AT_ONCE * shorter
