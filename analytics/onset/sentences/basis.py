"""What a verdict was reached by, as far as its sentences speak of it."""

from __future__ import annotations

from typing import NamedTuple

from analytics.onset.alarm.way_back import WayBack
from analytics.onset.labels.judges import JudgeChange
from analytics.onset.labels.kl_honesty import Doubt


class Nearest(NamedTuple):
    """The scan at the evaluation where it came nearest to its boundary."""

    statistic: float
    boundary: float


class Basis(NamedTuple):
    """Beside the finished row of a verdict: counts of gold rows, its errors, the test's promise.

    rows: gold rows that were used; groups: those rows as they were tested, `size` a group; tested:
    groups of the last segment. errors: where the standard errors come from, None without a test;
    unstated: they are learnt from the gold that is tested; widened: times by which they were
    widened, 1 where they were not. tests: planned ones (planned) or those that are allowed for.
    unusable: gold rewards that are no numbers; before_kl: rows before the first KL, both left out.
    """

    source: str | None
    rows: int
    tested: int
    size: int
    errors: str | None
    known_errors: bool
    unstated: bool
    clustered_unknown: bool
    widened: float
    tests: int
    planned: bool
    nearest: Nearest | None
    way_back: WayBack | None
    no_curve_fits: bool
    judges: JudgeChange | None
    doubts: tuple[Doubt, ...]
    unusable: int
    before_kl: int
    kl_conversion: str | None
    kl_note: str | None
