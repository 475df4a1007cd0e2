"""How the 5 % of false alarms is spread over the looks of a run that is watched while it grows.

Alpha spending after Lan and DeMets 1983: a look's boundary uses up its share of alpha given what
is known at that look, so that looking often, or pooling anew, never adds to the total.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.onset.evidence.contrasts import FIRST_LOOK
from analytics.onset.evidence.measurements import FloatArray, IntArray
from analytics.onset.evidence.pooling import MOST_LOOKS, MOST_SINGLE, rows_per_look

ALPHA = 0.05
PLANNED_ALPHA = 0.048
"""Spent within a stated plan; the rest guards a run that goes on beyond it."""
OPEN_ALPHA = 0.035
"""Spent within the first MOST_SINGLE evaluations of a run whose log states no plan."""
STAGE_PART = 0.3
"""Of the alpha left, to each later stage."""
AT_ONCE = 1 / 3
"""Of a later stage's alpha, to its first look: it comes after twice the rows of the stage before,
and a run may end soon after it. An even share of so little is no chance to cross at all."""
FEWEST_HORIZON = 8
"""A run without a plan may end anywhere from here to MOST_SINGLE looks, evenly in the logarithm."""
_FIRST_DIFFERENCES = 3

Shape = Literal["planned", "open", "later"]


@dataclass(frozen=True)
class Stage:
    """Looks first to last (1-based, inclusive) of `size` rows each, which spend alpha.

    shape: see `shares`.
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
        """Endless: the plan, then what comes after it, each with a part of the alpha left."""
        size, last, left = self.size, self.looks, ALPHA
        first_alpha = PLANNED_ALPHA if self.stated else OPEN_ALPHA
        yield Stage(size, FIRST_LOOK + 1, last, first_alpha, "planned" if self.stated else "open")
        left -= first_alpha
        if self.stated and last < MOST_LOOKS:
            yield Stage(size, last + 1, MOST_LOOKS, left * STAGE_PART, "later")
            last, left = MOST_LOOKS, left * (1 - STAGE_PART)
        while True:
            first, size, last = max(last // 2, FIRST_LOOK) + 1, 2 * size, MOST_LOOKS
            yield Stage(size, first, last, left * STAGE_PART, "later")
            left *= 1 - STAGE_PART

    def reached(self, rows: int) -> list[Stage]:
        """The stages that a run of `rows` rows has entered, the present one last."""
        stages = []
        for stage in self.stages():
            stages.append(stage)
            if rows <= stage.last * stage.size:
                return stages
        raise AssertionError("stages never end")


def plan_of(steps: IntArray, max_steps: int | None, evaluations: int | None = None) -> Plan:
    """The plan of one stretch from its rows' steps so far and the log's planned last step.

    evaluations: how many are planned, where that is known itself.
    The spacing is the median of the first three distances, so that it does not move as the run
    grows. Without a usable plan: single rows, up to 48 of them, pooled in pairs beyond.

    >>> plan_of(np.array([2, 4, 6, 8]), 400)
    Plan(size=8, looks=25, stated=True)
    >>> plan_of(np.array([2, 4, 6, 8]), None)
    Plan(size=1, looks=48, stated=False)
    >>> plan_of(np.array([2, 4, 6, 8]), None, 20)
    Plan(size=1, looks=20, stated=True)
    """
    spacings = np.diff(steps[: _FIRST_DIFFERENCES + 1])
    rows = evaluations
    if rows is None and max_steps is not None and len(spacings):
        rows = int((max_steps - int(steps[0])) // max(float(np.median(spacings)), 1.0)) + 1
    if rows is not None:
        size = rows_per_look(max(rows, 1))
        if rows // size > FIRST_LOOK:
            return Plan(size, rows // size, True)
    return Plan(1, MOST_SINGLE, False)


def shares(stage: Stage) -> FloatArray:
    """Alpha spent by each look first..last, cumulative, shape (last - first + 1,).

    planned: grows with the square of the look, as few looks show little. open: the same for a
    run that may end anywhere from FEWEST_HORIZON to the last look, evenly in the logarithm.
    later: AT_ONCE at the first look, the rest evenly.

    >>> shares(Stage(1, 4, 8, 0.04, "planned")).tolist()[-1]
    0.04
    """
    look = np.arange(stage.first, stage.last + 1)
    if stage.shape == "planned":
        share = (look / stage.last) ** 2
    elif stage.shape == "open":
        ends = np.geomspace(FEWEST_HORIZON, stage.last, 200)
        share = np.mean(np.minimum(look[:, None] / ends, 1) ** 2, axis=1)
    else:
        share = AT_ONCE + (1 - AT_ONCE) * (look - stage.first) / max(len(look) - 1, 1)
        share[-1] = 1.0
    return np.asarray(stage.alpha * share)
