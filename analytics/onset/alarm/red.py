"""RED: the alarm whose false alarms are bounded for every gold that never falls.

The largest standardised hump contrast of those that end at a look, against a boundary that flat
gold crosses in at most 5 % of runs: at one view (`boundary`), or however often a run is looked at
while it grows (`boundaries`). Source: docs/methods.md; Lan and DeMets 1983.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analytics.computing.kept import kept
from analytics.onset.alarm.flat_runs import (
    CHUNK,
    PATHS,
    Schedule,
    contrasts_of,
    flat_maxima,
    flat_runs,
    freedom_of,
    from_normal,
    schedule_of,
    to_normal,
)
from analytics.onset.alarm.spending import ALPHA, Stage, shares
from analytics.onset.errors.noise import Noise, variances
from analytics.onset.evidence.contrasts import FIRST_LOOK, humps_at_end
from analytics.onset.evidence.measurements import FloatArray

GROWTH_STEPS = 8
"""Growth of the noise over a run that unstated errors must survive: 1.15^8 = 3.1 times."""
GROWTH_LOOKS = 12
"""It may come as early as over the first twelve looks, or over all of them."""
_POWER = 0.8
WATCHED_PATHS = 10_000
_ROUNDING = 1e-9


@lru_cache(maxsize=512)
def boundary(schedule: Schedule, alpha: float = ALPHA, paths: int = PATHS) -> float:
    """c with P(largest statistic over all looks and windows >= c | flat gold) = alpha.

    The boundary of a run that is viewed once, after its last look. Simulated with a fixed seed;
    the estimate of the noise is simulated with the gold, so that few degrees of freedom raise c.
    """
    return float(np.quantile(flat_maxima(schedule, paths).max(axis=0), 1 - alpha))


@kept(1024)
def boundaries(schedule: Schedule, stage: Stage, paths: int = WATCHED_PATHS) -> FloatArray:
    """Boundary of each look first..last of a stage whose crossing spends the stage's alpha.

    P(first crossing at look k | flat gold) is what the stage spends at k. Element k depends on
    the schedule's looks up to k only: the same seeds are used for any number of looks. With
    errors that nothing states the higher one of steady and growing noise is taken: gold's noise
    grows as the policy drifts (3.4 times over our own run r3), and a few second differences
    cannot tell. Source: Lan and DeMets 1983.
    """
    found = _spend(flat_maxima(schedule, paths)[stage.first - FIRST_LOOK - 1 :], shares(stage))
    if schedule.method == "differences" and not schedule.profile:
        for within in {min(GROWTH_LOOKS, schedule.looks), schedule.looks}:
            growing = np.linspace(0, GROWTH_STEPS, within).round().astype(int)
            profile = np.pad(growing, (0, schedule.looks - within), mode="edge")
            other = replace(schedule, profile=tuple(profile.tolist()))
            found = np.maximum(found, boundaries(other, stage, paths))
    return found


def _spend(maxima: NDArray[np.float32], spent: FloatArray) -> FloatArray:
    """The boundary of each look at which flat runs that have not crossed before cross it."""
    paths = maxima.shape[1]
    limits = np.empty(len(spent))
    alive = np.ones(paths, dtype=bool)
    for k, share in enumerate(spent):
        due = round(float(share) * paths) - int(paths - alive.sum())
        values = maxima[k, alive]
        if due <= 0:
            limits[k] = np.inf
            continue
        limits[k] = np.partition(values, len(values) - due)[len(values) - due]
        alive &= maxima[k] < limits[k]
    if not np.all(np.isfinite(limits)):  # nothing to spend at a look: as strict as ever
        limits[~np.isfinite(limits)] = float(maxima.max()) + 1
    return limits


@lru_cache(maxsize=512)
def detectable(schedule: Schedule, limits: tuple[float, ...], rise: float = 0.0) -> float:
    """The fall, in units of the looks' typical standard error, that is seen with 80 % power.

    limits: the boundary of each look from the fourth on; rise: how far gold rises over the first
    half of the looks, same units. The fall is spread evenly over the last half. What lies below
    the top hides a part of it: the higher the rise, the larger the fall must be.
    """
    contrasts, freedom = contrasts_of(schedule), freedom_of(schedule)
    z, spread = next(flat_runs(schedule, contrasts, CHUNK))
    looks = schedule.looks
    after = (np.arange(looks) - (looks - 1 - looks // 2)) / (looks // 2)
    before = np.arange(looks) / (looks - 1 - looks // 2)
    gain = (contrasts.matrix @ -np.maximum(after, 0.0))[:, None]
    hidden = (contrasts.matrix @ np.minimum(before, 1.0))[:, None] * rise
    needed = from_normal(np.array(limits), freedom)[contrasts.last - FIRST_LOOK][:, None]
    usable = gain[:, 0] > 1e-6
    falls = ((needed * spread - z - hidden)[usable] / gain[usable]).min(axis=0)
    return float(np.quantile(np.maximum(falls, 0.0), _POWER))


def statistic_at_end(gold: FloatArray, noise: Noise) -> float:
    """The largest standardised fall over the windows that end at the last look, normal scale.

    gold: (looks,) of at least four looks, any unit; noise: of the same looks.
    """
    return largest_fall(gold, variances(noise)[-1], noise.freedom[-1])


def falls_at_one_view(gold: FloatArray, noise: Noise, alpha: float = ALPHA) -> bool:
    """Whether a series that is judged once, at its end, fell at any look; (looks,), at least 4."""
    schedule = schedule_of(noise, len(gold))
    limit = boundary(schedule, alpha)
    if schedule.method == "differences":
        growing = np.round(np.linspace(0, GROWTH_STEPS, schedule.looks)).astype(int)
        limit = max(limit, boundary(replace(schedule, profile=tuple(growing.tolist())), alpha))
    return bool(np.any(statistics(gold, noise) >= limit))


def statistics(gold: FloatArray, noise: Noise) -> FloatArray:
    """The statistic of each look from the fourth on, with the noise as known at the end."""
    table, found = variances(noise), []
    for count in range(FIRST_LOOK + 1, len(gold) + 1):
        found.append(largest_fall(gold[:count], table[count - 1, :count], noise.freedom[count - 1]))
    return np.array(found)


def largest_fall(gold: FloatArray, variance: FloatArray, freedom: float) -> float:
    """The largest standardised fall over the windows that end at the last look, normal scale.

    gold, variance: (looks,); freedom: degrees of freedom behind the variances, inf = known.
    """
    contrasts = humps_at_end(len(gold))
    scale = float(np.max(np.abs(gold))) or 1.0
    y = gold / scale
    spread = np.sqrt(contrasts**2 @ (variance / scale**2))
    # exact gold has no noise at all: rounding must not pass for a fall
    z = (contrasts @ (y - y.mean())) / np.maximum(spread, _ROUNDING)
    return float(to_normal(np.array([z.max()]), np.array([freedom]))[0])
