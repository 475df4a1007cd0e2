"""False alarms, power and delay of every detector, on simulated runs whose truth is known.

A detector watches each run look by look and stops at its first alarm. Honest kinds give the
false-alarm rate; overoptimising ones the power on big falls, the delay (KL at the alarm over KL at
the peak, misses as infinite) and the share of alarms before the peak. Where a detector has no
threshold of its own, one is set on other runs, so that each honest kind of the model alarms in at
most 5 % of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np

from analytics.measured.rows import DetectorRow, Fired
from analytics.onset.alarm import amber, baselines
from analytics.onset.alarm.detectors import DETECTORS, Detector, Series, first_alarm
from analytics.onset.alarm.spending import ALPHA, Plan
from analytics.onset.alarm.watched import watch
from analytics.onset.curves.limit import EARLY, ONE_LOOK, TYPICAL, typical_look
from analytics.onset.errors.noise import noise_of_looks
from analytics.onset.evidence.measurements import FloatArray, IntArray, Rows
from analytics.onset.evidence.pooling import MOST_SINGLE, rows_per_look
from analytics.quality.medians import median
from analytics.simulated import HARDER, HONEST, OVEROPTIMISING, SCENARIOS, simulate

IN_MODEL = ("linear", "saturating", "plateau", "late")
"""Honest kinds that calibrate thresholds; the others are held out."""
GAO = ("rl", "bon", "mid")
SINGLE = (*SCENARIOS, "sparse_n7_s05", "unequal_n20_s05")
POOLED = "pooled_n399_s20"
POOLED_KINDS = ("plateau", *GAO)
"""Rows pooled into looks are replayed run by run, which is slow: fewer kinds."""
CONTROLLED = ("clean_n20_s02", "base_n20_s05", "noisy_n20_s10")
CALIBRATION_SEED = 7_000_000


@dataclass(frozen=True)
class Simulated:
    """Runs of one kind under one scenario with their truth: kl_peak is NaN for honest kinds."""

    series: Series
    truth: FloatArray
    kl_peak: FloatArray
    big: np.ndarray


def _past_peak_without_care(series: Series) -> FloatArray:
    found = np.zeros(series.gold.shape)
    for k in range(amber.FEWEST_LOOKS - 1, series.gold.shape[1]):
        now = slice(0, k + 1)
        found[:, k] = amber.posteriors(
            series.d[now],
            series.gold[:, now],
            series.se[now],
            tuple(name for name in amber.NULLS if name != "sigmoid"),
            either_sign=True,
        )[0]
    return found


CONTROLS = (
    Detector(
        "AMBER without sigmoid",
        _past_peak_without_care,
        amber.WARNING,
        "control: no sigmoid among the honest curves, gains of either sign, no test of fit",
    ),
    Detector(
        "patience, calibrated",
        lambda series: baselines.patience(baselines.smoothed(series.gold)),
        None,
        "control: evaluations since the best mean of three, at a threshold that errs in 5 %",
    ),
)
"""Rules that must fail, beside the baselines."""


def _unplanned(series: Series, detector: Detector) -> FloatArray:
    plan = Plan(1, MOST_SINGLE, False)
    return detector.statistic(replace(series, plan=plan))


VARIANTS = (
    replace(
        DETECTORS[0],
        name="RED, no plan stated",
        statistic=partial(_unplanned, detector=DETECTORS[0]),
    ),
)


def measure(runs: int, seed: int) -> list[DetectorRow]:
    """Rows by scenario, detector and kind; "gao" pools the RL, best-of-n and middle kinds."""
    rows: list[DetectorRow] = []
    for scenario in SINGLE:
        controls = CONTROLS if scenario in CONTROLLED else ()
        rows += measure_scenario(scenario, runs, seed, (*DETECTORS, *VARIANTS, *controls))
    return rows + measure_pooled(runs, seed) + measure_dense(runs, seed)


def measure_scenario(
    scenario: str, runs: int, seed: int, detectors: Iterable[Detector]
) -> list[DetectorRow]:
    """Rows of one scenario of single evaluations."""
    every = {
        kind: simulated(kind, scenario, runs, seed * 100_000) for kind in (*OVEROPTIMISING, *HONEST)
    }
    alarms: dict[str, dict[str, IntArray]] = {}
    thresholds: dict[str, float] = {}
    for detector in detectors:
        threshold = detector.threshold
        if threshold is None:
            threshold = calibrated(detector.statistic, scenario, runs)
        thresholds[detector.name] = threshold
        alarms[detector.name] = {
            kind: first_alarm(detector.statistic(one.series), threshold)
            for kind, one in every.items()
        }
    rows = [
        _row(scenario, name, kind, thresholds[name], figures(which, alarms_of))
        for name, by_kind in alarms.items()
        for kind, alarms_of, which in _with_gao(every, by_kind)
    ]
    return rows + list(_limits(scenario, every))


def simulated(kind: str, scenario: str, runs: int, first_seed: int) -> Simulated:
    """Runs with seeds first_seed, first_seed + 1, …, as arrays."""
    made = [simulate(kind, scenario, first_seed + i) for i in range(runs)]
    gold, proxy, truth = (
        np.array([run.frame[name].to_numpy() for run in made])
        for name in ("gold", "proxy", "truth")
    )
    scene = (SCENARIOS | HARDER)[scenario]
    return Simulated(
        Series(scene.d, gold, proxy, scene.se, Plan(1, gold.shape[1], True)),
        truth,
        np.array([np.nan if run.kl_peak is None else run.kl_peak for run in made]),
        np.array([run.big for run in made]),
    )


def calibrated(statistic: Callable[[Series], FloatArray], scenario: str, runs: int) -> float:
    """The smallest threshold that at most 5 % of each in-model honest kind reach at any look."""
    worst = -np.inf
    for kind in IN_MODEL:
        series = simulated(kind, scenario, runs, CALIBRATION_SEED).series
        highest = np.sort(statistic(series).max(axis=1))[::-1]
        # reached by at most 5 %: just above the first value that too many reach
        worst = max(worst, float(np.nextafter(highest[int(ALPHA * runs)], np.inf)))
    return worst


def _row(scenario: str, detector: str, kind: str, threshold: float, found: Fired) -> DetectorRow:
    where = {"scenario": scenario, "detector": detector, "kind": kind, "threshold": threshold}
    return cast("DetectorRow", where | found)


def figures(which: Simulated, alarm: IntArray) -> Fired:
    """Rates with standard errors; alarm: first look with an alarm, -1 = none, (runs,)."""
    fired = alarm >= 0
    row: Fired = {"runs": len(alarm)}
    row["alarms"], row["alarms_se"] = _rate(fired)
    overoptimising = np.isfinite(which.kl_peak)
    if overoptimising.all() and which.big.any():
        ratio = np.where(fired, which.series.d[alarm] ** 2 / which.kl_peak, np.inf)
        row["big_runs"] = int(which.big.sum())
        row["power"], row["power_se"] = _rate(fired[which.big])
        row["premature"], row["premature_se"] = _rate(ratio < 1)
        row["ratio"], row["ratio_se"] = median(ratio[which.big])
    return row


def _rate(values: np.ndarray) -> tuple[float, float]:
    share = float(np.mean(values))
    # one more of each keeps the error of 0 of n above 0
    smooth = (float(np.sum(values)) + 1) / (len(values) + 2)
    error = float(np.sqrt(smooth * (1 - smooth) / len(values)))
    return round(share, 4), round(error, 4)


def _with_gao(
    every: dict[str, Simulated], alarms: dict[str, IntArray]
) -> Iterator[tuple[str, IntArray, Simulated]]:
    for kind, alarms_of in alarms.items():
        yield kind, alarms_of, every[kind]
    parts = [every[kind] for kind in GAO]
    pooled = Simulated(
        parts[0].series,
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.kl_peak for part in parts]),
        np.concatenate([part.big for part in parts]),
    )
    yield "gao", np.concatenate([alarms[kind] for kind in GAO]), pooled


def _limits(scenario: str, every: dict[str, Simulated]) -> Iterator[DetectorRow]:
    """Where alarms at the limit would come: no detector, a bound of what any could do."""
    parts = [every[kind] for kind in GAO]
    truth = np.concatenate([part.truth[part.big] for part in parts])
    peak = np.concatenate([part.kl_peak[part.big] for part in parts])
    series = parts[0].series
    for c in (ONE_LOOK, EARLY, TYPICAL):
        look = typical_look(truth, series.se, c)
        ratio = np.where(look >= 0, series.d[look] ** 2 / peak, np.inf)
        middle, error = median(ratio)
        yield {
            "scenario": scenario, "detector": f"limit, c = {c}", "kind": "gao",
            "big_runs": len(ratio), "ratio": middle, "ratio_se": error,
        }  # fmt: skip


def measure_pooled(runs: int, seed: int) -> list[DetectorRow]:
    """RED on hundreds of noisy rows whose error nothing states, pooled and replayed as they are."""
    every, alarms = {}, {}
    for kind in POOLED_KINDS:
        every[kind] = simulated(kind, POOLED, runs, seed * 100_000)
        gold = every[kind].series.gold
        size = rows_per_look(gold.shape[1])
        plan = Plan(size, gold.shape[1] // size, True)
        alarms[kind] = np.array([_replayed(one, plan) for one in gold])
    return [
        _row(POOLED, "RED", kind, 0.0, figures(which, alarms_of))
        for kind, alarms_of, which in _with_gao(every, alarms)
    ]


DENSE = ((24, 0.0), (24, 0.3), (24, 0.5), (60, 0.0), (60, 0.5))
"""(rows, correlation of neighbouring rows)."""


def measure_dense(runs: int, seed: int) -> list[DetectorRow]:
    """Where 5 % is not promised: flat rows of unstated, correlated, threefold growing noise."""
    found: list[DetectorRow] = []
    for rows, rho in DENSE:
        rng = np.random.default_rng([seed, rows, int(10 * rho)])
        noise = rng.standard_normal((runs, rows))
        for t in range(1, rows):
            noise[:, t] = rho * noise[:, t - 1] + np.sqrt(1 - rho * rho) * noise[:, t]
        gold = noise * 3.0 ** np.linspace(0, 1, rows)
        size = rows_per_look(rows)
        alarms = np.array([_replayed(one, Plan(size, rows // size, True)) for one in gold])
        share, error = _rate(alarms >= 0)
        found.append({
            "scenario": "unstated noise", "detector": "RED", "kind": "flat", "rows": rows,
            "autocorrelation": rho, "growth": 3.0, "runs": runs, "alarms": share,
            "alarms_se": error,
        })  # fmt: skip
    return found


def _replayed(gold: FloatArray, plan: Plan) -> int:
    """The last row of the look at which a verdict's replay alarms, -1 = none."""
    count = len(gold)
    blank = np.full(count, np.nan)
    zeros = np.zeros(count, dtype=np.int64)
    rows = Rows(
        np.arange(count),
        stretch=zeros,
        kl=blank,
        gold=gold,
        gold_se=blank,
        gold_sd=blank,
        n_responses=blank,
        proxy=blank,
    )
    test = watch(
        rows, plan, lambda known, looks, size: noise_of_looks(known, looks, size, None, "", None)
    )
    return -1 if test is None or test.alarm is None else test.alarm.rows - 1
