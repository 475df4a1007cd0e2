"""verl's own files: the JSON Lines of its ``file`` logger, and its dumps of rollouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data.columns import LogError
from data.readers import table_files
from data.readers.scalars import Row, Scalars, as_number, as_step, load_json, several, split_key
from data.readers.tracked import Frame

FORMAT = "verl"
EXPECTS = "verl's file logger (<experiment>.jsonl) and rollout dumps (<step>.jsonl)"
DUMPS = re.compile(
    r"((train|val|validation)[_-]?)?(rollouts?|generations?|validation|val)"
    r"([_-]?(data|dumps?|dir|samples))?",
    re.IGNORECASE,
)
"""Names of folders for dumps that say nothing of the run: the folder above them does."""

REPEATED = frozenset({"training/global_step", "global_step"})  # the step once more
MAX_LINE = 64 << 20
_LOG_LINE = re.compile(rb'\s*\{\s*"step"\s*:\s*-?\d+\s*,\s*"data"\s*:\s*\{')
_DUMP_LINE = re.compile(rb'\s*\{\s*"input"\s*:.*', re.DOTALL)
_DUMP_NAME = re.compile(r"\d{1,18}\.jsonl")
_RENAMED = {"input": "prompt", "output": "completion", "score": "proxy_reward"}


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and its first line, verl's log or a dump of rollouts."""
    if not path.name.lower().endswith(".jsonl"):
        return False
    return _LOG_LINE.match(_start(path)) is not None or is_dump(path)


def is_dump(path: Path) -> bool:
    """Whether a file is one step's dump of rollouts."""
    named = _DUMP_NAME.fullmatch(path.name) is not None
    return named and _DUMP_LINE.match(_start(path)) is not None


def read(path: Path) -> Scalars:
    """The rows of verl's ``file`` logger: training and validation of a step are apart.

    A ``null`` (NaN) is missing. A half-written last line is left out.

    Raises:
        LogError: the file cannot be opened, or has no row with metrics.
    """
    scalars = Scalars(path=str(path), format=FORMAT)
    unread: list[str] = []
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE):
                number += 1
                whole = line.endswith(b"\n")
                problem = _add(line, number, scalars) if line.strip() else ""
                if problem and not whole:
                    scalars.notes.append(f"{path.name}: the half-written last line was left out")
                    break
                if problem:
                    unread.append(problem)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    if unread:
        note = f"{path.name}: {len(unread)} lines were not read: {several(unread)}"
        scalars.notes.append(note)
    if not scalars.count():
        raise LogError(f"{path.name} has no line of verl's file logger with metrics")
    scalars.function_order = scalars.keys()
    return scalars


def rollouts(paths: list[Path], problems: list[str]) -> Iterator[Frame]:
    """The dumps of rollouts in our words, each with a column ``phase``."""
    for path in sorted(paths, key=lambda p: (p.parent, int(p.stem))):
        try:
            frame = table_files.load(path, "jsonl").frame
            if not {"input", "output"} <= set(frame.columns):
                raise LogError(f"{path.name} has no columns input and output")
        except LogError as error:
            problems.append(str(error))
            continue
        frame = frame.rename({a: b for a, b in _RENAMED.items() if a in frame.columns})
        phase = "eval" if "val" in path.parent.name.lower() else "train"
        if "step" not in frame.columns or not frame.schema["step"].is_integer():
            frame = frame.with_columns(step=pl.lit(int(path.stem), pl.Int64))
        yield path.name, frame.with_columns(phase=pl.lit(phase))


def _add(line: bytes, number: int, scalars: Scalars) -> str:
    """Add one line; returns what is wrong with it, or an empty string."""
    try:
        entry = load_json(line.decode("utf-8", "replace"), f"line {number}")
    except LogError as error:
        return str(error)
    data = entry.get("data") if isinstance(entry, dict) else None
    step = as_step(entry.get("step")) if isinstance(entry, dict) else None
    if not isinstance(data, dict) or step is None:
        return f"line {number} has no step and data"
    phases: dict[str, Row] = {}
    for name, value in data.items():
        value_number = as_number(value)
        if value_number is not None and name not in REPEATED:
            phase, key = split_key(name)
            phases.setdefault(phase, {})[key] = value_number
    for phase, row in phases.items():
        scalars.put(phase, step, row, whole=True)
    return ""


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError:
        return b""
