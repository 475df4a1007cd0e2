"""The forecast in the main chart: where gold would go on to, dashed, and where it would peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analytics.figures.drawing.axes import place
from analytics.figures.drawing.stacked import Stack
from analytics.gao import FORMS, normalised_gold
from analytics.wording import with_interval

_POINTS = 24


def forecast_reach(verdict: Mapping[str, Any], axis: str) -> np.ndarray:
    """Places on the axis that a forecast needs room for; empty where there is none."""
    made = verdict.get("forecast")
    ends = [made["kl"], made["kl_high"]] if made else []
    return np.array([place(kl, axis) for kl in ends], dtype=np.float32)


def draw_forecast(
    stack: Stack, verdict: Mapping[str, Any], colour: str, axis: str,
    scale: tuple[float, float], panel: int,
) -> None:  # fmt: skip
    """Draw a verdict's forecast on a KL axis: the curve to come, the peak and its 90 % interval.

    Args:
        stack: gets one trace in ``panel``.
        verdict: row of ``verdict --json`` with a forecast.
        axis: "sqrt_kl" or "kl".
        scale: (shift, divisor) of gold on this chart.
    """
    made = verdict["forecast"]
    start = min(float(verdict["kl_end"] or 0.0), made["kl"])
    d = np.linspace(np.sqrt(max(start, 0.0)), np.sqrt(made["kl"]), _POINTS)
    below = 1 - normalised_gold(d / d[-1], FORMS[made["form"]])
    shift, divisor = scale
    gold = (made["gold"] - made["gain"] * below - shift) / divisor
    x = np.array([place(kl, axis) for kl in d**2], dtype=np.float64)
    low, high = (place(made[end], axis) or 0.0 for end in ("kl_low", "kl_high"))
    words = f"{with_interval(made['kl'], made['kl_low'], made['kl_high'])} nats"
    none = [None] * (_POINTS - 1)  # a bar of length 0 would still have its caps
    stack.figure.add_trace(
        go.Scatter(
            x=x, y=gold, mode="lines+markers", line={"color": colour, "width": 2, "dash": "dash"},
            marker={
                "color": colour, "symbol": "diamond-open", "line": {"width": 2},
                "size": [0] * (_POINTS - 1) + [11],
            },
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.5, "width": 6,
                "array": [*none, high - float(x[-1])],
                "arrayminus": [*none, float(x[-1]) - low],
            },
            name="forecast", showlegend=False, meta={"role": "ahead"},
            xaxis="x", yaxis=stack.panel(panel),
            hovertemplate=f"forecast: gold peaks at KL {words}, 90 %<extra></extra>",
        )
    )  # fmt: skip
