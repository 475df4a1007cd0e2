"""The x axis of a run: √KL, KL or step, with ticks that name the KL itself."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np
import polars as pl

from analytics.wording import number, percent

LARGEST = 1e30
"""Of any number that is drawn: single floats, and the axes of a browser, end not far above."""

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
        return single(x)
    return x.astype(np.float64)


def single(values: np.ndarray) -> np.ndarray:
    """Numbers as single floats; NaN, a gap, for those that no picture holds."""
    drawable = np.abs(values) <= LARGEST
    return np.where(drawable, values, np.nan).astype(np.float32)


def place(value: float | None, axis: str) -> float | None:
    """One KL (or step) on the axis; None where there is none, or one that no picture holds."""
    if value is None:
        return None
    x = signed_root(value) if axis == "sqrt_kl" else float(value)
    return x if abs(x) <= LARGEST else None


class PercentLabels(TypedDict):
    """Of a Plotly axis: the form of its ticks, and what stands in place of each."""

    tickformat: str
    labelalias: dict[str, str]


def percent_labels(decimals: int = 0, most: float = 1.0) -> PercentLabels:
    """Of an axis of shares up to ``most``: labels as sentences write them ("5 %", not "5%").

    >>> percent_labels(0, 0.02)["labelalias"]
    {'0%': '0 %', '1%': '1 %', '2%': '2 %'}
    """
    fine = 10 ** (decimals + 2)
    words = [percent(i / fine, decimals) for i in range(round(most * fine) + 1)]
    alias = {text.replace(" ", ""): text for text in words}
    return {"tickformat": f".{decimals}%", "labelalias": alias}


def ticks(largest: float, lowest: float = 0.0, width: int = 12) -> tuple[list[float], list[str]]:
    """Ticks of the √KL axis from KL ``lowest`` to ``largest``: positions in √nats, labels in nats.

    >>> ticks(42.0)[1]
    ['0', '0.25', '1', '3', '5', '7.5', '15', '20', '30', '40']
    >>> ticks(1e-4, -2e-4, 5)[1]
    ['−0.0001', '−2.5 × 10⁻⁵', '0', '2.5 × 10⁻⁵', '0.0001']
    """
    most = max(largest, -lowest, 1e-12)
    unit = 1.0 if _NICE[3] <= most <= _NICE[-1] else 10.0 ** math.floor(math.log10(most))
    apart = (signed_root(max(largest, 0.0)) - signed_root(min(lowest, 0.0))) / width * 0.9
    kept = [0.0]
    for kl in (unit * nice for nice in _NICE[1:]):
        if kl > most * 1.02 and len(kept) > 1:
            break
        if math.sqrt(kl) - math.sqrt(kept[-1]) >= apart:
            kept.append(kl)
    below = [-kl for kl in reversed(kept[1:]) if -kl >= lowest * 1.02]
    shown = below + [kl for kl in kept if kl <= max(largest * 1.02, kept[min(1, len(kept) - 1)])]
    return [signed_root(kl) for kl in shown], [number(kl, 6) for kl in shown]


def ticks_within(low: float, high: float, most: int = 10) -> tuple[list[float], list[str]]:
    """Ticks of a part of the √KL axis: spread evenly, each at the roundest KL near its place.

    ``low`` and ``high``: ends of the range in √nats. A browser reckons the same where a reader
    zooms (pages/shared/ticks.js).

    >>> ticks_within(1.0, 2.0, 5)[1]
    ['1', '1.4', '2', '2.5', '3.25', '4']
    """
    apart, found = (high - low) / most, {}
    for middle in np.arange(low, high + apart / 2, apart) if apart > 0 else []:
        reach = max(abs(2 * middle * apart), apart * apart) / 2
        power = 10.0 ** math.floor(math.log10(reach))
        step = max(s * power for s in (1, 2, 2.5, 5, 10) if s * power <= reach * 1.0001)
        kl = round(middle * abs(middle) / step) * step
        if low <= (at := signed_root(float(f"{kl:.12g}"))) <= high:
            found[round(at, 9)] = kl
    kept: list[tuple[float, float]] = []
    for at, kl in sorted(found.items()):
        if not kept or at - kept[-1][0] >= apart * 0.6:
            kept.append((at, kl))
    return [at for at, _ in kept], [number(kl, 6) for _, kl in kept]
