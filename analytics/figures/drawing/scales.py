"""In which unit rewards are drawn: as logged, or in standard deviations of the initial policy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from analytics.figures.drawing.axes import single
from analytics.figures.drawing.curves import RunCurve

Scale = tuple[float, float]
"""What is taken from a reward, and what it is then divided by."""


def shares_scale(base: Mapping[str, float | None] | None) -> bool:
    """Whether proxy and gold are both logged in standard deviations of the initial policy.

    True when both start with a mean within 0.25 of 0 and a spread between responses within a
    quarter of 1: then raw values can stand in one panel.
    """
    if not base:
        return False
    for key in ("proxy_reward", "gold_reward"):
        mean, sd = base.get(key), base.get(f"{key}_sd")
        if mean is None or sd is None or abs(mean) > 0.25 or not 0.75 <= sd <= 1.33:
            return False
    return True


def can_normalise(base: Mapping[str, float | None] | None) -> bool:
    """Whether the spread of proxy and gold at the start was logged (Gao et al. 2022, 2.2)."""
    return bool(base) and all(
        base.get(f"{key}_sd") for key in ("proxy_reward", "gold_reward") if base
    )


def scales(run: RunCurve, scale: str) -> tuple[Scale, Scale]:
    """Of proxy and of gold. ``scale``: "raw" or "sd"."""
    if scale != "sd" or not run.base:
        return (0.0, 1.0), (0.0, 1.0)
    return tuple(  # type: ignore[return-value]
        (float(run.base.get(key) or 0.0), float(run.base.get(f"{key}_sd") or 1.0))
        for key in ("proxy_reward", "gold_reward")
    )


def scaled(values: pl.Series, scale: Scale) -> np.ndarray:
    """Numbers as they are drawn, single floats."""
    shift, divisor = scale
    return single(((values.cast(pl.Float64) - shift) / divisor).to_numpy())
