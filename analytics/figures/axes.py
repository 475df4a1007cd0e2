"""The x axis of a run: √KL, KL or step, with ticks that name the KL itself."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

TITLES = {
    "sqrt_kl": "KL from the initial policy, nats (√ axis)",
    "kl": "KL from the initial policy, nats",
    "step": "optimiser step",
}

_NICE = (
    0.0, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250,
    300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000, 20_000, 30_000,
)  # fmt: skip


def signed_root(kl: float) -> float:
    """√KL with its sign kept: a k1 estimate may fall below 0, and is drawn where it is.

    >>> signed_root(9.0), signed_root(-4.0)
    (3.0, -2.0)
    """
    return math.copysign(math.sqrt(abs(kl)), kl)


def x_of(frame: pl.DataFrame, axis: str) -> np.ndarray:
    """Positions on the axis, shape (rows,); NaN where KL was not measured.

    A bin of rows (step_start, step_end) stands at its middle step.
    """
    if axis == "step":
        if "step" in frame.columns:
            x = frame["step"].cast(pl.Float64).to_numpy()
        else:
            x = ((frame["step_start"] + frame["step_end"]) / 2).to_numpy()
    else:
        kl = frame["kl"].cast(pl.Float64).to_numpy()
        x = np.sign(kl) * np.sqrt(np.abs(kl)) if axis == "sqrt_kl" else kl
    # Sums of floats may differ in their last bits between processes; a pinned view must not.
    return x.astype(np.float32)


def place(value: float | None, axis: str) -> float | None:
    """One KL (or step) on the axis; None stays None."""
    if value is None:
        return None
    return signed_root(value) if axis == "sqrt_kl" else float(value)


def ticks(largest: float, width: int = 12) -> tuple[list[float], list[str]]:
    """Ticks of the √KL axis up to KL ``largest``: positions in √nats, labels in nats.

    >>> ticks(42.0)[1]
    ['0', '0.25', '1', '3', '5', '7.5', '15', '20', '30', '40']
    """
    reach = math.sqrt(max(largest, 1e-6))
    kept: list[float] = []
    for kl in _NICE:
        if kl > largest * 1.02 and len(kept) > 1:
            break
        if not kept or math.sqrt(kl) - math.sqrt(kept[-1]) >= reach / width * 0.9:
            kept.append(kl)
    return [math.sqrt(kl) for kl in kept], [f"{kl:g}" for kl in kept]
