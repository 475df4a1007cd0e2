"""Every detector by name: what it computes at each look, and what it promises.

One interface for the verdict's own detectors and for the rules that they are compared with, over
many runs on one schedule at once. A number at look k uses nothing after k, so that online and in
retrospect they are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.onset.alarm import amber, baselines, e_process
from analytics.onset.alarm.flat_runs import Schedule, profile_of
from analytics.onset.alarm.red import boundaries
from analytics.onset.alarm.spending import Plan
from analytics.onset.alarm.witness import witness
from analytics.onset.errors.autocorrelation import estimates
from analytics.onset.errors.excess_scatter import factors
from analytics.onset.errors.noise import careful_rho, noise_of_looks
from analytics.onset.evidence.contrasts import FIRST_LOOK, humps_at_end
from analytics.onset.evidence.measurements import FloatArray, IntArray, Rows
from analytics.onset.evidence.pooling import pool

UNBORNE = -1e-9
"""Statistic over boundary of a crossing that nothing else bears out."""


@dataclass(frozen=True)
class Series:
    """Runs on one schedule of single evaluations: d (looks,), gold and proxy (runs, looks).

    d: sqrt-nats; se: (looks,), stated standard errors of gold, same unit; plan: looks planned.
    """

    d: FloatArray
    gold: FloatArray
    proxy: FloatArray
    se: FloatArray
    plan: Plan


@dataclass(frozen=True)
class Detector:
    """statistic: (runs, looks), an alarm where it reaches threshold for the first time.

    threshold: None = none is known; the comparison sets it so that each honest class of the
    model alarms in at most 5 % of calibration runs. promise: what holds without simulation.
    """

    name: str
    statistic: Callable[[Series], FloatArray]
    threshold: float | None
    promise: str


def first_alarm(statistic: FloatArray, threshold: float) -> IntArray:
    """The first look whose statistic reaches threshold, -1 for none; (runs, looks) to (runs,)."""
    reached = statistic >= threshold
    return np.where(reached.any(axis=1), reached.argmax(axis=1), -1)


def red(series: Series) -> FloatArray:
    """RED's statistic minus its boundary at each look, with the noise as known at that look.

    Just below 0 where no second witness bears a crossing out. The same decisions as the replay of
    a verdict (`watched.watch`), for stated errors and looks of single rows.
    """
    return borne_out(series, red_alone(series))


def red_alone(series: Series) -> FloatArray:
    """RED's statistic minus its boundary at each look, whatever a second witness says."""
    stage = next(series.plan.stages())
    runs, looks = series.gold.shape
    found = np.full((runs, looks), -np.inf)
    for k in range(FIRST_LOOK, looks):
        gold, variance = series.gold[:, : k + 1], series.se[: k + 1] ** 2
        profile = profile_of(variance, stage.last)
        rho = np.array([careful_rho(float(one), k + 1) for one in estimates(gold)])
        widen = factors(gold, variance)
        contrasts = humps_at_end(k + 1)
        z = ((gold - gold.mean(axis=1, keepdims=True)) @ contrasts.T) / np.sqrt(
            contrasts**2 @ variance
        )
        statistic = z.max(axis=1) / np.sqrt(widen)
        for value in np.unique(rho):
            schedule = Schedule(stage.last, "stated", round(value * 20) / 20, profile=profile)
            limit = boundaries(schedule, stage)[k + 1 - stage.first]
            found[rho == value, k] = statistic[rho == value] - limit
    return found


def borne_out(series: Series, above: FloatArray) -> FloatArray:
    """`above` (runs, looks) up to the first crossing of 0 that a second witness bears out."""
    looks = series.gold.shape[1]
    above = above.copy()
    steps, blank = np.arange(looks), np.full(looks, np.nan)
    for i in np.flatnonzero((above >= 0).any(axis=1)):
        gold = series.gold[i]
        rows = Rows(
            steps,
            stretch=0 * steps,
            kl=series.d**2,
            gold=gold,
            gold_se=series.se,
            gold_sd=blank,
            n_responses=blank,
            proxy=blank,
        )
        for k in np.flatnonzero(above[i] >= 0):
            known = rows.first(int(k) + 1)
            seen = pool(known, 1)
            noise = noise_of_looks(known, seen, 1, series.se[: k + 1], "", None)
            if witness(seen, noise).stands:
                break
            above[i, k] = UNBORNE
    return above


def past_peak(series: Series, nulls: tuple[str, ...] = amber.NULLS) -> FloatArray:
    """AMBER's probability at each look that the peak has been passed; 0 where it is silent."""
    found = np.zeros(series.gold.shape)
    for k in range(amber.FEWEST_LOOKS - 1, series.gold.shape[1]):
        now = slice(0, k + 1)
        past, fit = amber.posteriors(series.d[now], series.gold[:, now], series.se[now], nulls)
        found[:, k] = np.where(fit >= amber.LACK_OF_FIT, past, 0.0)
    return found


DETECTORS = (
    Detector(
        "RED",
        red,
        0.0,
        "at most 5 % false alarms a run on every gold that never falls, however often it is "
        "tested; a second witness supports each alarm",
    ),
    Detector(
        "e-process",
        lambda series: e_process.log_e(series.d, series.gold, series.se),
        float(np.log(e_process.ALARM)),
        "at most 5 % false alarms a run on every gold that never falls, without any plan; its "
        "values can be combined over runs that share prompts",
    ),
    Detector(
        "AMBER",
        past_peak,
        amber.WARNING,
        "none: its error rate depends on the never-falling curves in the model; it warns, and the "
        "scan raises the alarm",
    ),
    Detector(
        "patience 3",
        lambda series: baselines.patience(series.gold),
        3.0,
        "none: three evaluations without a new best",
    ),
    Detector(
        "smoothed argmax",
        lambda series: baselines.below_smoothed_peak(series.gold, series.se),
        None,
        "none: the mean of three evaluations below its highest; calibrated on simulated runs",
    ),
    Detector(
        "proxy-gold gap",
        lambda series: baselines.proxy_gold_gap(series.proxy, series.gold, series.se),
        None,
        "none: proxy gained more than gold; calibrated on simulated runs",
    ),
    Detector(
        "PELT",
        lambda series: baselines.pelt_last_segment_lower(series.gold, series.se),
        None,
        "none: the last segment of piecewise constant gold is lower; calibrated on simulated runs",
    ),
)
"""RED, the e-process and AMBER are in every verdict; the others are there to be beaten."""
