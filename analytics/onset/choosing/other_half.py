"""A checkpoint chosen on half of the prompts, its gold reported from the other half.

Gold that chose a checkpoint flatters it: of twenty that differ by chance alone the best stands 1.9
standard errors above the truth. The other half of the prompts chose nothing, so its mean is biased
by nothing; the price is an interval wider by a half. Source: sample splitting, Cox 1975
(Biometrika 62:441).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from analytics.onset.choosing.candidates import Estimate
from analytics.onset.errors.prompt_clusters import FEWEST_CLUSTERS
from analytics.onset.evidence.measurements import FloatArray
from analytics.onset.evidence.verdict_keys import OtherHalfRow

LEVEL = 0.95
"""One-sided, of intervals of 90 %."""


@dataclass(frozen=True)
class OtherHalf:
    """The checkpoint that one half of the prompts chooses; gold there and its gain over the end,
    by the other half; prompts: how many chose, and how many report."""

    step: int
    gold: Estimate
    gain: Estimate
    prompts: tuple[int, int]

    def to_dict(self) -> OtherHalfRow:
        """As it stands in a recommendation, in gold's own unit."""
        return {
            "checkpoint": f"checkpoint-{self.step}", "step": self.step,
            "gold": self.gold.row(), "gain": self.gain.row(),
            "prompts_chosen_on": self.prompts[0], "prompts_reported_on": self.prompts[1],
        }  # fmt: skip


def other_half(cells: FloatArray, steps: FloatArray, saved: Sequence[int]) -> OtherHalf | None:
    """Choose among saved checkpoints with an evaluation of their own before the last one.

    None where there is none, or fewer than 20 prompts a half. Prompts are parted in the order in
    which they come, which says nothing of them: every other one chooses.

    cells: (rows, prompts) gold of each prompt at each evaluation; steps: (rows,).
    """
    known = set(saved)
    own = [row for row, step in enumerate(steps[:-1]) if int(step) in known]
    choosing, reporting = cells[:, 0::2], cells[:, 1::2]
    if not own or reporting.shape[1] < FEWEST_CLUSTERS:
        return None
    levels = choosing.mean(axis=1)
    around = np.array([levels[max(row - 1, 0) : row + 2].mean() for row in own])
    row = own[int(np.argmax(np.round(around, 12)))]
    return OtherHalf(
        int(steps[row]), _mean(reporting[row]), _mean(reporting[row] - reporting[-1]),
        (choosing.shape[1], reporting.shape[1]),
    )  # fmt: skip


def _mean(values: FloatArray) -> Estimate:
    """Mean over prompts with its 90 % interval (Student's)."""
    many = len(values)
    half = float(stdtrit(many - 1, LEVEL)) * float(values.std(ddof=1)) / float(np.sqrt(many))
    value = float(values.mean())
    return Estimate(value, value - half, value + half)
