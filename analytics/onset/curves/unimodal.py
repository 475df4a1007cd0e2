"""Weighted least squares under "up to a mode, then down", for many curves at once.

Pool-adjacent-violators from both ends, then the mode's own value pools with whichever neighbour
stands above it. Vectorised over curves: thresholds are simulated on thousands of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.onset.evidence.measurements import FloatArray, IntArray


@dataclass(frozen=True)
class _Stack:
    """Blocks of the isotonic fits of all prefixes: sums, weights (prefixes, curves, looks), index
    of the top and what the fit explains (prefixes, curves)."""

    total: FloatArray
    weight: FloatArray
    top: IntArray
    explained: FloatArray


def misfit_by_mode(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted residual sum of squares of the best unimodal fit with its mode at each look.

    values: shape (curves, looks), time order; weights: (looks,), 1 / variance. Returns (curves,
    looks): column j has the mode at look j. Source: docs/methods.md (shape-only set).
    """
    left = _prefix_fits(values, weights)
    right = _prefix_fits(values[:, ::-1], weights[::-1])
    power = np.sum(weights * values**2, axis=1)
    misfit = power[:, None] - _explained(values, weights, left, right)
    return np.asarray(np.maximum(misfit, 0.0))


def unimodal_fit(values: FloatArray, weights: FloatArray, mode: int) -> FloatArray:
    """The best fit of one curve (shape (looks,)) that rises to `mode` and falls after it."""
    size = len(values)
    fit = np.empty(size)
    fit[:mode] = rising_fit(values[:mode], weights[:mode])
    fit[mode + 1 :] = rising_fit(values[mode + 1 :][::-1], weights[mode + 1 :][::-1])[::-1]
    low, high = mode, mode + 1
    level = float(values[mode])
    while True:
        neighbours = [fit[low - 1]] if low > 0 else []
        neighbours += [fit[high]] if high < size else []
        if not neighbours or max(neighbours) <= level:
            break
        if low > 0 and fit[low - 1] == max(neighbours):
            low = int(np.flatnonzero(fit[:low] == fit[low - 1])[0])
        else:
            high += int(np.flatnonzero(fit[high:] == fit[high])[-1]) + 1
        level = float(np.average(values[low:high], weights=weights[low:high]))
    fit[low:high] = level
    return fit


def rising_fit(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Never-falling (isotonic) weighted least squares fit, shape (looks,) to (looks,).

    scipy.optimize.isotonic_regression gives the same (tests/analytics/test_outside_authorities.py);
    importing it takes 22 MB, which the process that serves pages does not spend.
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        total, mass, count = value * weight, weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / mass:
            previous = blocks.pop()
            total, mass, count = total + previous[0], mass + previous[1], count + previous[2]
        blocks.append((total, mass, count))
    return np.array([total / mass for total, mass, count in blocks for _ in range(count)])


def prefix_short(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted squares that the best never-falling fit to looks 0..k leaves, (curves, looks)."""
    power = np.cumsum(weights * values**2, axis=1)
    return np.maximum(power - _explained_so_far(values, weights), 0.0)


def falling_short(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted squares that the best never-falling fit to looks j..last leaves, at each j.

    values: (curves, looks); weights: (looks,); returns (curves, looks). 0 where those looks rise.
    """
    backwards, power = -values[:, ::-1], np.cumsum((weights * values**2)[:, ::-1], axis=1)
    return np.maximum(power - _explained_so_far(backwards, weights[::-1]), 0.0)[:, ::-1]


def _explained_so_far(values: FloatArray, weights: FloatArray) -> FloatArray:
    """What the best never-falling fit to looks 0..k explains, (curves, looks)."""
    if len(values) > 1:
        return _prefix_fits(values, weights).explained.T
    # of one curve, as a verdict asks at each of its looks: the same sums without arrays
    blocks: list[tuple[float, float]] = []
    explained, found = 0.0, []
    for value, weight in zip(values[0].tolist(), weights.tolist(), strict=True):
        total, mass = weight * value, weight
        explained += weight * (value * value)
        while blocks and blocks[-1][0] * mass > total * blocks[-1][1]:
            lower, light = blocks.pop()
            merged, both = total + lower, mass + light
            explained += merged * merged / both - total * total / mass - lower * lower / light
            total, mass = merged, both
        blocks.append((total, mass))
        found.append(explained)
    return np.array([found])


def _prefix_fits(values: FloatArray, weights: FloatArray) -> _Stack:
    curves, looks = values.shape
    total = np.zeros((curves, looks))
    weight = np.ones((curves, looks))
    top = np.full(curves, -1, dtype=np.int64)
    explained = np.zeros(curves)
    fits = _Stack(
        np.empty((looks, curves, looks)),
        weight=np.empty((looks, curves, looks)),
        top=np.empty((looks, curves), dtype=np.int64),
        explained=np.empty((looks, curves)),
    )
    everyone = np.arange(curves)
    for look in range(looks):
        top = top + 1
        total[everyone, top] = weights[look] * values[:, look]
        weight[everyone, top] = weights[look]
        explained = explained + weights[look] * values[:, look] ** 2
        active = everyone[top > 0]
        while len(active):
            at = top[active]
            upper, lower = total[active, at], total[active, at - 1]
            w_upper, w_lower = weight[active, at], weight[active, at - 1]
            wrong = lower * w_upper > upper * w_lower
            active, at = active[wrong], at[wrong]
            upper, lower = upper[wrong], lower[wrong]
            w_upper, w_lower = w_upper[wrong], w_lower[wrong]
            merged, mass = upper + lower, w_upper + w_lower
            explained[active] += merged**2 / mass - upper**2 / w_upper - lower**2 / w_lower
            total[active, at - 1], weight[active, at - 1] = merged, mass
            top[active] = at - 1
            active = active[at - 1 > 0]
        fits.total[look], fits.weight[look] = total, weight
        fits.top[look], fits.explained[look] = top, explained
    return fits


def _explained(values: FloatArray, weights: FloatArray, left: _Stack, right: _Stack) -> FloatArray:
    """Sum over blocks of total^2 / weight once each mode has pooled with higher neighbours.

    left, right: the fits from both ends. Returns (curves, looks), as `misfit_by_mode`.
    """
    curves, looks = values.shape
    mode, curve = np.divmod(np.arange(looks * curves), curves)
    total, weight = weights[mode] * values[curve, mode], weights[mode]
    explained = total**2 / weight
    sides, tops = [(left, mode - 1), (right, looks - mode - 2)], []
    for side, prefix in sides:  # a prefix of -1: the mode is the first or the last look
        tops.append(np.where(prefix >= 0, side.top[prefix, curve], -1))
        explained = explained + np.where(prefix >= 0, side.explained[prefix, curve], 0.0)
    active = np.arange(looks * curves)
    while len(active):
        heights = np.empty((2, len(active)))
        for index, (side, prefix) in enumerate(sides):
            at = tops[index][active]
            place = prefix[active], curve[active], np.maximum(at, 0)
            heights[index] = np.where(at >= 0, side.total[place] / side.weight[place], -np.inf)
        which = np.argmax(heights, axis=0)
        wrong = heights[which, np.arange(len(active))] > total[active] / weight[active]
        active, which = active[wrong], which[wrong]
        for index, (side, prefix) in enumerate(sides):
            mine = active[which == index]
            at = tops[index][mine]
            place = prefix[mine], curve[mine], at
            block, mass = side.total[place], side.weight[place]
            merged, heavier = total[mine] + block, weight[mine] + mass
            explained[mine] += (
                merged**2 / heavier - block**2 / mass - total[mine] ** 2 / weight[mine]
            )
            total[mine], weight[mine] = merged, heavier
            tops[index][mine] = at - 1
    return explained.reshape(looks, curves).T
