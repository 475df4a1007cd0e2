"""How the 5 % of false alarms is spread over the looks of a run that is watched while it grows.

Alpha spending after Lan and DeMets 1983: a look's boundary uses up its share of alpha given what
is known at that look, so that looking often, or pooling anew, never adds to the total.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.onset.contrasts import FIRST_LOOK
from analytics.onset.measurements import FloatArray, IntArray
from analytics.onset.pooling import MOST_LOOKS, rows_per_look

ALPHA = 0.05
PLANNED_ALPHA = 0.048
"""Spent within a stated plan; the rest guards a run that goes on beyond it."""
OPEN_ALPHA = 0.04
"""Spent within the first 32 evaluations of a run whose log states no plan."""
OPEN_SHARES = ((3, 0.0), (7, 0.1), (11, 0.5), (16, 0.65), (21, 0.9), (32, 1.0))
"""(look, share of the stage's alpha spent by it): little where few looks show little, most where
schedules of 8 to 21 evaluations end. Source: docs/methods.md, with what it costs."""
_FIRST_DIFFERENCES = 3

Shape = Literal["constant", "open", "even"]


@dataclass(frozen=True)
class Stage:
    """Looks first to last (1-based, inclusive) of `size` rows each, which spend alpha.

    shape: "constant", as one boundary for all looks of a reference run would spend it; "open",
    OPEN_SHARES; "even", the same at each look.
    """

    size: int
    first: int
    last: int
    alpha: float
    shape: Shape


@dataclass(frozen=True)
class Plan:
    """size: rows per look at the start; looks: planned looks of that size; stated: by the log."""

    size: int
    looks: int
    stated: bool

    def stages(self) -> Iterator[Stage]:
        """Endless: the plan, then what comes after it, each step with half of the alpha left."""
        size, left = self.size, ALPHA
        if self.stated:
            yield Stage(size, FIRST_LOOK + 1, self.looks, PLANNED_ALPHA, "constant")
            left -= PLANNED_ALPHA
            if self.looks < MOST_LOOKS:
                left /= 2
                yield Stage(size, self.looks + 1, MOST_LOOKS, left, "even")
        else:
            yield Stage(size, FIRST_LOOK + 1, self.looks, OPEN_ALPHA, "open")
            left -= OPEN_ALPHA
        while True:
            size, left = 2 * size, left / 2
            yield Stage(size, MOST_LOOKS // 2 + 1, MOST_LOOKS, left, "even")

    def reached(self, rows: int) -> list[Stage]:
        """The stages that a run of `rows` rows has entered, the present one last."""
        stages = []
        for stage in self.stages():
            stages.append(stage)
            if rows <= stage.last * stage.size:
                return stages
        raise AssertionError("stages never end")


def plan_of(steps: IntArray, max_steps: int | None) -> Plan:
    """The plan of one stretch from its rows' steps so far and the log's planned last step.

    The spacing is the median of the first three distances, so that it does not move as the run
    grows. Without a usable plan: single rows, up to 32 of them, pooled in pairs beyond.

    >>> plan_of(np.array([2, 4, 6, 8]), 400)
    Plan(size=8, looks=25, stated=True)
    >>> plan_of(np.array([2, 4, 6, 8]), None)
    Plan(size=1, looks=32, stated=False)
    """
    spacings = np.diff(steps[: _FIRST_DIFFERENCES + 1])
    if max_steps is not None and len(spacings):
        rows = int((max_steps - int(steps[0])) // max(float(np.median(spacings)), 1.0)) + 1
        size = rows_per_look(max(rows, 1))
        if rows // size > FIRST_LOOK:
            return Plan(size, rows // size, True)
    return Plan(1, MOST_LOOKS, False)


def even_shares(stage: Stage) -> FloatArray:
    """Alpha spent by each look first..last of a stage that is not "constant", cumulative."""
    look = np.arange(stage.first, stage.last + 1)
    if stage.shape == "open":
        known, shares = np.array(OPEN_SHARES).T
        share = np.interp(look, known, shares)
    else:
        share = (look - stage.first + 1) / len(look)
    return np.asarray(stage.alpha * share)
