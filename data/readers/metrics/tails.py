"""The end of a growing JSON Lines file: which of its new lines can be read without the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from data.declared.foreign import JsonObject
from data.readers.layouts.run_columns import NAMED, TOLD_APART
from data.readers.metrics.metric_tables import TEXTS
from data.readers.names import response_columns
from data.readers.names.mapping import GOLD, KL, PROXY, STEP, folded
from data.readers.names.run_telling import NO_RUN
from data.readers.raw.reader import Reader
from data.readers.raw.scalars import as_step

SUFFIXES = (".jsonl", ".ndjson")
MOST = 8 << 20  # bytes of new lines; more are read as a file is
NEEDED = (*PROXY.keys, *KL.keys, "critic/score/mean")
"""A part without any of these could be taken for gold measured apart, or another trainer's."""


def may_grow(path: Path, reader: Reader | None) -> bool:
    """Whether a file is one that is appended to line by line, as its reader says."""
    if reader is None or not reader.appended or reader.belongs(path).folder != path:
        return False
    return path.name.lower().endswith(SUFFIXES)


def whole_lines(path: Path) -> int:
    """How many bytes of the file are whole lines; 0 where it cannot be read."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            while end > 0:
                start = max(0, end - (1 << 16))
                file.seek(start)
                at = file.read(end - start).rfind(b"\n")
                if at >= 0:
                    return start + at + 1
                end = start
    except OSError:
        pass
    return 0


def since(path: Path, offset: int) -> bytes:
    """The whole lines of a file after ``offset``."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            text = file.read()
    except OSError:
        return b""
    return text[: text.rfind(b"\n") + 1]


def last_step(path: Path, offset: int) -> int:
    """The largest step in the last lines before ``offset``; -1 where none is known."""
    start = max(0, offset - (1 << 16))
    try:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read(offset - start)
    except OSError:
        return -1
    lines = text.splitlines()[1 if start else 0 :]
    found = [
        step for row in _rows(b"\n".join(lines)) if row is not None and (key := STEP.find(row))
        and (step := as_step(row[key])) is not None
    ]  # fmt: skip
    return max(found, default=-1)


def stand_alone(text: bytes, after: int = -1) -> bool:
    """Whether lines mean the same without those before them, which end at step ``after``.

    They do where each is a metric row with a step of its own. They do not where rows are numbered
    (no step), where a step goes back (a new attempt), where a column may name their run, where a
    version or a gold source changes along the rows, where they are responses or
    answers (numbered within a step), or where a KL is 0 in all of them: whether that was measured
    only the whole log can tell.
    """
    if len(text) > MOST:
        return False
    rows = list(_rows(text))
    if not rows or any(row is None for row in rows):
        return False
    measured: dict[str, bool] = {}
    for row in rows:
        assert row is not None
        step = STEP.find(row)
        at = None if step is None else as_step(row[step])
        if at is None or at < after or not any(key in row for key in NEEDED):
            return False
        after = at
        if any(isinstance(value, str) and len(value) > 200 for value in row.values()):
            return False
        if key_of_runs(row) or any(_needs_others(key, value) for key, value in row.items()):
            return False
        if any(key in row for key in (*TEXTS, "prompt", "completion", "text", "question", "grade")):
            return False
        for key, value in row.items():
            if "kl" in key.lower() and isinstance(value, (int, float)):
                measured[key] = measured.get(key, False) or value != 0
    return all(measured.values()) and not _gold_at_last(rows)


def _needs_others(key: str, value: object) -> bool:
    """Whether what a column holds is known by all of its cells: texts of responses, and whole
    numbers under ``gold``, which may be reference answers."""
    if isinstance(value, str):
        return folded(key) in response_columns.FOLDED
    whole = isinstance(value, (int, float)) and value == value // 1 and value not in (0, 1)
    return whole and folded(key) == "gold"


def key_of_runs(row: JsonObject) -> bool:
    """Whether a row holds a column that tells runs apart only where the whole table is known."""
    return any(isinstance(value, str) and key not in NAMED.keys and folded(key) not in NO_RUN
               for key, value in row.items()) or TOLD_APART.find(row) is not None  # fmt: skip


def _rows(text: bytes) -> Iterator[JsonObject | None]:
    """The objects of the lines, verl's data beside its step; None for what is no object."""
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and isinstance(value.get("data"), dict):
            value = {"step": value.get("step"), **value["data"]}
        yield value if isinstance(value, dict) else None


def _gold_at_last(rows: list[JsonObject | None]) -> bool:
    """Whether rows have nothing but gold: they would be taken for gold measured apart."""
    return all(
        row is not None and GOLD.find(row) is not None and not any(row.get(k) for k in NEEDED)
        for row in rows
    )
