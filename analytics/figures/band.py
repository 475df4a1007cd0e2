"""Seeds of one setting: the mean of proxy and gold with its interval, and the runs behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.axes import TITLES, single, ticks, x_of
from analytics.figures.curves import RunCurve, pooled
from analytics.figures.palette import RUN_COLOURS, tinted
from analytics.figures.text import plain
from analytics.seeds import seed_band
from analytics.wording import number, whole


def band_figure(runs: Sequence[RunCurve], axis: str) -> go.Figure:
    """Proxy and gold as logged, mean over the runs with a 90 % interval; N is in the legend."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05)
    largest = 0.0
    for row, (column, colour) in enumerate(
        (("proxy_reward", RUN_COLOURS[0]), ("gold_reward", RUN_COLOURS[1])), start=1
    ):
        curves = []
        for run in runs:
            whole = run.looks if column == "gold_reward" else pooled(run.curve, column)
            if column not in whole.columns:
                continue
            rows = whole.filter(pl.col(column).is_not_null())
            if not rows.height:
                continue
            x, y = x_of(rows, axis), single(rows[column].cast(pl.Float64).to_numpy())
            curves.append((x, y))
            if axis == "sqrt_kl":
                largest = max(largest, float(np.nanmax(x, initial=0.0)) ** 2)
            thin = {"color": tinted(colour, 0.35), "width": 1}
            figure.add_trace(
                go.Scatter(x=x, y=y, mode="lines", line=thin, showlegend=False,
                           name=plain(run.run_id), hoverinfo="skip"), row=row, col=1)  # fmt: skip
        band = seed_band(curves)
        if band.height:
            _draw_band(figure, band, colour, column.replace("_", " "), row)
        figure.update_yaxes(title_text=f"{column.replace('_', ' ')}<br>as logged", row=row, col=1)
    figure.update_xaxes(title_text=TITLES[axis], row=2, col=1)
    figure.update_xaxes(zeroline=False)
    if axis == "sqrt_kl":
        where, what = ticks(largest)
        figure.update_xaxes(tickvals=where, ticktext=what)
    figure.update_yaxes(zeroline=False, automargin=True, title_font={"size": 13})
    figure.update_layout(
        height=620, margin={"l": 64, "r": 16, "t": 36, "b": 48},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
        uirevision=f"band|{axis}|{'|'.join(run.run_id for run in runs)}",
    )  # fmt: skip
    return figure


def _draw_band(figure: go.Figure, band: pl.DataFrame, colour: str, words: str, row: int) -> None:
    x = band["x"].to_numpy()
    edges = np.concatenate([band["high"].to_numpy(), band["low"].to_numpy()[::-1]])
    n = whole(band["n"][0])
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([x, x[::-1]]), y=edges, fill="toself", mode="lines",
            line={"width": 0}, fillcolor=tinted(colour, 0.18), hoverinfo="skip",
            name=f"90 % interval of the mean (t, N = {n} runs)", legendgroup=words,
        ),
        row=row, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=x, y=band["mean"].to_numpy(), mode="lines", line={"color": colour, "width": 3},
            name=f"{words}, mean of N = {n} runs", legendgroup=words,
            customdata=[[number(value)] for value in band["mean"]],
            hovertemplate=f"{words}, mean %{{customdata[0]}}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip
