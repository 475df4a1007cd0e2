"""Several reward models as one proxy: mean, worst case, and mean less a penalty for disagreement.

Source: Coste et al. 2024 (arXiv 2310.02743), equations 3 to 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

ENSEMBLES = {"mean": "mean", "wco": "worst case (WCO)", "uwo": "mean − λ variance (UWO)"}
"""Name of a way to join members to its words."""


def standardised(member: ArrayLike) -> FloatArray:
    """A member centred and divided by its spread over all samples of the pool; NaN stays NaN.

    Members of one ensemble are compared with one another, so they need one scale. A member
    without spread becomes 0.
    """
    values = np.asarray(member, dtype=np.float64)
    known = values[np.isfinite(values)]
    spread = float(np.std(known)) if known.size else 0.0
    centre = float(np.mean(known)) if known.size else 0.0
    return np.asarray((values - centre) / (spread if spread > 0 else 1.0))


def ensemble(members: ArrayLike, kind: str, penalty: float = 0.5) -> FloatArray:
    """One proxy from M members, shape (M, …) -> (…); NaN where a member is missing.

    kind: "mean"; "wco", the lowest member; "uwo", mean - penalty times the variance between
    members (the variance of the M values, divided by M). Raises ValueError for another kind.

    >>> ensemble([[1.0], [3.0]], "uwo", 0.5).tolist(), ensemble([[1.0], [3.0]], "wco").tolist()
    ([1.5], [1.0])
    """
    table = np.asarray(members, dtype=np.float64)
    if kind == "mean":
        return np.asarray(table.mean(axis=0))
    if kind == "wco":
        return np.asarray(table.min(axis=0))
    if kind == "uwo":
        return np.asarray(table.mean(axis=0) - penalty * table.var(axis=0))
    raise ValueError(f"unknown ensemble {kind!r}: one of {', '.join(ENSEMBLES)}")
