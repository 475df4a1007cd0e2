"""Several seeds of one setting as a mean with a band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import stats


def seed_band(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], points: int = 64, level: float = 0.90
) -> pl.DataFrame:
    """Mean over runs with an interval of that mean, over the range that all runs share.

    Each run's curve, already pooled in step order, is interpolated on a common grid, then runs
    are averaged: the unit is the run, never the row (docs/methods.md, "Seeds").

    Args:
        curves: (x, y) of each run, shapes (looks,); x need not be sorted, NaN rows are left out.
        points: grid points.
        level: of the interval, Student's t over N runs.

    Returns:
        Columns x, mean, low, high, n; no rows when fewer than two runs share a range.

    >>> x = np.array([0.0, 1.0, 2.0])
    >>> band = seed_band([(x, x), (x, x + 2)], points=3)
    >>> band["mean"].to_list(), band["n"].to_list()
    ([1.0, 2.0, 3.0], [2, 2, 2])
    """
    held = []
    for x, y in curves:
        keep = np.isfinite(x) & np.isfinite(y)
        if keep.sum() >= 2:
            order = np.argsort(x[keep], kind="stable")
            held.append((x[keep][order], y[keep][order]))
    schema = {"x": pl.Float64, "mean": pl.Float64, "low": pl.Float64, "high": pl.Float64,
              "n": pl.Int64}  # fmt: skip
    if len(held) < 2:
        return pl.DataFrame(schema=schema)
    left, right = max(x[0] for x, _ in held), min(x[-1] for x, _ in held)
    if not left < right:
        return pl.DataFrame(schema=schema)
    grid = np.linspace(left, right, points)
    rows = np.array([np.interp(grid, x, y) for x, y in held])
    mean, n = rows.mean(axis=0), len(held)
    half = stats.t.ppf(0.5 + level / 2, n - 1) * rows.std(axis=0, ddof=1) / np.sqrt(n)
    return pl.DataFrame(
        {"x": grid, "mean": mean, "low": mean - half, "high": mean + half, "n": [n] * points},
        schema=schema,
    )
