"""Wrong answers over iterations: one panel an origin and measure, origins never pooled."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.palette import run_colour, run_dash
from analytics.figures.text import plain

DENOMINATORS = {
    "all": ("rate", "low", "high", "of all graded"),
    "attempted": ("rate_of_attempted", "attempted_low", "attempted_high", "of attempted"),
}
"""Choice to (value, low, high, words)."""

ORIGIN_WORDS = {
    "benchmark": "fixed benchmark",
    "self_generated": "self-generated questions",
    "human": "human questions",
}


def rate_figure(
    rows: pl.DataFrame,
    ordinals: Mapping[str, int],
    denominator: str = "all",
    rewards: pl.DataFrame | None = None,
    axis_title: str = "iteration",
) -> go.Figure:
    """Wrong, confidently wrong and abstained, by loop over iterations, with 95 % intervals.

    Args:
        rows: totals of ``analytics.hallucination.rates`` (level "total"), some loops and origins.
        ordinals: loop to its number of arrival, which is its colour.
        denominator: "all" or "attempted".
        rewards: loop, iteration, proxy_reward, gold_reward for two further panels on the axis.
        axis_title: what the x axis counts.
    """
    value, low, high, words = DENOMINATORS[denominator]
    panels: list[tuple[str, str, str, str, str]] = []
    origins = sorted(rows["origin"].unique(), key=lambda name: (name != "benchmark", name))
    for origin in origins:
        said = ORIGIN_WORDS.get(origin, plain(origin))
        panels.append((origin, value, low, high, f"wrong, {words}<br>{said}"))
        panels.append(
            (origin, "confident", "confident_low", "confident_high", f"confidently wrong<br>{said}")
        )
        if origin == origins[0]:
            panels.append((origin, "not_attempted_rate", "", "", f"abstained<br>{said}"))
    extra = ["proxy_reward", "gold_reward"] if rewards is not None and rewards.height else []
    count = len(panels) + len(extra)
    height = 190 * count + 90
    figure = make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=24 / height)
    for row, (origin, y, below, above, title) in enumerate(panels, start=1):
        part = rows.filter(pl.col("origin") == origin)
        for (loop,), line in part.group_by("loop", maintain_order=True):
            _draw(figure, line.sort("iteration"), str(loop), ordinals, y, below, above, row)
        figure.update_yaxes(title_text=title, tickformat=".0%", rangemode="tozero", row=row, col=1)
    for row, column in enumerate(extra, start=len(panels) + 1):
        assert rewards is not None
        for (loop,), line in rewards.group_by("loop", maintain_order=True):
            ordered = line.sort("iteration")
            figure.add_trace(
                _line(ordered, str(loop), ordinals, column, legend=False), row=row, col=1
            )
        title = f"{column.replace('_', ' ')}<br>as logged"
        figure.update_yaxes(title_text=title, row=row, col=1)
    figure.update_xaxes(title_text=axis_title, row=count, col=1)
    figure.update_xaxes(zeroline=False, dtick=1 if rows["iteration"].n_unique() <= 20 else None)
    figure.update_yaxes(zeroline=False, automargin=True, title_font={"size": 12})
    figure.update_layout(
        height=height, margin={"l": 64, "r": 16, "t": 40, "b": 48},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
        uirevision=f"rates|{denominator}|{'|'.join(sorted(ordinals))}",
    )  # fmt: skip
    return figure


def _draw(
    figure: go.Figure, line: pl.DataFrame, loop: str, ordinals: Mapping[str, int],
    y: str, below: str, above: str, row: int,
) -> None:  # fmt: skip
    trace = _line(line, loop, ordinals, y, legend=row == 1)
    if below:
        middle = line[y].cast(pl.Float64).fill_null(np.nan).to_numpy()
        up = line[above].cast(pl.Float64).fill_null(np.nan).to_numpy() - middle
        down = middle - line[below].cast(pl.Float64).fill_null(np.nan).to_numpy()
        trace.error_y = {"type": "data", "array": up, "arrayminus": down, "width": 0,
                         "thickness": 1.1}  # fmt: skip
        trace.customdata = np.stack([middle - down, middle + up, line["n"].to_numpy()], axis=1)
        trace.hovertemplate = (
            f"<b>{plain(loop)}</b> %{{x}}<br>%{{y:.1%}} (%{{customdata[0]:.1%}} to "
            "%{customdata[1]:.1%}), n = %{customdata[2]:,}<extra></extra>"
        )
    figure.add_trace(trace, row=row, col=1)


def _line(
    line: pl.DataFrame, loop: str, ordinals: Mapping[str, int], column: str, legend: bool
) -> go.Scatter:
    ordinal = ordinals.get(loop, 0)
    return go.Scatter(
        x=line["iteration"].to_numpy(),
        y=line[column].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        mode="lines+markers", name=plain(loop), legendgroup=loop, showlegend=legend,
        line={"color": run_colour(ordinal), "width": 2.2, "dash": run_dash(ordinal)},
        marker={"size": 6},
        hovertemplate=f"<b>{plain(loop)}</b> %{{x}}<br>%{{y:.3g}}<extra></extra>",
    )  # fmt: skip
