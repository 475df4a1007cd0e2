"""Rows of what is measured about this program's own methods, as they are kept, one kind a topic.

Shares lie between 0 and 1; a name that ends in ``_se`` is the standard error of the one before it.
"""

from __future__ import annotations

from typing import Generic, NotRequired, TypedDict, TypeVar

Row = TypeVar("Row")


class Document(TypedDict, Generic[Row]):
    """A kept document: when, how and by which code its rows were made."""

    made: str
    seed: int
    runs_per_class: int
    code: NotRequired[str]
    seconds: int
    rows: list[Row]


class Check(TypedDict):
    """A part of a document made again: rows made, rows that differ; of: the document's code."""

    code: str
    of: str | None
    at: str
    again: int
    differ: int


class Fired(TypedDict, total=False):
    """How often and when a detector raises its alarm; of overoptimising kinds power, premature
    alarms, and the delay as a ratio of KLs (None: most big falls are never seen)."""

    runs: int
    alarms: float
    alarms_se: float
    big_runs: int
    power: float
    power_se: float
    premature: float
    premature_se: float
    ratio: float | None
    ratio_se: float | None


class DetectorRow(Fired, total=False):
    """One detector on one kind of run in one scenario; rows, autocorrelation and growth of the
    noise where 5 % are not promised."""

    scenario: str
    detector: str
    kind: str
    threshold: float
    rows: int
    autocorrelation: float
    growth: float


class Covered(TypedDict, total=False):
    """How well intervals hold the truth; None or absent where a method has none."""

    runs: int
    error: float | None
    error_se: float | None
    floor: float | None
    coverage: float | None
    coverage_se: float | None
    open: float | None
    coverage_bounded: float | None
    width: float | None
    width_se: float | None


class IntervalRow(Covered):
    """One method of interval for the peak, on one kind of run in one scenario."""

    scenario: str
    kind: str
    method: str
    held_out: bool
    told: float | None


class ForecastRow(Covered):
    """Forecasts of the peak from one share of the way to it."""

    prefix: float
    noise: float
    kind: str
    method: str
    refused: float


class BatteryRow(TypedDict):
    """One way of logging: onsets of each truth at the end and ever, falls called and refused.

    holds: no never-falling truth has more onsets than claimed; finds: enough falls are called.
    """

    condition: str
    words: str
    evaluations: int
    asked: bool
    claimed: float
    called_at_least: float
    runs: int
    runs_falling: int
    understated: NotRequired[float]
    flat: float
    flat_se: float
    flat_ever: float
    flat_ever_se: float
    plateau: float
    plateau_se: float
    plateau_ever: float
    plateau_ever_se: float
    falling: float
    falling_se: float
    falling_ever: float
    falling_ever_se: float
    refused: float
    warned: float
    holds: bool
    finds: bool


class CandidateFigures(TypedDict):
    """How often a candidate is recommended, is better than the end, and has gold in its interval;
    lacks: what it lacks to the best saved one, width: its interval's, both medians."""

    runs: int
    told: float | None
    right: float | None
    right_se: float | None
    coverage: float | None
    coverage_se: float | None
    lacks: float | None
    width: float | None


class CandidateRow(CandidateFigures):
    """The same of one kind of run in one scenario, judged at its alarm or its end."""

    scenario: str
    kind: str
    judged_at: str


class NullRow(TypedDict):
    """What the best of checkpoints that differ by chance alone is said to gain: standard errors."""

    what: str
    runs: int
    gold_bias: float | None
    gain_bias: float | None
    twice_bias: float | None


class CheaperGoldRow(TypedDict):
    """Few labels beside a judge whose scores correlate with them (None: labels alone)."""

    correlation: float | None
    labels: int
    judged: int
    runs: int
    big_falls: int
    power: float | None
    power_se: float | None
    ratio: float | None
    ratio_se: float | None
    as_good_as: float | None
    flat: float | None
    flat_se: float | None
    flat_ever: float | None
    flat_ever_se: float | None
    plateau: float | None
    plateau_se: float | None
    plateau_ever: float | None
    plateau_ever_se: float | None


class AnchorRow(TypedDict):
    """A judge and its drift: share in which it is detected, evaluations later; and with anchors
    and without the shares of flat and falling gold that end with an onset."""

    judge: str
    drift: str
    runs: int
    told: float | None
    told_se: float | None
    later: NotRequired[float | None]
    flat: NotRequired[float | None]
    flat_se: NotRequired[float | None]
    flat_without: NotRequired[float | None]
    flat_without_se: NotRequired[float | None]
    falling: NotRequired[float | None]
    falling_se: NotRequired[float | None]
    falling_without: NotRequired[float | None]
    falling_without_se: NotRequired[float | None]


class AlertRow(TypedDict):
    """Weeks of healthy live runs, and what they ping; low, high: 95 % of the share of weeks."""

    gold: str
    words: str
    weeks: int
    runs: int
    weeks_at_most_one: int
    share: float
    low: float
    high: float
    weeks_without: int
    most_in_a_week: int
    falls_pinged: int
    falls: int


YearRow = TypedDict(
    "YearRow",
    {
        "block": str, "harm": float, "retraining": float, "years": int, "fail": float,
        "pass": float, "own_pass": float, "own_fail": float, "passed": float, "failed": float,
        "not_shown": float,
    },
)  # fmt: skip
"""A year of one block of the gate, by its true harm in units of the limit: shares of years."""


class DriftLook(TypedDict):
    """One look of a year in which the loop gets worse step by step, or once: shares of years."""

    what: str
    questions: int
    look: int
    runs: int
    passed: float
    failed: float
    failed_by: float


class Delays(TypedDict):
    """How late falls are called: medians in evaluations and as a ratio of KLs; None: never."""

    delay_looks: float | None
    delay_kl: float | None
    delay_kl_runs: int
    before_the_fall: int


class Peaks(TypedDict):
    """Headline intervals that hold the true peak, or a point level with it; low, high: 95 %."""

    peaks: int
    peaks_held: int
    peaks_level: int
    peaks_low: float
    peaks_high: float
