"""What a Hugging Face trainer prints: a line ``{'loss': 0.1, …}`` a log call, and progress bars.

The printed rows have no step; the progress bar before each says it, where it was kept.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from data.columns import LogError
from data.readers.raw.reader import Gives, Reader, of_its_own, scalar_log
from data.readers.raw.scalar_columns import Row
from data.readers.raw.scalars import SUMMARY_KEYS, Scalars, as_step
from data.readers.raw.texts import load_literal

NAME = "hf_output"
SUFFIXES = (".log", ".out", ".txt")
START = 1 << 18  # bytes in which a printed row must stand
MAX_LINE = 1 << 16
MAX_BYTES = 1 << 30
UNKNOWN_WINDOW = 2
"""Steps that a row averages where none is printed: more than one cannot be excluded."""
_ROW = re.compile(r"\{(['\"])[A-Za-z_][^'\"]{0,200}\1:[^\n]*\}")
_MARK = re.compile(
    rb"\{(?:(['\"])(?:global_)?step\1: ?\d+, ?)?"
    rb"(['\"])(loss|reward|objective/[a-z_]+|eps|num_tokens)\2:[^\n]{0,65536}\}"
)
_WRAPPED = re.compile(r"(?:np\.float\d+|tensor|array)\(([^(),]{1,40})[^()]{0,80}\)")
STEPS = ("step", "global_step")
_PROGRESS = re.compile(r"(\d{1,15})/\d{1,15} \[\d")


def recognises(path: Path) -> bool:
    """Whether a text file has printed rows at its start, and no better log stands beside it."""
    if path.suffix not in SUFFIXES or "wandb" in path.parts[-4:-1]:
        return False
    from data.readers.runs.stores import is_runs_folder  # it names this reader itself

    return holds(path) and not is_runs_folder(path.parent)


def holds(path: Path) -> bool:
    """Whether a text file has printed rows at its start."""
    try:
        with path.open("rb") as file:
            return _MARK.search(file.read(START)) is not None
    except OSError:
        return False


def read(path: Path) -> Scalars:
    """The printed rows of a log, at the steps of its progress bars, else numbered from 0.

    Raises:
        LogError: the file cannot be opened, or no row stands in it.
    """
    scalars = Scalars(path=str(path), format="trl")
    rows = _rows(path)
    if not rows:
        raise LogError(f"{path.name} has no printed row of a trainer")
    steps = [step for step, row in rows if not _evaluates(row)]
    known = all(s is not None for s in steps) and all(a != b for a, b in itertools.pairwise(steps))
    if not known:
        scalars.notes.append(f"{path.name} says no steps: its rows are numbered from 0 instead")
        scalars.logging_steps = UNKNOWN_WINDOW
    number = -1
    for at_step, row in rows:
        evaluation = _evaluates(row)
        number += not evaluation
        step = (at_step or 0) if known else max(number, 0)
        plain = {key.removeprefix("eval_") if evaluation else key: x for key, x in row.items()}
        scalars.put("eval" if evaluation else "train", step, plain)
    scalars.function_order = scalars.keys()
    return scalars


def _evaluates(row: Row) -> bool:
    return any(key.startswith("eval_") for key in row)


def _rows(path: Path) -> list[tuple[int | None, Row]]:
    """Each printed row with the step of the progress bar before it."""
    rows: list[tuple[int | None, Row]] = []
    step: int | None = None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LogError(f"{path.name} is larger than the {MAX_BYTES >> 20} MiB that are read")
        with path.open(encoding="utf-8", errors="replace") as file:
            while line := file.readline(MAX_LINE):
                for found in _PROGRESS.finditer(line):
                    step = int(found.group(1))
                printed = _ROW.search(line)
                row = _numbers(printed.group()) if printed else {}
                own_step = next((as_step(row.pop(key)) for key in STEPS if key in row), None)
                if row:
                    rows.append((step if own_step is None else own_step, row))
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    return rows


def _numbers(text: str) -> Row:
    """The numbers of a printed row; empty where it is none, or the closing summary."""
    try:
        plain = _WRAPPED.sub(r"\1", text) if "(" in text else text
        plain = re.sub(r": (-?(?:nan|NaN|inf|Infinity|null))\b", r": '\1'", plain)
        loaded = load_literal(plain)
    except ValueError:
        return {}
    if not isinstance(loaded, dict) or SUMMARY_KEYS & loaded.keys():
        return {}
    row: Row = {}
    for key, value in loaded.items():
        try:
            if isinstance(value, (int, float, str)) and not isinstance(value, bool):
                row[str(key)] = float(value)
        except (ValueError, OverflowError):
            continue
    return row


READER: Reader = Reader(
    name=NAME,
    of="trl",
    expects="a trainer's printed output (*.log, *.out, *.txt with lines {'loss': …})",
    rank=8,
    stored=1,
    gives=(Gives.METRICS,),
    recognises=recognises,
    takes=lambda path: path.suffix in SUFFIXES and holds(path),
    read=scalar_log(NAME, read),
    belongs=of_its_own,
    examples=("tests/data/logs/hf_output",),
    tells="printed rows, at the steps of the progress bars",
    kl="",
)
