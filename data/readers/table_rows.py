"""The rows of a plain table in the order of its steps, each (phase, step) once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from data.readers.run_frame import Values


def in_order(
    rows: list[int],
    steps: Sequence[int | None],
    columns: dict[str, Values],
    has_steps: bool,
    path: Path,
    warnings: list[str],
) -> list[int]:
    """Rows in the order of their steps; without a step column by KL, else as they stand."""
    if has_steps:
        return sorted(rows, key=lambda row: steps[row] or 0)
    kl = columns.get("kl_logged")
    by = "as they stand in the file" if kl is None else "sorted by KL"
    warnings.append(f"{path.name} has no step column: its rows, {by}, are numbered from 0 instead")
    if kl is None:
        return rows
    last = math.inf
    return sorted(rows, key=lambda row: last if (v := kl[row]) is None or v != v else v)


def last_of_each(
    phases: list[str], steps: list[int], sources: list[str | None] | None = None
) -> list[int]:
    """Positions of the last row of each (phase, step), training before evaluation.

    With ``sources`` two measures of gold at one step are two rows, not one logged twice.
    """
    named = sources or [None] * len(steps)
    last = {key: i for i, key in enumerate(zip(phases, steps, named, strict=True))}
    return [last[key] for key in sorted(last, key=lambda key: (key[0] != "train", key[1]))]


def stretches(phases: list[str], versions: list[list[str | None]]) -> Values:
    """Counts, within a phase, the changes of any of ``versions`` so far."""
    counts: Values = []
    current: list[str | None] = [None] * len(versions)
    count = 0
    for row, phase in enumerate(phases):
        if row == 0 or phase != phases[row - 1]:
            current, count = [None] * len(versions), 0
        for i, values in enumerate(versions):
            value = values[row]
            if value in (None, ""):
                continue
            count += current[i] not in (None, value)
            current[i] = value
        counts.append(float(count))
    return counts
