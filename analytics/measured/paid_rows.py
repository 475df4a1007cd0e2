"""Rows of the topics "paid_for" and "shortcuts", as they are kept: one type a kind of row.

``low``, ``high``: Wilson's 95 % of the count before them, over the runs that it is of.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict


class CoverageRow(TypedDict):
    """How often a 95 % interval held what was planted, of the runs where one was told."""

    kind: Literal["coverage"]
    what: str
    setting: str
    runs: int
    told: int
    held: int
    low: float
    high: float


class DiagnosisRow(TypedDict):
    """What simulated runs of a kind, or genuine trainings, are told of hack or instability."""

    kind: Literal["diagnosis", "genuine diagnosis"]
    setting: str
    runs: int
    parted: int
    both_broke_down: int
    cannot_tell: int


class SignalError(TypedDict):
    """How often a signal erred on healthy genuine trainings, and called falling ones."""

    healthy: int
    false: int
    low: float
    high: float
    falling: int
    called: int


class SignalTriedRow(SignalError):
    """The same with the signal, and what it is raised against."""

    kind: Literal["signal"]
    signal: str
    null: str


class SimulatedSignalRow(TypedDict):
    """How often a signal is raised on simulated runs in which nothing is wrong."""

    kind: Literal["simulated signal"]
    signal: str
    setting: str
    runs: int
    false: int
    low: float
    high: float


class RivalTriedRow(TypedDict):
    """How often a rival explanation is seen beside no onset, in healthy genuine trainings."""

    kind: Literal["rival"]
    rival: str
    healthy: int
    false: int
    low: float
    high: float


class NamedRow(TypedDict):
    """Falling trainings whose list's first item names what the policy does; in_list: any item."""

    kind: Literal["named"]
    planted: bool
    with_gold: bool
    falling: int
    named: int
    low: float
    high: float
    found: int
    in_list: int


PaidForRow: TypeAlias = (
    CoverageRow | DiagnosisRow | SignalTriedRow | SimulatedSignalRow | RivalTriedRow | NamedRow
)


class PlantedRow(TypedDict):
    """Runs with a planted shortcut: power by strength and in the strong half, onset and first item
    of those found, how many were told and how many of them are false."""

    condition: str
    planted: Literal[True]
    gold: bool
    runs: int
    power: list[float | None]
    strong: float | None
    strong_low: float | None
    strong_high: float | None
    onset: float | None
    onset_low: float | None
    onset_high: float | None
    first: float | None
    first_low: float | None
    first_high: float | None
    told: int
    false: int
    false_share: float | None
    false_share_se: float | None


class NothingPlantedRow(TypedDict):
    """Runs without a shortcut: in what share of them nothing is told."""

    condition: str
    planted: Literal[False]
    gold: bool
    runs: int
    silent: float | None
    silent_low: float | None
    silent_high: float | None
    told: int
    false: int


ShortcutQualityRow: TypeAlias = PlantedRow | NothingPlantedRow
