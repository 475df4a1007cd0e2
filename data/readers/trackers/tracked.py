"""Rows of a tracker (trackio, wandb): which optimiser step they belong to, and what is metrics.

A tracker counts log calls, not optimiser steps, and TRL logs its profile and its tables through
it too. So the step is the one that the trainer logged with the row (``train/global_step``); the
tracker's own counter is used only by runs that never say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.columns import LogError
from data.readers.files.blocks import object_frame
from data.readers.raw.reader import Frame
from data.readers.raw.scalar_columns import Row
from data.readers.raw.scalars import (
    CLOCK_KEYS,
    SUMMARY_KEYS,
    Scalars,
    as_number,
    as_step,
)
from data.readers.raw.scalars import split_key as split
from data.readers.raw.texts import load_json, read_text

MAX_TABLE = 256 << 20  # bytes of one table's file

STEP_KEYS = (
    "train/global_step",
    "eval/global_step",
    "training/global_step",
    "trainer/global_step",
    "global_step",
)
"""Where trainers log their optimiser step, the first that a row has."""

EVALUATED = ("eval/loss", "eval/runtime", "eval_loss", "eval_runtime")
"""A log call that holds any of these is an evaluation's, whatever its other keys are called."""

NOT_METRICS = ("profiling/", "_")
"""How the names begin of what a tracker or TRL's profiler writes about itself."""

NON_FINITE = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
}
"""How trackers write the numbers that JSON has no word for."""


@dataclass
class Tracked:
    """Collects one run's log calls into ``scalars``."""

    scalars: Scalars
    unplaced: list[tuple[int | None, dict[str, Row]]] = field(default_factory=list)
    unreadable: int = 0
    evaluations: list[tuple[int, dict[str, Row]]] = field(default_factory=list)

    def add(self, values: Mapping[str, Any], counter: int | None) -> None:
        """Add one log call with the tracker's own count of it."""
        step: int | None = None
        noted = False
        for key in STEP_KEYS:
            if key in values:
                step, noted = as_step(_number(values[key])), True
                break
        phases: dict[str, Row] = {}
        for name, value in values.items():
            if name.startswith(NOT_METRICS):
                continue
            number = _number(value)
            if number is None:
                continue
            phase, key = split(name)
            if key not in SUMMARY_KEYS and name not in STEP_KEYS:
                phases.setdefault(phase, {})[key] = number
        phases = {phase: row for phase, row in phases.items() if row.keys() - CLOCK_KEYS}
        if not phases:
            return
        if step is None:
            if noted:
                self.unreadable += 1
            else:
                self.unplaced.append((counter, phases))
            return
        if "train" in phases and any(key in values for key in EVALUATED):
            self.evaluations.append((step, phases))
            return
        self._put(step, phases)

    def done(self) -> Scalars:
        """All rows that have a step; a note on those that have none."""
        trained = self.scalars.count() > len(self.evaluations)
        for step, phases in self.evaluations:  # else each call of training holds an evaluation too
            whole = {**phases["train"], **phases.get("eval", {})}
            self._put(step, {"eval": whole} if trained else phases)
        self.evaluations.clear()
        lost = self.unreadable
        placed = self.scalars.count() > 0
        for counter, phases in self.unplaced:
            if placed or counter is None:
                lost += 1
            else:
                self._put(counter, phases)
        self.unplaced.clear()
        if lost:
            self.scalars.notes.append(
                f"{Path(self.scalars.path).name}: {lost} rows without an optimiser step were left "
                "out"
            )
        return self.scalars

    def _put(self, step: int, phases: dict[str, Row]) -> None:
        for phase, row in phases.items():
            self.scalars.put(phase, step, row, whole=True)


def set_config(scalars: Scalars, config: object) -> None:
    """Keep a tracker's config: one dictionary of trainer's and model's settings."""
    if isinstance(config, dict) and config:
        scalars.config["args"] = {str(key): value for key, value in config.items()}
        scalars.config["model_config"] = scalars.config["args"]


def name_of(stated: object, config: object) -> str:
    """A run's name: as stated, else as the trainer's settings name it, else empty."""
    if isinstance(stated, str) and stated.strip():
        return stated
    if isinstance(config, dict):
        for key in ("run_name", "output_dir"):
            value = config.get(key)
            if isinstance(value, str) and value.strip(" /"):
                return Path(value).name
    return ""


def logged_table(path: Path, named: str, problems: list[str]) -> Iterator[Frame]:
    """The rows of a tracker's table (``columns`` and ``data``) that holds responses.

    Args:
        path: the table's file.
        named: its name for messages.
        problems: gets a sentence where it is missing, broken or no table.
    """
    try:
        table = load_json(read_text(path, MAX_TABLE), named)
    except LogError as error:
        problems.append(str(error))
        return
    columns = table.get("columns") if isinstance(table, dict) else None
    data = table.get("data") if isinstance(table, dict) else None
    if not isinstance(columns, list) or not isinstance(data, list):
        problems.append(f"{path.name} is no table of a tracker")
    elif "completion" in columns:
        rows = [
            dict(zip(map(str, columns), cells, strict=True))
            for cells in data
            if isinstance(cells, list) and len(cells) == len(columns)
        ]
        if rows:
            yield path.name, object_frame(rows)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return NON_FINITE.get(value)
    return as_number(value)
