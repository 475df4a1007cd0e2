"""The best precision that any method can have for the peak: the Cramér-Rao floor."""

from __future__ import annotations

import numpy as np

from analytics.gao import normalised_gold
from analytics.onset.evidence.measurements import FloatArray


def cramer_rao(d: FloatArray, se: FloatArray, d_peak: float, gain: float, g: float) -> float:
    """Lower bound of the standard deviation of ln KL* for an unbiased estimate.

    d: sqrt-nats, se: standard errors, (looks,); the curve has its peak `gain` above its start at
    d_peak and the exponent g of the Box-Cox family (0 RL, 1 best-of-n), which is known; baseline,
    gain and position are not. 2 sigma sqrt([(J'J)^-1]_11) with J the derivatives by ln d*, gain
    and baseline. inf where the looks cannot tell. Source: docs/methods.md (limits).

    >>> d = np.linspace(0, 1, 20)
    >>> round(cramer_rao(d, np.full(20, 0.05), 0.5, 1.0, 0.0), 4)
    0.0404
    """
    x = np.asarray(d, dtype=np.float64) / d_peak
    positive = np.where(x > 0, x, 1.0)
    # dR/dx of x [1 + (1 - x^g) / g]; x dR/dx is 0 at the start although the RL slope is infinite
    slope = -np.log(positive) if g == 0 else (1 + 1 / g) * (1 - positive**g)
    by_place = np.where(x > 0, -gain * x * slope, 0.0)
    columns = np.column_stack([by_place, normalised_gold(x, g), np.ones(len(x))])
    columns = columns / np.asarray(se, dtype=np.float64)[:, None]
    information = columns.T @ columns
    if np.linalg.matrix_rank(information) < 3:
        return float("inf")
    return 2 * float(np.sqrt(np.linalg.inv(information)[0, 0]))
