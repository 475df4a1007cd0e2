"""How far the judge of gold has moved, by its scores of fixed responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from analytics.figures.drawing.axes import TITLES
from analytics.figures.drawing.palette import PROXY_INK, STATUS, run_colour
from analytics.wording import whole, with_interval

HEIGHT = 190


def anchors_figure(drift: Mapping[str, Any], ordinal: int) -> go.Figure:
    """The anchors' mean score less that of the first evaluation, with 90 % intervals, over steps.

    Args:
        drift: ``judge_drift`` of a verdict.
        ordinal: of the run, which gives it its colour.
    """
    rows = drift["points"]
    moved = [row["moved"] for row in rows]
    words = [with_interval(row["moved"], row["low"], row["high"]) for row in rows]
    figure = go.Figure(
        go.Scatter(
            x=[row["step"] for row in rows], y=moved, mode="lines+markers", name="anchors",
            line={"color": run_colour(ordinal), "width": 2}, marker={"size": 5},
            error_y={
                "type": "data", "symmetric": False, "thickness": 1, "width": 3,
                "array": [row["high"] - row["moved"] for row in rows],
                "arrayminus": [row["moved"] - row["low"] for row in rows],
            },
            customdata=words,
            hovertemplate="step %{x}: %{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(y=0, line={"color": PROXY_INK, "width": 1, "dash": "dot"})
    if drift["since"] is not None:
        ink = STATUS["warning"][0]
        figure.add_vline(x=drift["since"], line={"color": ink, "width": 1.5})
        figure.add_annotation(
            x=drift["since"], y=1, yref="paper", yanchor="bottom", showarrow=False,
            text=f"drift detected at step {whole(drift['since'])}", font={"size": 12},
        )  # fmt: skip
    figure.update_layout(
        height=HEIGHT, margin={"l": 64, "r": 16, "t": 26, "b": 44}, showlegend=False,
        xaxis={"title": {"text": TITLES["step"]}},
        yaxis={"title": {"text": "anchors moved,<br>units of gold"}, "nticks": 5},
    )  # fmt: skip
    return figure
