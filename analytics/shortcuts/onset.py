"""From which step on a share rises: a curve that is flat, then rises, then is flat again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MOST_POINTS = 40
"""Steps are pooled into so many points: a fortieth of the run is near enough."""


def points(
    steps: npt.ArrayLike, there: npt.ArrayLike, most: int = MOST_POINTS
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """First step, share and number of responses of each of up to ``most`` groups of steps."""
    step, has = np.asarray(steps), np.asarray(there, dtype=float)
    every, number = np.unique(step, return_inverse=True)
    group = number * min(most, every.size) // every.size
    n = np.bincount(group)
    first = np.full(n.size, every[-1])
    np.minimum.at(first, group, step)
    return first, np.bincount(group, has) / n, n.astype(float)


def onset(steps: npt.ArrayLike, there: npt.ArrayLike) -> int | None:
    """The step where the share of responses that have a feature begins to rise; None: it does not.

    The least-squares fit of a level, a straight rise and a second level over all pairs of corners.

    >>> step = np.repeat(np.arange(100), 50)
    >>> onset(step, np.arange(step.size) % 50 < np.clip(step - 60, 0, 20))
    58
    """
    first, share, n = points(steps, there)
    many = first.size
    if many < 3:
        return int(first[-1]) if many == 2 and share[1] > share[0] else None
    low, high = np.triu_indices(many, 1)
    at = np.arange(many)
    x = np.clip((at - low[:, None]) / (high - low)[:, None], 0, 1)
    weight = n / n.sum()
    x_mean, y_mean = x @ weight, float(share @ weight)
    x_apart, y_apart = x - x_mean[:, None], share - y_mean
    slope = (x_apart * y_apart) @ weight / np.maximum((x_apart**2) @ weight, 1e-12)
    gain = np.where(slope > 0, slope**2 * ((x_apart**2) @ weight), -1.0)
    best = int(np.argmax(gain))
    return int(first[low[best]]) if gain[best] > 0 else None
