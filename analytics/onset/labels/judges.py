"""Who judged gold: a change of judge model, rubric or prompts begins a new segment.

Evaluations of two judges differ by their judges, so they are never compared: the last judge's are
tested alone. A row that does not say who judged it was judged by the one before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analytics.onset.evidence.measurements import Rows
from analytics.wording import whole

LONGEST = 60
"""Characters of a version that a sentence shows."""


class JudgeChange(NamedTuple):
    """The last change of judge. step: first one judged anew; earlier: rows before it; before,
    after: the versions; alone: changes of segment that are changes of judge and nothing else."""

    step: int
    earlier: int
    before: str
    after: str
    alone: int

    @property
    def sentence(self) -> str:
        """What a reader must know.

        >>> JudgeChange(500, 11, "m-1", "m-2", 1).sentence[:68]
        'Gold was judged anew from step 500 on ("m-2", before it "m-1"): what'
        """
        after, before = _short(self.after), _short(self.before)
        return (
            f'Gold was judged anew from step {whole(self.step)} on ("{after}", before it '
            f'"{before}"): '
            "what was judged otherwise is not compared, so only the evaluations since are tested."
        )


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
    said = JudgeChange(
        int(rows.step[last]), last, str(versions[last - 1]), str(versions[last]),
        int(np.sum(changed & ~other)),
    )  # fmt: skip
    return replace(rows, stretch=rows.stretch[0] + segment), said


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
