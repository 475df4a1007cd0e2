"""Each reward of one run over KL, with the value beyond which gold falls, and gold above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.comparing.components import Z90, ProxyPoint
from analytics.figures.drawing.axes import LARGEST, TITLES, place, single, ticks, x_of
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import PROXY_INK, tinted
from analytics.figures.drawing.text import plain
from analytics.wording import count, interval, number, spread

RAISED_INK = "#E69F00"


@dataclass(frozen=True)
class Component:
    """One reward of a run over the looks of its verdict: mean and error, (looks,)."""

    name: str
    mean: np.ndarray
    error: np.ndarray
    point: ProxyPoint


def component_figure(
    run: RunCurve, components: Sequence[Component], axis: str, spread: pl.DataFrame | None
) -> go.Figure:
    """Gold, then a panel a component, then the disagreement of an ensemble, if asked for.

    axis: "sqrt_kl", "kl" or "step"; spread: of analytics.comparing.components.disagreement.
    """
    rows = 1 + len(components) + (spread is not None)
    height = 240 + 150 * (rows - 1)
    figure = make_subplots(
        rows=rows, cols=1, shared_xaxes=True, vertical_spacing=22 / (height + 80),
        row_heights=[240, *[150] * (rows - 1)],
    )  # fmt: skip
    looks, colour = run.looks, run.colour
    x = x_of(looks, axis)
    gold = single(looks["gold_reward"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    se = looks["gold_se"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    _draw(figure, 1, x, gold, Z90 * se, colour, "gold reward")
    figure.update_yaxes(title_text="gold reward<br>as logged", row=1, col=1)
    for row, part in enumerate(components, start=2):
        _draw(figure, row, x, part.mean, Z90 * part.error, PROXY_INK, part.name)
        figure.update_yaxes(title_text=_wrapped(part.name), row=row, col=1)
        _mark_point(figure, row, part.point, colour)
    if spread is not None:
        _draw_spread(figure, rows, run, spread, axis)
    _mark_peak(figure, run, axis)
    figure.update_xaxes(title_text=TITLES[axis], row=rows, col=1)
    figure.update_xaxes(zeroline=False)
    if axis == "sqrt_kl":
        ends = [float(looks["kl"].max() or 0.0), float(looks["kl"].min() or 0.0)]  # type: ignore[arg-type]
        where, what = ticks(ends[0], min(ends[1], 0.0))
        figure.update_xaxes(tickvals=where, ticktext=what)
    figure.update_yaxes(zeroline=False, automargin=True, title_font={"size": 12})
    figure.update_layout(
        height=height + 80, margin={"l": 64, "r": 16, "t": 20, "b": 48}, showlegend=False,
        hovermode="closest",
        uirevision=f"components|{axis}|{run.run_id}|{'|'.join(c.name for c in components)}",
    )  # fmt: skip
    return figure


def _draw(
    figure: go.Figure, row: int, x: np.ndarray, y: np.ndarray, half: np.ndarray, colour: str,
    name: str,
) -> None:  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=x, y=single(y), mode="lines+markers", name=plain(name), marker={"size": 5},
            line={"color": colour, "width": 2},
            error_y={"type": "data", "array": single(half), "width": 0, "thickness": 1,
                     "color": colour},
            text=[spread(*pair) for pair in zip(y.tolist(), half.tolist(), strict=True)],
            hovertemplate=f"<b>{plain(name)}</b> %{{text}}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _mark_point(figure: go.Figure, row: int, point: ProxyPoint, colour: str) -> None:
    if point.reason or not point.reached or point.low is None or point.high is None:
        return
    if not (abs(point.low) <= LARGEST and abs(point.high) <= LARGEST):
        return
    figure.add_hrect(y0=point.low, y1=point.high, row=row, col=1, line_width=0, layer="below",
                     fillcolor=tinted(colour, 0.15))  # fmt: skip
    # Over the end of the line that it left behind, where the panel is empty.
    figure.add_annotation(
        x=0 if point.rising else 1, xref=f"x{row} domain", y=point.high,
        xanchor="left" if point.rising else "right",
        yanchor="bottom", text=f"proxy point {interval(point.low, point.high)}", showarrow=False,
        font={"size": 12, "color": colour}, row=row, col=1,
    )  # fmt: skip


def _draw_spread(
    figure: go.Figure, row: int, run: RunCurve, spread: pl.DataFrame, axis: str
) -> None:
    """The ratio where it has a look; bars only where there are enough prompts."""
    at = run.looks.join(
        spread.with_columns(pl.col("step_start").cast(pl.Int64)), on="step_start", how="inner"
    )
    if not at.height:
        return
    x, y = x_of(at, axis), at["ratio"].to_numpy()
    low, high = (at[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("low", "high"))
    inks = [RAISED_INK if raised else PROXY_INK for raised in at["raised"]]
    figure.add_trace(
        go.Scatter(
            x=x, y=y, mode="lines+markers", line={"color": PROXY_INK, "width": 1.6},
            marker={"size": 7, "color": inks,
                    "symbol": ["diamond" if r else "circle" for r in at["raised"]]},
            error_y={"type": "data", "array": high - y, "arrayminus": y - low, "width": 0,
                     "thickness": 1},
            text=[
                f"{number(ratio)} times the start, {count(cells, 'prompt')}"
                for ratio, cells in at.select("ratio", "cells").rows()
            ],
            hovertemplate="%{text}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip
    figure.add_hline(y=1, row=row, col=1, line={"color": PROXY_INK, "width": 1, "dash": "dot"})
    figure.update_yaxes(title_text="disagreement<br>x the start", rangemode="tozero",
                        row=row, col=1)  # fmt: skip


def _mark_peak(figure: go.Figure, run: RunCurve, axis: str) -> None:
    peak = run.verdict.get("peak")
    if not peak:
        return
    key = "step" if axis == "step" else "kl"
    low, high = place(peak.get(f"{key}_low"), axis), place(peak.get(f"{key}_high"), axis)
    if low is None:
        return
    right = float(np.nanmax(x_of(run.looks, axis), initial=low)) if high is None else high
    figure.add_vrect(
        x0=low, x1=right, row="all", col=1, line_width=0, layer="below",
        fillcolor=tinted(run.colour, 0.07 if high is None else 0.13),
    )  # fmt: skip
    figure.add_annotation(
        x=(low + right) / 2, y=1, yref="y domain", yanchor="top", showarrow=False,
        text="peak here or later (90 %)" if high is None else "gold peaks here (90 %)",
        font={"size": 12, "color": run.colour}, row=1, col=1,
    )  # fmt: skip


def _wrapped(name: str, width: int = 22) -> str:
    """A long logged name on two lines, broken at a separator."""
    text = plain(name, 44)
    if len(text) <= width:
        return text
    at = next((p for p in (text.rfind(mark, 4, width) for mark in "/ _") if p > 0), 0)
    return text if at < 4 else f"{text[: at + 1]}<br>{text[at + 1 :]}"
