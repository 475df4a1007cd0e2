"""A cell of the board: what one question says of one iteration, and what its test says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from analytics.collapse.words import Change, worse_from

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
        measured = {
            at: cell.change for at, cell in self.cells.items() if cell.change != "not measured"
        }
        return worse_from(measured)


def p_of(difference: float, error: float | None) -> float | None:
    """Two-sided p of a difference with a normal error; None where the error is not known."""
    if error is None or not math.isfinite(error):
        return None
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return 2 * NormalDist().cdf(-abs(difference) / error)
