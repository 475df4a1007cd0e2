"""The scalars of event files as columns: many events of one layout are read at a time.

Nearly every event that a trainer writes is ``wall_time f64, step varint, Summary {Value {tag,
simple_value f32}}`` in this order. Events of one length and one width of the step then have all
their parts in the same places, so that NumPy takes each part of all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.readers.raw.scalar_columns import Columns
from data.readers.raw.scalars import CLOCK_KEYS, SUMMARY_KEYS, Scalars, split_key
from data.readers.raw.tfrecord import Alike

MOST_ATTEMPTS = 50
MOST_TAGS = 64  # tags of one length in a block that are sought side by side
WIDEST = 9  # bytes of a step's varint: ten would be a negative step

Ints = NDArray[np.int64]


@dataclass
class _Part:
    """Some scalars of one tag: the record that each stands in, its step, its value."""

    record: Ints
    step: Ints
    value: NDArray[np.float64]


@dataclass
class Logged:
    """What an event file logs, by tag."""

    parts: dict[bytes, list[_Part]] = field(default_factory=dict)
    singles: dict[bytes, list[tuple[int, int, float]]] = field(default_factory=dict)
    starts: list[tuple[int, int]] = field(default_factory=list)  # record and step of each session

    def add(self, tag: bytes, record: int, step: int, value: float) -> None:
        """Add one scalar."""
        self.singles.setdefault(tag, []).append((record, step, value))

    def _settle(self, scalars: Scalars) -> None:
        """Leave out what a later attempt in the same file took over.

        One begins where the writer says so, or where the step of any tag goes back.
        """
        for tag, single in self.singles.items():
            record, step, value = zip(*single, strict=True)
            part = _Part(np.array(record), np.array(step), np.array(value, np.float64))
            self.parts.setdefault(tag, []).append(part)
        self.singles = {}
        for _ in range(MOST_ATTEMPTS):
            backs = [
                back for tag, parts in self.parts.items()
                if split_key(tag.decode("utf-8", "replace"))[0] == "train"
                and (back := _first_back(parts)) is not None
            ]  # fmt: skip
            if not backs:
                break
            self._cut(min(backs), scalars)
        for start in self.starts:
            if start[1] > 0:
                self._cut(start, scalars)

    def _cut(self, start: tuple[int, int], scalars: Scalars) -> None:
        """Leave out what stands before a record and is of its step or a later one."""
        gone: set[int] = set()
        for tag, parts in self.parts.items():
            kept = []
            for part in parts:
                dead = (part.record < start[0]) & (part.step >= start[1])
                if dead.any():
                    gone.update(part.step[dead].tolist())
                    part = _Part(part.record[~dead], part.step[~dead], part.value[~dead])
                if len(part.step):
                    kept.append(part)
            self.parts[tag] = kept
        self.parts = {tag: parts for tag, parts in self.parts.items() if parts}
        if gone:
            scalars.restarts.append((start[1], len(gone), max(gone)))
            scalars.replaced.update(("train", step) for step in gone)

    def fill(self, scalars: Scalars) -> None:
        """Hand all over as columns; a key said twice for one step keeps the later value."""
        self._settle(scalars)
        keys: dict[tuple[str, str], list[_Part]] = {}
        for tag in dict.fromkeys([*self.parts, *self.singles]):
            parts = [*self.parts.get(tag, [])]
            single = self.singles.get(tag)
            if single:
                record, step, value = zip(*single, strict=True)
                parts.append(_Part(np.array(record), np.array(step), np.array(value, np.float64)))
            phase, key = split_key(tag.decode("utf-8", "replace"))
            if key not in SUMMARY_KEYS:
                keys.setdefault((phase, key), []).extend(parts)
        first = {name: min(int(part.record.min()) for part in own) for name, own in keys.items()}
        for phase in ("train", "eval"):
            columns: dict[str, tuple[Ints, NDArray[np.float64]]] = {}
            for name in sorted((n for n in keys if n[0] == phase), key=first.__getitem__):
                steps, values, twice = _last_of_each_step(keys[name])
                columns[name[1]] = steps, values
                if name[1] not in CLOCK_KEYS:
                    scalars.replaced.update((phase, step) for step in twice.tolist())
            if columns:
                scalars.columns[phase] = Columns.joined(columns)
        scalars.function_order = [key for _, key in sorted(keys, key=first.__getitem__)]


def _first_back(parts: list[_Part]) -> tuple[int, int] | None:
    """The record and step at which a tag is first logged again: at an earlier step than before.

    Of a step that it had, or with three that ascend before and after: else it is in no order.
    """
    record = np.concatenate([part.record for part in parts])
    step = np.concatenate([part.step for part in parts])
    if len(parts) > 1 and np.any(np.diff(record) < 0):
        order = np.argsort(record, kind="stable")
        record, step = record[order], step[order]
    back = np.flatnonzero(np.diff(step) < 0)
    if not len(back):
        return None
    at = int(back[0]) + 1
    before, after = step[max(0, at - 3) : at], step[at : at + 3]
    ascends = len(before) == len(after) == 3 and np.all(np.diff(after) > 0)
    if not ascends and not np.any(step[:at] == step[at]):
        return None
    return int(record[at]), int(step[at])


def _last_of_each_step(parts: list[_Part]) -> tuple[Ints, NDArray[np.float64], Ints]:
    """Steps ascending, the value logged last for each, and the steps that were logged twice."""
    record = np.concatenate([part.record for part in parts])
    step = np.concatenate([part.step for part in parts])
    value = np.concatenate([part.value for part in parts])
    if np.any(np.diff(record) < 0):
        order = np.argsort(record, kind="stable")
        step, value = step[order], value[order]
    after = np.diff(step)
    if np.all(after > 0):
        return step, value, step[:0]
    order = np.argsort(step, kind="stable")
    step, value = step[order], value[order]
    last = np.append(np.diff(step) > 0, True)
    return step[last], value[last], np.unique(step[:-1][~last[:-1]])


def quick(alike: Alike, found: Logged) -> Ints:
    """Read the events of the common layout; returns which rows of ``alike`` have another one."""
    payload = alike.payload
    count, length = payload.shape
    odd = np.ones(count, np.bool_)
    if length < 22 or length > 160:
        return np.flatnonzero(odd)
    # Where there is a step, its varint ends with the first byte below 0x80.
    ends = payload[:, 10 : 10 + WIDEST] < 0x80
    width = np.where(ends.any(1), 1 + ends.argmax(1), 0)
    width[payload[:, 9] != 0x10] = 0
    for wide in np.unique(width).tolist():
        at = np.flatnonzero(width == wide)
        rows = payload if len(at) == count else payload[at]
        summary = 9 + (1 + wide if wide else 0)
        tag = summary + 6
        long = length - 5 - tag
        if long < 1:
            continue
        shaped = rows[:, 0] == 0x09
        for place, byte in (
            (summary, 0x2A), (summary + 1, length - summary - 2), (summary + 2, 0x0A),
            (summary + 3, length - summary - 4), (summary + 4, 0x0A), (summary + 5, long),
            (length - 5, 0x15),
        ):  # fmt: skip
            shaped &= (rows[:, place] == byte) & (byte < 0x80)
        if not shaped.all():
            at, rows = at[shaped], rows[shaped]
        if len(at):
            left = _by_tag(rows, alike.number[at], wide, slice(tag, tag + long), found)
            odd[at] = False
            odd[at[left]] = True
    return np.flatnonzero(odd)


def _by_tag(rows: NDArray[np.uint8], number: Ints, wide: int, tag: slice, found: Logged) -> Ints:
    """Add events of one layout, tag by tag; returns the rows left over where there are too many."""
    steps = np.zeros(len(rows), np.int64)
    for byte in range(wide):
        steps |= (rows[:, 10 + byte].astype(np.int64) & 0x7F) << (7 * byte)
    values = np.ascontiguousarray(rows[:, -4:]).view("<f4")[:, 0].astype(np.float64)
    # Bytes of one width compare as they are: NumPy's trailing zeros are the tags' own.
    names = np.ascontiguousarray(rows[:, tag]).view(f"S{tag.stop - tag.start}")[:, 0]
    left = np.arange(len(rows))
    for _ in range(MOST_TAGS):
        same = names == names[0]
        part = slice(None) if same.all() else same
        own = left[part]
        name = rows[own[0], tag].tobytes()
        found.parts.setdefault(name, []).append(_Part(number[own], steps[own], values[own]))
        left, names = left[~same], names[~same]
        if not len(left):
            break
    return left
