"""How often an interval for the peak holds it, and how wide it is: one row a shape of gold."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.drawing.axes import percent_labels
from analytics.figures.drawing.palette import PROXY_INK, RUN_COLOURS
from analytics.wording import percent, percent_spread, spread

METHODS = (
    ("headline", RUN_COLOURS[0], "circle"),
    ("shape", RUN_COLOURS[1], "diamond-open"),
    ("model", RUN_COLOURS[2], "square-open"),
)
"""Method, colour and symbol, from the top of each shape's row down."""
_APART = 0.24
PANELS = (("coverage", "hold the peak"), ("width", "upper : lower KL"))


def interval_figure(table: pl.DataFrame, asked: float = 0.9) -> go.Figure:
    """Two panels, coverage and width, with bars of two standard errors.

    Args:
        table: of ``analytics.measured.published.interval_table``.
        asked: the share of intervals that should hold the peak.
    """
    shapes = list(dict.fromkeys(table["shape"]))
    place = {shape: len(shapes) - 1 - i for i, shape in enumerate(shapes)}
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.15)
    for at, (method, colour, symbol) in enumerate(METHODS):
        part = table.filter(pl.col("method") == method)
        height = np.array([place[shape] for shape in part["shape"]]) + _APART * (1 - at)
        for column, (key, _title) in enumerate(PANELS, start=1):
            in_words = percent_spread if key == "coverage" else spread
            error = 2 * part[f"{key}_se"].cast(pl.Float64).fill_null(0.0).to_numpy()
            figure.add_trace(
                go.Scatter(
                    x=part[key].cast(pl.Float64).fill_null(np.nan).to_numpy(), y=height,
                    mode="markers", name=method, showlegend=False,
                    marker={"size": 9, "color": colour, "symbol": symbol},
                    error_x={"type": "data", "array": error, "width": 0, "thickness": 1.4},
                    text=[
                        f"{shape}<br>{in_words(*pair)}"
                        for shape, *pair in part.select("shape", key, f"{key}_se").rows()
                    ],
                    hovertemplate=f"<b>{method}</b>, %{{text}}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
        if part.height:
            figure.add_annotation(
                x=part["width"][0] + error[0], y=height[0], xref="x2", yref="y2",
                text=f"  {method}", showarrow=False, xanchor="left",
                font={"size": 11, "color": colour},
            )  # fmt: skip
    for column, (key, title) in enumerate(PANELS, start=1):
        labels = percent_labels() if key == "coverage" else {"tickformat": "~g"}
        figure.update_xaxes(
            title_text=title, title_font={"size": 12}, tickangle=0, nticks=4,
            zeroline=False, row=1, col=column, **labels,
        )  # fmt: skip
    figure.add_vline(
        x=asked, line={"color": PROXY_INK, "dash": "dash", "width": 1.3}, row=1, col=1,
        annotation={"text": percent(asked), "font": {"size": 11}},
    )  # fmt: skip
    least = min(0.6, _lowest(table) - 0.05)
    # Its ends only: a phone has no room for more.
    figure.update_xaxes(range=[least, 1.02], tickvals=[np.ceil(10 * least) / 10, 1], row=1, col=1)
    figure.update_xaxes(rangemode="tozero", row=1, col=2)
    figure.update_yaxes(
        tickvals=list(place.values()), ticktext=list(place), automargin=True, ticks="",
        range=[-0.6, len(shapes) - 0.4],
    )  # fmt: skip
    figure.update_layout(height=90 + 62 * len(shapes), margin={"l": 8, "r": 8, "t": 24, "b": 48})
    return figure


def _lowest(table: pl.DataFrame) -> float:
    shown = table.filter(pl.col("method").is_in([method for method, _, _ in METHODS]))
    lows = (shown["coverage"] - 2 * shown["coverage_se"]).min()
    return float(lows) if isinstance(lows, float) else 0.6
