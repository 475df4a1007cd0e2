"""Whether the proxy reward has fallen too: collapse, not overoptimization."""

from __future__ import annotations

import numpy as np

from analytics.onset.alarm.red import falls_at_one_view
from analytics.onset.errors.noise import noise_of_looks
from analytics.onset.evidence.contrasts import FIRST_LOOK
from analytics.onset.evidence.measurements import Rows
from analytics.onset.evidence.pooling import pool, rows_per_look

_BEFORE_SHARE = 0.5
FALL_Z = 2.33
"""One-sided 1 %: the end against the time of gold's peak, on top of the scan."""


def proxy_fell(trajectory: Rows, stretch: int, peak_step: float) -> bool:
    """True where the proxy's own scan alarms after gold's peak and its end is still below.

    trajectory: training rows of which those of `stretch` count; peak_step: step of gold's peak.
    The rows after the peak are pooled and tested like gold; looks before the peak, up to half as
    many, are its reference, so that a proxy that fell right at the peak is seen.
    """
    proxy = trajectory.take(np.isfinite(trajectory.proxy) & (trajectory.stretch == stretch))
    after = int(np.sum(proxy.step > peak_step))
    before = len(proxy) - after
    start = max(0, before - max(int(_BEFORE_SHARE * after), 1))
    kept = np.zeros(len(proxy), dtype=bool)
    kept[start:] = True
    part = proxy.take(kept)
    part = Rows(
        part.step,
        stretch=part.stretch,
        kl=part.kl,
        gold=part.proxy / (float(np.max(np.abs(part.proxy), initial=0.0)) or 1.0),
        gold_se=np.full(len(part), np.nan),
        gold_sd=np.full(len(part), np.nan),
        n_responses=np.full(len(part), np.nan),
        proxy=part.proxy,
    )
    if len(part) <= FIRST_LOOK + 2:
        return False
    size = rows_per_look(len(part))
    looks = pool(part, size)
    if len(looks) <= FIRST_LOOK:
        return False
    noise = noise_of_looks(part, looks, size, None, "", None)
    if not falls_at_one_view(looks.gold, noise):
        return False
    quarter = max(1, len(looks) // 4)
    early, late = slice(0, quarter), slice(len(looks) - quarter, None)
    spread = np.sqrt((np.sum(noise.se[early] ** 2) + np.sum(noise.se[late] ** 2)) / quarter**2)
    fall = float(np.mean(looks.gold[early]) - np.mean(looks.gold[late]))
    return fall > 0 and fall >= FALL_Z * float(spread)
