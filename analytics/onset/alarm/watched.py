"""A run judged look by look, as it was known then: nothing after a look enters its judgement.

Live and in retrospect the same replay is made, so an alarm, once raised, stays where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analytics.onset.alarm.flat_runs import Schedule, schedule_of
from analytics.onset.alarm.red import boundaries, detectable, statistic_at_end
from analytics.onset.alarm.spending import Plan, Stage
from analytics.onset.alarm.way_back import followed
from analytics.onset.alarm.witness import CLEAR_SCAN, witness
from analytics.onset.curves.unimodal import rising_fit
from analytics.onset.errors.noise import UNSTATED, Noise
from analytics.onset.evidence.contrasts import FIRST_LOOK
from analytics.onset.evidence.measurements import FloatArray, Rows
from analytics.onset.evidence.pooling import Looks, pool

FEWEST_LOOKS = FIRST_LOOK + 1
"""The scan tests from the fourth look on; below that nothing could ever alarm."""
FEWEST_LOOKS_UNKNOWN_NOISE = 6
"""With four looks, two second differences would have to be noise estimate and evidence both."""

BORNE = {"none": 1.25, "small": 1.05, "large": 1.08}
BORNE_UNSTATED = {"none": 1.65, "small": 1.4, "large": 1.15}
"""How much larger than for the scan alone a fall must be, by the rise before it, for a second
witness to bear it out as well and where the size of the errors is learnt from few looks. Measured
on gold that rises over its first half and falls over its last (docs/methods.md)."""
CLEAR_FROM = {"none": 0.0, "small": 3.5, "large": CLEAR_SCAN}
"""The scan that a fall must reach: the e-process foresees humps, and is silent about a small fall
after a large rise, so that the scan must be clear by itself there."""
SMALL_RISE, LARGE_RISE = 3, 12
"""In standard errors. Less than the first is what the best rising fit makes of noise."""
RISE_STEP, MOST_RISE = 1.4, 14
"""Rises are told apart in steps of 40 %, up to 111 standard errors."""

NoiseOf = Callable[[Rows, Looks, int], Noise]


@dataclass(frozen=True)
class Alarm:
    """The first look at or above its boundary: last step, mean KL (NaN = unknown), row count."""

    step: int
    kl: float
    rows: int
    statistic: float
    boundary: float


@dataclass(frozen=True)
class Watch:
    """statistic, boundary: of the looks tested in the present stage, the last one last; tested:
    looks judged in all stages; detectable: the fall that is seen with 80 % power, gold's unit;
    seen: looks and noise as known at each look of the present stage; unborne: the first look that
    crossed its boundary while one evaluation alone carried it, its last step."""

    statistic: FloatArray
    boundary: FloatArray
    tested: int
    detectable: float
    alarm: Alarm | None
    seen: tuple[tuple[Looks, Noise], ...] = ()
    unborne: int | None = None


def watch(rows: Rows, plan: Plan, noise_of: NoiseOf) -> Watch | None:
    """Replays the looks of one stretch in time order; None where none could be tested.

    rows: (rows,) of one stretch; noise_of: noise of looks from the rows that were known then.
    Only looks that are full are tested, so that a look never changes once it has been seen.
    """
    alarm: Alarm | None = None
    unborne: int | None = None
    tested = 0
    seen: tuple[tuple[Looks, Noise], ...] = ()
    statistic, limit = np.zeros(0), np.zeros(0)
    last: tuple[Looks, Noise, Stage] | None = None
    for stage in plan.reached(len(rows)):
        judged = _looks_of_stage(rows, stage, noise_of)
        if not judged:
            continue
        limit = _limits(judged, stage)
        statistic = np.array([one[2] for one in judged])
        tested += len(judged)
        seen = tuple((looks, noise) for looks, noise, _ in judged)
        for first in np.flatnonzero(statistic >= limit) if alarm is None else ():
            looks, noise, _ = judged[int(first)]
            found = witness(looks, noise)
            if found.stands and followed(looks, noise, float(limit[first])) is None:
                alarm = _alarm(looks, float(statistic[first]), float(limit[first]))
                break
            if found.single and unborne is None:
                unborne = int(looks.step_end[-1])
        last = judged[-1][0], judged[-1][1], stage
    if last is None:
        return None
    return Watch(statistic, limit, tested, _detectable(*last, limit), alarm, seen, unborne)


def _alarm(looks: Looks, statistic: float, boundary: float) -> Alarm:
    return Alarm(
        int(looks.step_end[-1]), float(looks.kl[-1]), looks.bounds[-1][1], statistic, boundary
    )


Judged = tuple[Looks, Noise, float]


def _looks_of_stage(rows: Rows, stage: Stage, noise_of: NoiseOf) -> list[Judged]:
    judged: list[Judged] = []
    for count in range(stage.first, min(stage.last, len(rows) // stage.size) + 1):
        known = rows.first(count * stage.size)
        looks = pool(known, stage.size)
        noise = noise_of(known, looks, stage.size)
        if noise.method in UNSTATED and count < FEWEST_LOOKS_UNKNOWN_NOISE:
            continue
        judged.append((looks, noise, statistic_at_end(looks.gold, noise)))
    return judged


def _limits(judged: list[Judged], stage: Stage) -> FloatArray:
    """Each look's boundary from the schedule known at that look."""
    schedules = [schedule_of(noise, stage.last) for _, noise, _ in judged]
    newest = schedules[-1]
    limits = np.empty(len(judged))
    for i, ((looks, _, _), schedule) in enumerate(zip(judged, schedules, strict=True)):
        count = len(looks)
        # the same simulation serves every look whose knowledge is the beginning of the newest
        asked = newest if _begins(schedule, newest, count) else schedule
        limits[i] = boundaries(asked, stage)[count - stage.first]
    return limits


def _begins(schedule: Schedule, newest: Schedule, count: int) -> bool:
    def so_far(one: Schedule) -> tuple[int, ...]:
        return (one.profile or (0,) * one.looks)[:count]

    same = replace(schedule, profile=newest.profile) == newest
    return same and so_far(schedule) == so_far(newest)


def _detectable(looks: Looks, noise: Noise, stage: Stage, limit: FloatArray) -> float:
    count = len(noise.scatter)
    typical = float(np.median(noise.se[count // 2 :]))
    risen = _risen(looks.gold, noise.se, typical)
    size = "none" if risen < SMALL_RISE else "small" if risen < LARGE_RISE else "large"
    padded = np.full(count - FIRST_LOOK, 1e3)
    padded[-len(limit) :] = np.maximum(limit[-len(padded) :], CLEAR_FROM[size])
    rounded = tuple(np.round(padded, 2).tolist())
    borne = (BORNE_UNSTATED if noise.method in UNSTATED else BORNE)[size]
    rise = 0.0 if size == "none" else risen
    return borne * detectable(schedule_of(noise, count), rounded, rise) * typical


def _risen(gold: FloatArray, se: FloatArray, typical: float) -> float:
    """How far gold has risen, in typical standard errors, rounded so that like runs share."""
    if typical <= 0 or not np.all(se > 0):
        return 0.0
    fit = rising_fit(gold, 1 / se**2)
    risen = max(float(fit[-1] - fit[0]) / typical, 1.0)
    return float(RISE_STEP ** min(np.round(np.log(risen) / np.log(RISE_STEP)), MOST_RISE))
