"""Looks: pooled runs of consecutive steps.

Never pooled by measured KL: a row's KL and gold come from the same few prompts, so sorting rows
by KL sorts them by prompt and invents a zig-zag. Source: docs/methods.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analytics.onset.evidence.measurements import FloatArray, IntArray, Rows, mean_of_known

MOST_LOOKS = 32
"""More looks than this cost boundary height and add no information about a slow curve."""
MOST_SINGLE = 48
"""Single rows are kept up to here: pooling them in pairs delays an alarm more than it costs."""


@dataclass(frozen=True)
class Looks:
    """Looks of one or more stretches in time order, arrays of shape (looks,), NaN = missing.

    bounds: half-open ranges of gold rows. kl in nats per response; gold and proxy are means over
    the same rows; proxy_se is the standard error from the spread between rows.
    """

    bounds: list[tuple[int, int]]
    stretch: IntArray
    step_start: IntArray
    step_end: IntArray
    step: FloatArray
    kl: FloatArray
    gold: FloatArray
    proxy: FloatArray
    proxy_se: FloatArray
    n_rows: IntArray
    n_responses: FloatArray

    def __len__(self) -> int:
        return len(self.bounds)


def rows_per_look(rows: int, most_looks: int = MOST_LOOKS) -> int:
    """1 for up to MOST_SINGLE rows, else the smallest power of two for at most most_looks looks.

    A power of two, so that a growing run keeps its looks until they double. Source:
    docs/methods.md.

    >>> [rows_per_look(n) for n in (1, 48, 49, 200, 5000)]
    [1, 1, 2, 8, 256]
    """
    size = 1
    if rows <= MOST_SINGLE:
        return size
    while size * most_looks < rows:
        size *= 2
    return size


def pool(rows: Rows, size: int) -> Looks:
    """Pools rows into looks of `size` consecutive rows, never over a change of stretch.

    A last look with fewer than half the rows joins the one before it.
    """
    bounds: list[tuple[int, int]] = []
    edges = [0, *(np.flatnonzero(np.diff(rows.stretch)) + 1).tolist(), len(rows)]
    for start, end in pairwise(edges):
        bounds += _ranges(start, end, size)
    firsts = [start for start, _ in bounds]
    lasts = [end - 1 for _, end in bounds]
    proxy_se = np.full(len(bounds), np.nan)
    responses = np.full(len(bounds), np.nan)
    single = len(bounds) == len(rows)
    if single:
        responses = np.where(np.isfinite(rows.n_responses), rows.n_responses, np.nan)
    for i, (start, end) in enumerate(() if single else bounds):
        proxy = rows.proxy[start:end]
        proxy = proxy[np.isfinite(proxy)]
        if len(proxy) > 1:
            proxy_se[i] = float(np.std(proxy, ddof=1)) / np.sqrt(len(proxy))
        if np.all(np.isfinite(rows.n_responses[start:end])):
            responses[i] = float(np.sum(rows.n_responses[start:end]))
    return Looks(
        bounds,
        stretch=rows.stretch[firsts],
        step_start=rows.step[firsts],
        step_end=rows.step[lasts],
        step=mean_of_known(rows.step.astype(np.float64), bounds),
        kl=mean_of_known(rows.kl, bounds),
        gold=mean_of_known(rows.gold, bounds),
        proxy=mean_of_known(rows.proxy, bounds),
        proxy_se=proxy_se,
        n_rows=np.array([end - start for start, end in bounds], dtype=np.int64),
        n_responses=responses,
    )


def _ranges(start: int, end: int, size: int) -> list[tuple[int, int]]:
    ranges = [(at, min(at + size, end)) for at in range(start, end, size)]
    if len(ranges) > 1 and 2 * (ranges[-1][1] - ranges[-1][0]) < size:
        (first, _), (_, last) = ranges[-2:]
        ranges[-2:] = [(first, last)]
    return ranges
