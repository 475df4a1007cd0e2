"""Simulated runs of flat gold, on a run's own schedule: looks, errors, correlation, freedom.

What RED's boundaries are read from. Flat is the worst case of "never falls", jointly for all
windows. Source: docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.computing.kept import kept
from analytics.onset.errors.autocorrelation import variance_inflation
from analytics.onset.errors.noise import (
    UNSTATED,
    Method,
    Noise,
    difference_scatter,
    freedom_so_far,
    scale_so_far,
    smooth_so_far,
)
from analytics.onset.evidence.ar1 import correlated
from analytics.onset.evidence.contrasts import (
    FIRST_LOOK,
    Contrasts,
    drop_contrasts,
    hump_contrasts,
    slope_contrasts,
)
from analytics.onset.evidence.measurements import FloatArray
from analytics.onset.evidence.pooling import MOST_LOOKS

PATHS = 20_000
CHUNK = 2_500
PROFILE_STEP = 0.15
TREND_STEP = 6
MOST_FREEDOM = 30
"""Of one look's scatter: more is simulated as this, which raises a boundary by a hair."""
_FEWEST_FOR_TREND = 8
SCANS = {"hump": hump_contrasts, "slope": slope_contrasts, "drop": drop_contrasts}
"""Families of contrasts; the first is the rule, the others are for comparison."""


@dataclass(frozen=True)
class Schedule:
    """All that the boundary depends on, rounded so that like runs share one simulation.

    profile: relative standard error of each look in steps of 15 % (empty = all alike).
    freedom, cell_freedom: of one look's scatter between rows, between prompts.
    """

    looks: int
    method: Method = "stated"
    rho: float = 0.0
    rows: int = 1
    rho_rows: float = 0.0
    freedom: int = 0
    cell_freedom: int = 0
    profile: tuple[int, ...] = ()
    scan: str = "hump"


@kept(16)
def flat_maxima(schedule: Schedule, paths: int = PATHS) -> NDArray[np.float32]:
    """The statistic of simulated flat runs at each look from the fourth on, (looks - 3, paths)."""
    contrasts = contrasts_of(schedule)
    freedom = freedom_of(schedule)
    found = np.empty((schedule.looks - FIRST_LOOK, paths), dtype=np.float32)
    at = 0
    for z, spread in flat_runs(schedule, contrasts, paths):
        statistic = np.maximum.reduceat(z / spread, contrasts.first_of, axis=0)
        found[:, at : at + z.shape[1]] = to_normal(statistic, freedom[:, None])
        at += z.shape[1]
    return found


def schedule_of(noise: Noise, looks: int) -> Schedule:
    """The schedule of `looks` looks behind the noise known so far, rounded; the rest repeats."""
    profile: tuple[int, ...] = ()
    if noise.method in ("stated", "course"):
        profile = profile_of(noise.scatter if noise.method == "stated" else noise.local, looks)
    elif noise.method in ("rows", "prompts"):
        profile = _trend(noise.scatter if noise.method == "rows" else noise.local, looks)
    by_rows = noise.method in UNSTATED
    return Schedule(
        looks,
        method=noise.method,
        rho=round(noise.rho * 20) / 20,
        rows=noise.rows if by_rows else 1,
        rho_rows=round(noise.careful_rho * 20) / 20 if by_rows else 0.0,
        freedom=min(noise.rows_freedom, MOST_FREEDOM),
        cell_freedom=min(noise.cell_freedom, MOST_FREEDOM),
        profile=profile,
    )


def profile_of(variance: FloatArray, looks: int) -> tuple[int, ...]:
    """A schedule's profile of known variances; looks beyond them repeat the last one."""
    known = np.round(_relative(variance))
    steps = np.pad(known.astype(int), (0, max(0, looks - len(known))), mode="edge")[:looks]
    return tuple(steps.tolist()) if np.any(steps) else ()


def to_normal(t: FloatArray, freedom: FloatArray) -> FloatArray:
    """Student t with `freedom` degrees of freedom on the scale of a standard normal.

    Wallace 1959's closed form, odd in t; inf freedom changes nothing. It puts looks with few and
    many degrees of freedom on one scale; exactness is not needed, the boundary is simulated.
    """
    with np.errstate(invalid="ignore"):
        bent = np.sqrt(freedom * np.log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return np.where(np.isfinite(freedom), np.sign(t) * bent, t)


def from_normal(z: FloatArray, freedom: FloatArray) -> FloatArray:
    """The t that `to_normal` maps to z."""
    finite = np.isfinite(freedom)
    nu = np.where(finite, freedom, 1.0)
    inner = np.minimum((z * (8 * nu + 3) / (8 * nu + 1)) ** 2 / nu, 500.0)
    return np.where(finite, np.sqrt(nu * np.expm1(inner)), z)


def _relative(variance: FloatArray) -> FloatArray:
    """Standard errors in steps of 15 % from the first one, within a factor of 400."""
    floored = np.maximum(variance, 1e-12 * max(float(np.max(variance)), 1e-300))
    steps = np.log(floored / floored[0]) / 2 / PROFILE_STEP
    return np.asarray(np.clip(steps, -40, 40))


def _trend(variance: FloatArray, looks: int) -> tuple[int, ...]:
    """A steady growth or decay of an estimated standard error over the run, rounded.

    The estimates of single looks are too noisy to simulate one by one, and the straight line
    lets runs of one kind share a simulation. Fewer than 8 looks cannot show a trend.
    """
    if len(variance) < _FEWEST_FOR_TREND:
        return ()
    time = np.arange(len(variance)) - (len(variance) - 1) / 2
    slope = MOST_LOOKS * float(time @ _relative(variance)) / float(time @ time)
    slope = TREND_STEP * round(float(np.clip(slope, -12, 12)) / TREND_STEP) / MOST_LOOKS
    steps = np.round(slope * np.arange(looks)).astype(int)
    return tuple(steps.tolist()) if np.any(steps) else ()


def freedom_of(schedule: Schedule) -> FloatArray:
    """Degrees of freedom behind the statistic at each look from the fourth on."""
    count, rows = schedule.looks, schedule.rows
    freedom = freedom_so_far(schedule.method, count, rows, schedule.freedom, schedule.cell_freedom)
    return freedom[FIRST_LOOK:]


def contrasts_of(schedule: Schedule) -> Contrasts:
    """The windows that the schedule's scan compares."""
    return SCANS[schedule.scan](schedule.looks)


def flat_runs(
    schedule: Schedule, contrasts: Contrasts, paths: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Chunks of flat runs: contrasts and their standard errors as estimated, (windows, paths).

    Gold and its scatter have generators of their own in each chunk, drawn look by look: the first
    looks are the same whatever the number of looks.
    """
    count, rows = schedule.looks, schedule.rows
    profile = np.exp(PROFILE_STEP * np.array(schedule.profile or (0,) * count))[:, None]
    matrix = contrasts.matrix.astype(np.float32)
    square = contrasts.square.astype(np.float32)
    smoothed = contrasts.smoothed.astype(np.float32)
    for start in range(0, paths, CHUNK):
        size = min(CHUNK, paths - start)
        rng = np.random.default_rng([20221019, start])
        rng_cells = np.random.default_rng([20221019, start, 1])
        rng_rows = np.random.default_rng([20221019, start, 2])
        square_of = np.ones((1, 1), dtype=np.float32)
        scatter = local = np.ones((count, 1))
        if schedule.method in UNSTATED:
            course = np.repeat(profile, rows, axis=0)
            each = course * correlated(
                rng.standard_normal((count * rows, size)), schedule.rho_rows, axis=0
            )
            gold = each.reshape(count, rows, size).mean(axis=1)
            known = course**2 if schedule.method == "course" else np.ones_like(course)
            inflation = variance_inflation(schedule.rho_rows, rows) / rows
            scatter = difference_scatter(each, known, schedule.rho_rows) * known * inflation
            scatter = scatter.reshape(count, rows, size).mean(axis=1)
            local = profile**2
        else:
            gold = profile * correlated(rng.standard_normal((count, size)), schedule.rho, axis=0)
        if schedule.method == "stated":
            square_of = square @ (profile**2).astype(np.float32)
        elif schedule.method == "rows":
            scatter = profile**2 * _scatter(rng_rows, schedule.freedom, (count, size))
        elif schedule.method == "prompts":
            local = smooth_so_far(
                profile**2 * _scatter(rng_cells, schedule.cell_freedom, (count, size))
            )
            scatter = profile**2 * _scatter(rng_rows, schedule.freedom, (count, size))
        if schedule.method in ("rows", "differences"):
            square_of = smoothed @ scatter.astype(np.float32)
        elif schedule.method in ("prompts", "course"):
            scale = scale_so_far(scatter, local)[contrasts.last]
            square_of = (square @ local.astype(np.float32)) * scale.astype(np.float32)
        yield matrix @ gold.astype(np.float32), np.sqrt(square_of)


def _scatter(rng: np.random.Generator, freedom: int, shape: tuple[int, int]) -> FloatArray:
    return rng.chisquare(freedom, shape) / freedom
