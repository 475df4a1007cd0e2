"""A cell of the board: what one question says of one iteration, and what its test says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal

from analytics.collapse.words import LEVEL, Change

Worse = Literal["rises", "falls", "neither"]
MARKS: dict[Change, str] = {
    "worse": "▼", "better": "▲", "changed": "◆", "unchanged": "=", "not tested": "·",
    "not measured": "–",
}  # fmt: skip
"""A mark a state, so that it can be read without colour."""


@dataclass(frozen=True)
class Cell:
    """What is written in a cell, what its test says, how it was tested, its number; ``more``
    stands below: an interval."""

    text: str
    change: Change = "not tested"
    note: str = ""
    value: float | None = None
    more: str = ""


NOTHING = Cell("", "not measured")


@dataclass(frozen=True)
class Question:
    """One row: its title, what it means, its cells by iteration, and where its evidence is."""

    name: str
    title: str
    says: str
    cells: Mapping[int, Cell] = field(default_factory=dict)
    page: str = ""
    harm: bool = True  # whether its turn to the worse is told as a failure

    def worse_from(self) -> int | None:
        """The first iteration from which on it is worse, to the last one that was measured."""
        found = None
        for iteration in sorted(self.cells, reverse=True):
            cell = self.cells[iteration]
            if cell.change == "not measured":
                continue
            if cell.change != "worse":
                break
            found = iteration
        return found


def tested(p: float | None, difference: float, worse: Worse, looks: int) -> Change:
    """A change of a question since iteration 0, by its test at LEVEL over all iterations."""
    if p is None:
        return "not tested"
    if p >= LEVEL / max(looks, 1):
        return "unchanged"
    if worse == "neither":
        return "changed"
    return "worse" if (difference > 0) == (worse == "rises") else "better"


def p_of(difference: float, error: float | None) -> float | None:
    """Two-sided p of a difference with a normal error; None where the error is not known."""
    if error is None or not math.isfinite(error):
        return None
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return 2 * NormalDist().cdf(-abs(difference) / error)
