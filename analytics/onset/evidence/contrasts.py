"""Contrasts whose expectation is never positive while gold never falls, and their variances.

A row of the hump matrix is a hump minus its own best fit that never falls: the most powerful test
of that hump against every gold that never falls. It lies in the polar cone of never-falling
courses, so its expectation under each of them is at most 0. Slopes and drops are the scans that
the literature knows, kept for comparison. Source: Robertson, Wright and Dykstra 1988, chapter 2;
docs/methods.md (scan test with exact error control).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.computing.kept import kept
from analytics.gao import normalised_gold
from analytics.onset.evidence.measurements import FloatArray, IntArray

FIRST_LOOK = 3
"""0-based: the first three looks never alarm."""
FEWEST_IN_WINDOW = 3
HUMP_PEAKS = (0.02, 0.15, *np.linspace(0.3, 0.9, 13).round(2).tolist())
"""Where the humps peak, in shares of the looks so far; the first two are falls from the start."""
HUMP_EXPONENTS = (0.0, 0.5, 1.0)
"""Gao et al.'s RL and best-of-n curves, and one between."""
_ALIKE = 0.97
"""Humps whose contrasts correlate more than this are one test: a second only costs boundary."""
MEMORY = 0.8
"""Weight of a look's scatter in the variance of its neighbour: noise drifts over a run."""


@dataclass(frozen=True)
class Contrasts:
    """matrix: (windows, looks), unit length rows; last: (windows,) the look a window ends at.

    first_of: (tested looks,) index of the first window that ends at each look from FIRST_LOOK on.
    square: matrix squared. smoothed: (windows, looks), the square spread over the looks at or
    before the window's end whose scatter estimates each variance.
    """

    matrix: FloatArray
    last: IntArray
    first_of: IntArray
    square: FloatArray
    smoothed: FloatArray


@kept(64)
def slope_contrasts(looks: int) -> Contrasts:
    """Falling-slope contrasts on every window of >= 3 looks that ends at look 3, 4, … (0-based).

    The slope is taken over the look's index: any increasing abscissa keeps the expectation at or
    below 0 for a gold that never falls, and the index does not depend on measured KL. Raises
    ValueError for fewer than 4 looks.
    """
    if looks <= FIRST_LOOK:
        raise ValueError(f"a scan needs at least {FIRST_LOOK + 1} looks, got {looks}")
    rows, last = [], []
    for end in range(FIRST_LOOK, looks):
        for start in range(end - FEWEST_IN_WINDOW + 2):
            length = end - start + 1
            row = np.zeros(looks)
            row[start : end + 1] = (length - 1) / 2 - np.arange(length)
            rows.append(row / np.linalg.norm(row))
            last.append(end)
    return _contrasts(np.array(rows), np.array(last))


@kept(64)
def hump_contrasts(looks: int) -> Contrasts:
    """Hump contrasts that end at look 3, 4, … (0-based). Raises ValueError below 4 looks.

    The humps stand over the look's index, not over measured KL: any course that never falls in
    time keeps the expectation at or below 0.
    """
    if looks <= FIRST_LOOK:
        raise ValueError(f"a scan needs at least {FIRST_LOOK + 1} looks, got {looks}")
    rows, last = [], []
    for end in range(FIRST_LOOK, looks):
        ending = humps_at_end(end + 1)
        rows.append(np.pad(ending, ((0, 0), (0, looks - end - 1))))
        last += [end] * len(ending)
    return _contrasts(np.concatenate(rows), np.array(last))


@kept(256)
def humps_at_end(looks: int) -> FloatArray:
    """The rows of `hump_contrasts` that end at the last look, shape (contrasts, looks)."""
    ratio = np.arange(looks) / (looks - 1) / np.array(HUMP_PEAKS)[:, None]
    by_exponent = [normalised_gold(ratio, exponent) for exponent in HUMP_EXPONENTS]
    humps = np.stack(by_exponent, axis=1).reshape(-1, looks)
    rows = humps - rising_fit_of_humps(humps)
    length = np.linalg.norm(rows, axis=1)
    there = length >= 1e-6 * np.linalg.norm(humps, axis=1)
    kept: list[FloatArray] = []
    for row in rows[there] / length[there, None]:
        if not kept or np.max(np.array(kept) @ row) <= _ALIKE:
            kept.append(row)
    return np.array(kept)


def rising_fit_of_humps(humps: FloatArray) -> FloatArray:
    """`rising_fit` of curves that rise to one peak and fall, unit weights, (humps, looks).

    The fit follows the hump to the first look that stands at or above the mean of all from it on,
    and keeps that mean from there.
    """
    looks = humps.shape[1]
    ahead = np.cumsum(humps[:, ::-1], axis=1)[:, ::-1] / np.arange(looks, 0, -1)
    start = np.argmax(humps >= ahead, axis=1)[:, None]
    level = np.take_along_axis(ahead, start, axis=1)
    return np.where(np.arange(looks) < start, humps, level)


@kept(8)
def drop_contrasts(looks: int) -> Contrasts:
    """Mean of an earlier window minus mean of a later one that ends at look 3, 4, … (0-based).

    About looks^4 / 24 rows: meant for checks, the slope scan is the rule. Raises ValueError for
    fewer than 4 looks.
    """
    if looks <= FIRST_LOOK:
        raise ValueError(f"a scan needs at least {FIRST_LOOK + 1} looks, got {looks}")
    rows, last = [], []
    for end in range(FIRST_LOOK, looks):
        for late in range(1, end + 1):
            for stop in range(late):
                for start in range(stop + 1):
                    row = np.zeros(looks)
                    row[start : stop + 1] = 1 / (stop - start + 1)
                    row[late : end + 1] = -1 / (end - late + 1)
                    rows.append(row / np.linalg.norm(row))
                    last.append(end)
    return _contrasts(np.array(rows), np.array(last), smooth=False)


@kept(64)
def sharing(looks: int) -> FloatArray:
    """(looks, looks, looks): [k, j, i] = weight of look i's scatter in look j's variance at k.

    Weights fall off by MEMORY a look on both sides of j, and are 0 for every look after k.
    """
    distance = np.abs(np.subtract.outer(np.arange(looks), np.arange(looks)))
    weights = np.repeat((MEMORY**distance)[None], looks, axis=0)
    for end in range(looks):
        weights[end, :, end + 1 :] = 0
    return np.asarray(weights / weights.sum(axis=2, keepdims=True))


def _contrasts(matrix: FloatArray, last: IntArray, smooth: bool = True) -> Contrasts:
    square = matrix**2
    smoothed = square
    if smooth:
        weights = sharing(matrix.shape[1])
        smoothed = np.array([row @ weights[end] for row, end in zip(square, last, strict=True)])
    first_of = np.searchsorted(last, np.arange(FIRST_LOOK, matrix.shape[1]))
    return Contrasts(matrix, last, first_of, square, smoothed)
