"""Who judged gold: a change of judge model, rubric or prompts begins a new segment.

Evaluations of two judges differ by their judges, so they are never compared: the last judge's are
tested alone. A row that does not say who judged it was judged by the one before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analytics.onset.evidence.measurements import Rows


class JudgeChange(NamedTuple):
    """The last change of judge. step: first one judged anew; earlier: rows before it; before,
    after: the versions; alone: changes of segment that are changes of judge and nothing else."""

    step: int
    earlier: int
    before: str
    after: str
    alone: int


def by_judge(rows: Rows) -> tuple[Rows, JudgeChange | None]:
    """The rows with a stretch of their own for each judge, and the last change, None without one.

    A change of stretch stays one, whoever judged.
    """
    versions = rows.version
    if versions is None or len(rows) < 2:
        return rows, None
    changed = (versions[1:] != versions[:-1]) & (versions[:-1] != "")
    if not np.any(changed):
        return rows, None
    other = rows.stretch[1:] != rows.stretch[:-1]
    segment = np.concatenate([[0], np.cumsum(changed | other)])
    last = int(np.flatnonzero(changed)[-1]) + 1
    change = JudgeChange(
        int(rows.step[last]), last, str(versions[last - 1]), str(versions[last]),
        int(np.sum(changed & ~other)),
    )  # fmt: skip
    return replace(rows, stretch=rows.stretch[0] + segment), change
