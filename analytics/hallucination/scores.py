"""One number from correct, incorrect and not attempted: SimpleQA's F and its relatives.

Shares or counts, elementwise; NaN where nothing was graded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.rates import FloatArray


def _over(top: npt.ArrayLike, bottom: npt.ArrayLike) -> FloatArray:
    above, below = np.broadcast_arrays(
        np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    )
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0))


def f_score(
    correct: npt.ArrayLike, incorrect: npt.ArrayLike, not_attempted: npt.ArrayLike
) -> FloatArray:
    """Harmonic mean of accuracy and accuracy given attempted: 2C / (1 + C + I) of shares.

    Guessing pays where P(correct) > F/2: a summary, to be shown beside the three shares.

    Source: Wei et al. 2024 (arXiv 2411.04368), section 3.

    >>> float(f_score(42.7, 48.1, 9.2).round(3))
    0.448
    """
    c, i, n = (np.asarray(part, dtype=np.float64) for part in (correct, incorrect, not_attempted))
    return _over(2 * c, 2 * c + 2 * i + n)


def penalised_score(
    correct: npt.ArrayLike,
    incorrect: npt.ArrayLike,
    not_attempted: npt.ArrayLike,
    threshold: float = 0.5,
) -> FloatArray:
    """C - p I of shares with p = t / (1 - t): answering pays exactly where P(correct) > t.

    Source: Wei et al. 2024 (arXiv 2411.04368), section 3 and appendix; t = .5 gives p = 1.

    >>> float(penalised_score(5, 3, 2).round(9)), float(penalised_score(5, 3, 2, 0.75).round(9))
    (0.2, -0.4)
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold must lie in [0, 1), not {threshold}")
    c, i, n = (np.asarray(part, dtype=np.float64) for part in (correct, incorrect, not_attempted))
    return _over(c - threshold / (1 - threshold) * i, c + i + n)
