"""The ``trainer_state.json`` of the Hugging Face trainer, which every TRL trainer writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.columns import LogError
from data.readers.scalars import (
    SUMMARY_KEYS,
    Row,
    Scalars,
    as_number,
    as_step,
    load_json,
    read_text,
    several,
)

FORMAT = "trl"
EXPECTS = "trainer_state.json (TRL, Hugging Face trainer)"
MAX_BYTES = 1 << 30


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a trainer state."""
    return path.name == "trainer_state.json"


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
