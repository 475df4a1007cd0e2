"""What a straight line leaves of equally spaced rows, in memory linear in the rows.

Written out, the residual maker M = I - Q Q' of a line and the AR(1) covariance C are dense: a look
of 32,768 rows would take 26 GB. Only traces of their products are asked for, and those come from
the line's two columns Q: tr(M C) = n - tr(Q' C Q), and
tr(M C M C) = tr(C C) - 2 tr(Q' C C Q) + tr((Q' C Q)^2).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from analytics.onset.evidence.measurements import FloatArray


def squares_about_line(values: FloatArray) -> float:
    """Sum of squares of values (shape (n,), n >= 2, equally spaced) about their straight line."""
    columns = _line(len(values))
    left = values - columns @ (columns.T @ values)
    return float(left @ left)


@lru_cache(maxsize=256)
def line_freedom(count: int, rho: float) -> tuple[float, int]:
    """Expected squares about a line of `count` > 2 rows of unit AR(1) noise, and their freedom.

    rho: lag-1 correlation in [0, 1). Freedom: the degrees of freedom that the sum is worth
    (Satterthwaite 1946), rounded down, at least 1.
    """
    columns = _line(count)
    spread = ar1_times(columns, rho)
    within = columns.T @ spread
    expected = count - float(np.trace(within))
    lags = np.arange(1, count)
    square = count + 2 * float(np.sum((count - lags) * rho ** (2.0 * lags)))
    twice = square - 2 * float(np.sum(spread**2)) + float(np.sum(within * within.T))
    return expected, max(1, int(expected**2 / twice + 1e-9))


def ar1_times(columns: FloatArray, rho: float) -> FloatArray:
    """The AR(1) correlation matrix rho^|i - j| times columns, shape (n, m), without the matrix.

    Two passes, forwards and backwards, in blocks: within a block by its small matrix, from block
    to block by the sum carried on.
    """
    if rho <= 0:
        return columns.copy()
    return _carried(columns, rho) + _carried(columns[::-1], rho)[::-1] - columns


_BLOCK = 64


def _carried(columns: FloatArray, rho: float) -> FloatArray:
    """Row t: sum of rho^(t - s) times row s over s <= t."""
    count, many = columns.shape
    blocks = -(-count // _BLOCK)
    padded = np.zeros((blocks * _BLOCK, many))
    padded[:count] = columns
    lag = np.subtract.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    within = np.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0)
    sums = within @ padded.reshape(blocks, _BLOCK, many)
    decay = rho ** np.arange(1, _BLOCK + 1)
    carried = np.zeros(many)
    for block in sums:
        block += decay[:, None] * carried
        carried = block[-1]
    return np.asarray(sums.reshape(-1, many)[:count])


def _line(count: int) -> FloatArray:
    """Orthonormal columns of a straight line over `count` equal steps, shape (count, 2)."""
    time = np.arange(count) - (count - 1) / 2
    return np.column_stack([np.full(count, count**-0.5), time / np.linalg.norm(time)])
