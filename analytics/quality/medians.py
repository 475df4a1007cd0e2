"""Medians with their errors, and numbers as they are published."""

from __future__ import annotations

import numpy as np


def median(values: np.ndarray) -> tuple[float | None, float | None]:
    """Median and its standard error from the order statistics one standard error away."""
    if len(values) < 2:
        return None, None
    ordered, half = np.sort(values), 0.5 * np.sqrt(len(values))
    last = len(values) - 1
    ends = [ordered[int(np.clip(last / 2 + sign * half, 0, last))] for sign in (-1, 1)]
    middle = float(np.median(values))
    return rounded(middle), rounded(float(ends[1] - ends[0]) / 2 if ends[1] < np.inf else np.inf)


def rounded(value: float) -> float | None:
    """Four digits, None where there is no number."""
    return float(f"{value:.4g}") if np.isfinite(value) else None
