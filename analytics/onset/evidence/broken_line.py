"""What a broken line leaves of equally spaced rows: the trend that noise is judged about.

Short series take its orthonormal columns, which their exact expectations need too. For long ones
these columns would be the largest thing in memory, so the same fit is made in hat functions, of
which only two are not 0 at any row: the normal equations have one number a knot.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analytics.onset.evidence.measurements import FloatArray

MANY_ROWS = 48
"""Below it a kink of the curve passes for correlation, so the curve gets a knot for every three
values and significance is asked at 1 %: correlation of so few evaluations mostly goes unseen."""


def columns_of(rows: int) -> int:
    """Columns of the broken line: a constant, a slope, one more a knot."""
    return _pieces(rows) + 2


def basis(rows: int) -> FloatArray:
    """Orthonormal columns of the broken line, shape (rows, columns)."""
    time = np.linspace(0, 1, rows)
    columns = [np.ones(rows), time, *(np.maximum(time - knot, 0) for knot in _knots(rows)[1:-1])]
    return np.linalg.qr(np.column_stack(columns))[0]


def residuals(values: FloatArray) -> FloatArray:
    """Values (series, rows) less their broken line, in memory linear in the values."""
    rows = values.shape[1]
    knots, time = _knots(rows), np.linspace(0, 1, rows)
    count = len(knots)
    gram, right = np.zeros((count, count)), np.zeros((count, len(values)))
    edges = [0, *np.searchsorted(time, knots[1:-1]).tolist(), rows]
    for at, (start, end) in enumerate(pairwise(edges)):
        hats = _hats(time[start:end], knots[at], knots[at + 1])
        gram[at : at + 2, at : at + 2] += hats @ hats.T
        right[at : at + 2] += hats @ values[:, start:end].T
    heights = np.linalg.solve(gram, right)
    left = np.empty_like(values)
    for at, (start, end) in enumerate(pairwise(edges)):
        hats = _hats(time[start:end], knots[at], knots[at + 1])
        left[:, start:end] = values[:, start:end] - heights[at : at + 2].T @ hats
    return left


def _hats(time: FloatArray, first: float, last: float) -> FloatArray:
    """The two hat functions between neighbouring knots, (2, rows)."""
    rising = (time - first) / (last - first)
    return np.stack([1 - rising, rising])


def _pieces(rows: int) -> int:
    return min(16, rows // 8) if rows >= MANY_ROWS else min(10, rows // 3)


def _knots(rows: int) -> FloatArray:
    return np.linspace(0, 1, _pieces(rows) + 2)
