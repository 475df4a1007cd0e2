"""Which n-grams are said more late than at the start: weighted log-odds with a prior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PRIOR = 500.0
"""Responses that the prior is worth at most (a tenth of those at hand where that is less): it says
that the share of an n-gram is the same early and late."""


def log_odds(late: Floats, start: Floats, n_late: float, n_start: float) -> Floats:
    """z of the change in log-odds of each n-gram, with an informative Dirichlet prior.

    Source: Monroe, Colaresi and Quinn 2008, eq. 15 to 22.

    Args:
        late: responses that hold each n-gram, late.
        start: the same at the policy's start, of the same prompts.
        n_late: responses that were looked at, late.
        n_start: at the start.

    >>> np.round(log_odds(np.array([50.0, 5.0]), np.array([0.0, 5.0]), 100, 100), 1)
    array([6.4, 0. ])
    """
    both = n_late + n_start
    weight = min(PRIOR, both / 10)
    prior = np.clip(weight * (late + start) / max(both, 1.0), 0.01, None)
    now, begun = late + prior, start + prior
    change = np.log(now / np.maximum(n_late + weight - now, 0.5)) - np.log(
        begun / np.maximum(n_start + weight - begun, 0.5)
    )
    return np.asarray(change / np.sqrt(1 / now + 1 / begun), dtype=np.float64)
