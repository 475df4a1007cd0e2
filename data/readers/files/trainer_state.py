"""The ``trainer_state.json`` of the Hugging Face trainer, which every TRL trainer writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.readers.files.table_files import may_be_table
from data.readers.raw.reader import Gives, Piece, Place, Reader, in_folder, of_its_own, skip
from data.readers.raw.scalar_columns import Row
from data.readers.raw.scalars import SUMMARY_KEYS, Scalars, as_number, as_step
from data.readers.raw.texts import load_json, read_text, several

FORMAT = "trl"
NAME = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-(\d+)")
MAX_BYTES = 1 << 30
_TOP = 2**62  # stands for the state at the top of the folder: tried before any checkpoint's


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a trainer state."""
    return path.name == NAME


def read(path: Path) -> Scalars:
    """Read one trainer state: the rows of ``log_history`` by phase and step.

    Keys of evaluation rows lose their ``eval_`` prefix; the closing summary row is left out; a
    ``null`` (a metric that was NaN in every batch) is missing.

    Raises:
        LogError: the file is no JSON, or has no usable ``log_history``.
    """
    state = load_json(read_text(path, MAX_BYTES), path.name)
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        raise LogError(f"{path.name} has no list log_history, so it is no trainer state")
    scalars = Scalars(
        path=str(path),
        format=FORMAT,
        logging_steps=_positive(state.get("logging_steps")),
        max_steps=_positive(state.get("max_steps")),
    )
    unreadable: list[str] = []
    for number, entry in enumerate(history):
        problem = _add(scalars, entry)
        if problem:
            unreadable.append(f"log_history[{number}] {problem}")
    if unreadable:
        scalars.notes.append(
            f"{path.name}: {len(unreadable)} of {len(history)} values or rows were not read: "
            + several(unreadable)
        )
    if not scalars.count():
        raise LogError(f"{path.name} has no row with metrics in its log_history")
    return scalars


def _add(scalars: Scalars, entry: Any) -> str:
    """Add one row of log_history; returns what is wrong with it, or an empty string."""
    if not isinstance(entry, dict):
        return "is not an object"
    step = as_step(entry.get("step"))
    if step is None:
        return f"has no whole number as step ({str(entry.get('step'))[:40]})"
    evaluation = any(key.startswith("eval_") for key in entry)
    row: Row = {}
    texts: list[str] = []
    for key, value in entry.items():
        if key == "step" or key in SUMMARY_KEYS or value is None:
            continue
        number = as_number(value)
        if number is None:
            texts.append(f"key {key[:80]} at step {step} is not a number")
            continue
        row[key.removeprefix("eval_") if evaluation else key] = number
    if row.keys() - {"epoch"}:
        scalars.put("eval" if evaluation else "train", step, row)
    return several(texts)


def _positive(value: object) -> int | None:
    number = as_step(value)
    return number if number else None


def _belongs(path: Path) -> Place:
    return in_folder(path) if recognises(path) else of_its_own(path)


def _longest(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
    """The run's longest trainer state: the one at the top, or that of the highest checkpoint.

    Each checkpoint's state holds all rows up to it, so the others are not even opened unless the
    better ones are broken.
    """
    best: Scalars | None = None
    for path in sorted(paths, key=_saved_at, reverse=True):
        saved = _saved_at(path)
        if best is not None and saved < _TOP and saved <= _last_step(best):
            break
        try:
            scalars = read(path)
        except LogError as error:
            yield skip(path, error)
            continue
        if best is None or _length(scalars) > _length(best):
            best = scalars
    if best is not None:
        found = best
        yield Piece(READER.name, Path(found.path), scalars=lambda: found)


def _saved_at(path: Path) -> int:
    match = CHECKPOINT.fullmatch(path.parent.name)
    return int(match.group(1)) if match else _TOP


def _last_step(scalars: Scalars) -> int:
    return max((max(rows) for rows in scalars.rows.values() if rows), default=-1)


def _length(scalars: Scalars) -> tuple[int, int]:
    return _last_step(scalars), scalars.count()


READER = Reader(
    name="trainer_state",
    of=FORMAT,
    expects="trainer_state.json (TRL: GRPO, RLOO, OnlineDPO, PPO; Hugging Face trainer)",
    rank=1,
    gives=(Gives.METRICS,),
    recognises=recognises,
    takes=lambda path: path.suffix == ".json" and not may_be_table(path),
    place_of=_belongs,
    read=_longest,
    belongs=_belongs,
    inside=(CHECKPOINT.pattern,),
    examples=("data/examples/r2_grpo_highkl/trainer_state.json",),
    tells="every logged row, evaluations apart from training",
    kl="mean per token × mean response length: exact for one batch, approximate where a row "
    "averages several; per response as logged in PPO; OnlineDPO's is labelled unreliable",
)
