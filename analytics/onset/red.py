"""RED: the alarm whose false alarms are bounded for every gold that never falls.

The largest standardised falling slope over all windows that end at a look, against a boundary
that flat gold crosses at any look in at most 5 % of runs. Flat is the worst case of "never
falls", jointly for all windows. Source: docs/methods.md; the boundary is simulated for the run's
own schedule, noise estimate and autocorrelation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from analytics.onset.autocorrelation import variance_inflation
from analytics.onset.contrasts import (
    FIRST_LOOK,
    Contrasts,
    drop_contrasts,
    slope_contrasts,
)
from analytics.onset.measurements import FloatArray
from analytics.onset.noise import (
    UNSTATED,
    Method,
    Noise,
    difference_scatter,
    freedom_so_far,
    scale_so_far,
    smooth_so_far,
    variances,
)

ALPHA = 0.05
PATHS = 20_000
_CHUNK = 2_500
_POWER = 0.8
_ROUNDING = 1e-9
PROFILE_STEP = 0.15
TREND_STEP = 3
GROWTH_STEPS = 8
"""Growth of the noise over a run that unstated errors must survive: 1.15^8 = 3.1 times."""


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
    scan: str = "slope"


@dataclass(frozen=True)
class Boundary:
    """value: the boundary c. detectable: fall (in units of the looks' typical standard error)
    that crosses it with 80 % power when spread evenly over the last half of the looks."""

    value: float
    detectable: float


@dataclass(frozen=True)
class Scan:
    """statistic: (looks,) largest standardised fall at each look, NaN at the first three.

    alarm: index of the first look at or above the boundary, or None.
    """

    statistic: FloatArray
    boundary: float
    detectable: float
    alarm: int | None


def scan(gold: FloatArray, noise: Noise, alpha: float = ALPHA) -> Scan:
    """Tests looks in time order: gold (looks,), in any unit. Raises ValueError below 4 looks."""
    contrasts = slope_contrasts(len(gold))
    scale = float(np.max(np.abs(gold))) or 1.0
    y = gold / scale
    table = variances(noise) / scale**2
    spread = np.sqrt(np.sum(contrasts.square * table[contrasts.last], axis=1))
    # exact gold has no noise at all: rounding must not pass for a fall
    z = (contrasts.matrix @ (y - y.mean())) / np.maximum(spread, _ROUNDING)
    largest = np.maximum.reduceat(z, contrasts.first_of)
    statistic = np.full(len(gold), np.nan)
    statistic[FIRST_LOOK:] = to_normal(largest, noise.freedom[FIRST_LOOK:])
    limit = cautious_boundary(schedule_of(noise), alpha)
    crossed = np.flatnonzero(statistic >= limit.value)
    typical = float(np.median(noise.se))
    return Scan(
        statistic,
        limit.value,
        limit.detectable * typical,
        int(crossed[0]) if len(crossed) else None,
    )


def schedule_of(noise: Noise) -> Schedule:
    """The schedule behind a run's noise, rounded."""
    count = len(noise.scatter)
    profile: tuple[int, ...] = ()
    if noise.method in ("stated", "course"):
        steps = np.round(_relative(noise.scatter if noise.method == "stated" else noise.local))
        profile = tuple(steps.astype(int).tolist()) if np.any(steps) else ()
    elif noise.method in ("rows", "prompts"):
        profile = _trend(noise.scatter if noise.method == "rows" else noise.local)
    by_rows = noise.method in UNSTATED
    return Schedule(
        count,
        noise.method,
        round(noise.rho * 20) / 20,
        noise.rows if by_rows else 1,
        round(noise.careful_rho * 20) / 20 if by_rows else 0.0,
        noise.rows_freedom,
        noise.cell_freedom,
        profile,
    )


def cautious_boundary(schedule: Schedule, alpha: float = ALPHA) -> Boundary:
    """The boundary; with errors that nothing states, the higher one of steady and growing noise.

    Gold's noise grows as the policy drifts (3.4 times over our own run r3), and a few second
    differences cannot tell: an estimate that lags behind would alarm on healthy runs.
    """
    found = boundary(schedule, alpha)
    if schedule.method != "differences":
        return found
    growing = np.round(np.linspace(-0.5, 0.5, schedule.looks) * GROWTH_STEPS).astype(int)
    other = boundary(replace(schedule, profile=tuple(growing.tolist())), alpha)
    return max(found, other, key=lambda one: one.value)


@lru_cache(maxsize=512)
def boundary(schedule: Schedule, alpha: float = ALPHA, paths: int = PATHS) -> Boundary:
    """c with P(largest statistic over all looks and windows >= c | flat gold) = alpha.

    Simulated with a fixed seed: the same schedule always has the same boundary. The estimate of
    the noise is simulated with the gold, so that few degrees of freedom raise c.
    """
    contrasts = _contrasts(schedule)
    rng = np.random.default_rng(20221019)
    largest = np.empty(paths)
    kept: tuple[FloatArray, FloatArray] | None = None
    freedom = freedom_so_far(
        schedule.method,
        schedule.looks,
        schedule.rows,
        schedule.freedom,
        schedule.cell_freedom,
    )[FIRST_LOOK:]
    at = 0
    for z, spread in _flat_runs(schedule, contrasts, paths, rng):
        statistic = np.maximum.reduceat(z / spread, contrasts.first_of, axis=0)
        size = z.shape[1]
        largest[at : at + size] = to_normal(statistic, freedom[:, None]).max(axis=0)
        at += size
        kept = kept or (z, spread)
    limit = float(np.quantile(largest, 1 - alpha))
    assert kept is not None
    return Boundary(limit, _detectable(limit, contrasts, freedom, *kept))


def to_normal(t: FloatArray, freedom: FloatArray) -> FloatArray:
    """Student t with `freedom` degrees of freedom on the scale of a standard normal.

    Wallace 1959's closed form, odd in t; inf freedom changes nothing. It puts looks with few and
    many degrees of freedom on one scale; exactness is not needed, the boundary is simulated.
    """
    with np.errstate(invalid="ignore"):
        bent = np.sqrt(freedom * np.log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return np.where(np.isfinite(freedom), np.sign(t) * bent, t)


def _relative(variance: FloatArray) -> FloatArray:
    """Standard errors in steps of 15 % from their median, within a factor of 400."""
    floored = np.maximum(variance, 1e-12 * max(float(np.max(variance)), 1e-300))
    steps = np.log(floored / np.median(floored)) / 2 / PROFILE_STEP
    return np.asarray(np.clip(steps, -40, 40))


def _trend(variance: FloatArray) -> tuple[int, ...]:
    """A steady growth or decay of an estimated standard error over the run, rounded.

    The estimates of single looks are too noisy to simulate one by one, and the straight line
    lets runs of one kind share a simulation.
    """
    count = len(variance)
    time = np.linspace(-0.5, 0.5, count)
    slope = float(time @ _relative(variance)) / float(time @ time)
    slope = TREND_STEP * round(slope / TREND_STEP)
    steps = np.round(slope * time).astype(int)
    return tuple(steps.tolist()) if np.any(steps) else ()


def _contrasts(schedule: Schedule) -> Contrasts:
    make = drop_contrasts if schedule.scan == "drop" else slope_contrasts
    return make(schedule.looks)


def _flat_runs(
    schedule: Schedule, contrasts: Contrasts, paths: int, rng: np.random.Generator
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Chunks of flat runs: contrasts and their standard errors as estimated, (windows, paths)."""
    count, rows = schedule.looks, schedule.rows
    profile = np.exp(PROFILE_STEP * np.array(schedule.profile or (0,) * count))[:, None]
    matrix = contrasts.matrix.astype(np.float32)
    square = contrasts.square.astype(np.float32)
    smoothed = contrasts.smoothed.astype(np.float32)
    for start in range(0, paths, _CHUNK):
        size = min(_CHUNK, paths - start)
        square_of = np.ones((1, 1), dtype=np.float32)
        scatter = local = np.ones((count, 1))
        if schedule.method in UNSTATED:
            course = np.repeat(profile, rows, axis=0)
            each = course * _correlated(rng, count * rows, size, schedule.rho_rows)
            gold = each.reshape(count, rows, size).mean(axis=1)
            known = course**2 if schedule.method == "course" else np.ones_like(course)
            inflation = variance_inflation(schedule.rho_rows, rows) / rows
            scatter = difference_scatter(each, known, schedule.rho_rows) * known * inflation
            scatter = scatter.reshape(count, rows, size).mean(axis=1)
            local = profile**2
        else:
            gold = profile * _correlated(rng, count, size, schedule.rho)
        if schedule.method == "stated":
            square_of = square @ (profile**2).astype(np.float32)
        elif schedule.method == "rows":
            scatter = profile**2 * _scatter(rng, schedule.freedom, (count, size))
        elif schedule.method == "prompts":
            local = smooth_so_far(profile**2 * _scatter(rng, schedule.cell_freedom, (count, size)))
            scatter = profile**2 * _scatter(rng, schedule.freedom, (count, size))
        if schedule.method in ("rows", "differences"):
            square_of = smoothed @ scatter.astype(np.float32)
        elif schedule.method in ("prompts", "course"):
            scale = scale_so_far(scatter, local)[contrasts.last]
            square_of = (square @ local.astype(np.float32)) * scale.astype(np.float32)
        yield matrix @ gold.astype(np.float32), np.sqrt(square_of)


def _correlated(rng: np.random.Generator, times: int, paths: int, rho: float) -> FloatArray:
    noise = rng.standard_normal((times, paths))
    for t in range(1, times if rho > 0 else 0):
        noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho * rho) * noise[t]
    return noise


def _scatter(rng: np.random.Generator, freedom: int, shape: tuple[int, int]) -> FloatArray:
    return rng.chisquare(freedom, shape) / freedom


def _detectable(
    limit: float,
    contrasts: Contrasts,
    freedom: FloatArray,
    z: FloatArray,
    spread: FloatArray,
) -> float:
    """The fall at which 80 % of flat runs would have crossed, by the run and window."""
    looks = contrasts.matrix.shape[1]
    fall = np.minimum(0.0, -(np.arange(looks) - (looks - 1 - looks // 2)) / (looks // 2))
    gain = (contrasts.matrix @ fall)[:, None]
    needed = _from_normal(limit, freedom)[contrasts.last - FIRST_LOOK][:, None]
    usable = gain[:, 0] > 1e-6
    falls = ((needed * spread - z)[usable] / gain[usable]).min(axis=0)
    return float(np.quantile(np.maximum(falls, 0.0), _POWER))


def _from_normal(z: float, freedom: FloatArray) -> FloatArray:
    """The t that `to_normal` maps to z."""
    finite = np.isfinite(freedom)
    nu = np.where(finite, freedom, 1.0)
    inner = np.minimum((z * (8 * nu + 3) / (8 * nu + 1)) ** 2 / nu, 500.0)
    return np.where(finite, np.sqrt(nu * np.expm1(inner)), z)
