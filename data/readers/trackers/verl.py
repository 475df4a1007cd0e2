"""The JSON Lines of verl's ``file`` logger."""

from __future__ import annotations

import re
from pathlib import Path

from data.columns import LogError
from data.readers.raw.reader import Gives, Reader, of_its_own, scalar_log
from data.readers.raw.scalar_columns import Row
from data.readers.raw.scalars import Scalars, as_number, as_step, split_key
from data.readers.raw.texts import load_json, several

FORMAT = "verl"
REPEATED = frozenset({"training/global_step", "global_step"})  # the step once more
MAX_LINE = 64 << 20
_LOG_LINE = re.compile(rb'\s*\{\s*"step"\s*:\s*-?\d+\s*,\s*"data"\s*:\s*\{')


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and its first line, verl's log."""
    if not path.name.lower().endswith(".jsonl"):
        return False
    return _LOG_LINE.match(start_of(path)) is not None


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


def start_of(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError:
        return b""


READER = Reader(
    name=FORMAT,
    expects="verl's file logger (<experiment>.jsonl)",
    rank=1,
    gives=(Gives.METRICS,),
    recognises=recognises,
    place_of=of_its_own,
    read=scalar_log(FORMAT, read),
    belongs=of_its_own,
    appended=True,
    examples=("tests/data/logs/verl/math",),
    tells="training rows, validation apart",
    kl="penalty in the reward: per token × length, approximate; KL loss: per response exact, per "
    "token approximate, unknown where the log does not state `loss_agg_mode`",
)
