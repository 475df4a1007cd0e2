"""A figure made for a place outside: a paper's column or page, a slide; and its data as drawn."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.offline import get_plotlyjs

from analytics.figures.drawing.axes import ticks_within
from analytics.figures.words.described import without_tags


class Size(NamedTuple):
    """Of a figure: width and height of its highest panel, and letters, in pixels of 1/96 inch."""

    words: str
    width: int
    tall: int
    letters: int


SIZES = {
    "column": Size("paper column, 3.5 in", 336, 200, 11),
    "page": Size("page width, 7 in", 672, 300, 12),
    "slide": Size("slide, 13.3 in", 1280, 440, 18),
}
"""Letters are 8 to 9 points in print, 13.5 on a slide."""
PRINTED = 300 / 96
"""Pixels of a PNG a pixel of the figure: 300 dots an inch."""
_LETTER = 0.56
"""The width of a letter as a share of its size, on average."""


class Ink(NamedTuple):
    """Colours of ground, letters, grid."""

    ground: str
    letters: str
    grid: str


INKS = {"light": Ink("#FFFFFF", "#1B2733", "#DDE3E8"), "dark": Ink("#11181F", "#E6ECF2", "#34424F")}


def framed(figure: go.Figure, size: Size, ink: Ink, title: str, caption: str) -> go.Figure:
    """The figure on a ground of its own, at its size, with title and caption or without ("")."""
    made = go.Figure(figure)
    lines = int(size.width / (size.letters * _LETTER)) - 4
    above = textwrap.wrap(title, int(lines / 1.15))
    below = textwrap.wrap(caption, lines)
    row = round(size.letters * 1.4)
    margin = made.layout.margin
    letter = size.letters
    top = 14 + round(row * 1.2) * len(above)
    foot = 30 + round(2.2 * letter)
    bottom = foot + row * len(below)
    height = made.layout.height - margin.t - margin.b + top + bottom
    made.update_layout(
        template="none", width=size.width, height=height, showlegend=False,
        paper_bgcolor=ink.ground, plot_bgcolor=ink.ground,
        font={"color": ink.letters, "size": letter, "family": "Arial, Helvetica, sans-serif"},
        margin={"t": top, "b": bottom, "l": 58, "r": margin.r},
    )  # fmt: skip
    made.update_xaxes(linecolor=ink.letters, ticks="outside", showgrid=False)
    made.update_yaxes(gridcolor=ink.grid)
    for axis in (*made.select_xaxes(), *made.select_yaxes()):
        axis.update(title_font={"size": letter}, tickfont={"size": letter})
    made.update_annotations(font={"size": letter, "color": ink.letters})
    written = {"showarrow": False, "align": "left", "xref": "paper", "yref": "paper", "x": 0,
               "xanchor": "left", "xshift": -50}  # fmt: skip
    if above:
        made.add_annotation(
            text="<br>".join(above), y=1, yanchor="bottom", yshift=8, name="title", **written,
            font={"size": round(letter * 1.15), "color": ink.letters},
        )  # fmt: skip
    if below:
        made.add_annotation(
            text="<br>".join(below), y=0, yanchor="top", yshift=-foot + 4, name="caption",
            font={"size": letter, "color": ink.letters}, **written,
        )  # fmt: skip
    return made


def zoomed(figure: go.Figure, address: str) -> go.Figure:
    """The figure as a reader has zoomed it, and without the lines that are hidden.

    Args:
        figure: as it was drawn; it is changed.
        address: the value of ``zoom`` in the address, which anyone may have written.
    """
    try:
        reach = json.loads(address)["0"]
        ranges, hidden = dict(reach.get("ranges") or {}), list(reach.get("hidden") or [])
    except (ValueError, TypeError, KeyError, AttributeError):
        return figure
    axes = [*figure.select_xaxes(), *figure.select_yaxes()]
    for name, ends in ranges.items():
        axis = str(name).removesuffix(".range")
        if axis in {one.plotly_name for one in axes} and _is_range(ends):
            figure.layout[axis].update(range=ends)
    for trace in figure.data:
        if any(str(name).startswith(f"{trace.legendgroup or ''}|{trace.name or ''}|")
               for name in hidden):  # fmt: skip
            trace.visible = False
    if (figure.layout.meta or {}).get("axis") == "sqrt_kl" and "xaxis.range" in ranges:
        low, high = (float(end) for end in figure.layout.xaxis.range)
        where, what = ticks_within(low, high)
        figure.update_xaxes(tickvals=where, ticktext=what)
    return figure


def _is_range(ends: Any) -> bool:
    return (isinstance(ends, list) and len(ends) == 2
            and all(isinstance(end, int | float) and np.isfinite(end) for end in ends))  # fmt: skip


def drawn_rows(figure: go.Figure) -> pl.DataFrame:
    """Every point that is drawn: panel, line, x as the axis names it, y, ends of its interval."""
    parts = list(_rows(figure))
    schema = {"panel": pl.String, "line": pl.String, "x": pl.Float64, "y": pl.Float64,
              "low": pl.Float64, "high": pl.Float64}  # fmt: skip
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _rows(figure: go.Figure) -> Iterator[pl.DataFrame]:
    root = (figure.layout.meta or {}).get("axis") == "sqrt_kl"
    for trace in figure.data:
        if trace.visible is False or trace.y is None:
            continue
        x, y = (np.asarray(part, dtype=np.float64) for part in (trace.x, trace.y))
        half = trace.error_y.array
        reach = np.full(len(y), np.nan) if half is None else np.asarray(half, dtype=np.float64)
        panel = figure.layout[f"yaxis{(trace.yaxis or 'y')[1:]}"].title.text
        role = trace.meta.get("role") if isinstance(trace.meta, Mapping) else None
        yield pl.DataFrame({
            "panel": without_tags(panel) or "marks", "line": without_tags(trace.name) or role or "",
            "x": x * np.abs(x) if root else x, "y": y, "low": y - reach, "high": y + reach,
        }).filter(pl.col("x").is_finite() & pl.col("y").is_finite()).with_columns(
            pl.col("low", "high").fill_nan(None)
        )  # fmt: skip


def printable(figure: go.Figure) -> str:
    """A web page that holds the figure alone, of its size, asking nothing of any machine."""
    width, height = figure.layout.width, figure.layout.height
    text = (figure.to_json() or "{}").replace("<", "\\u003c")
    return (
        f"<!doctype html><meta charset=utf-8><style>@page {{size:{width}px {height}px; margin:0}}"
        f"body {{margin:0}}</style><div id=f></div><script>{get_plotlyjs()}</script><script>"
        f"const f = {text}; Plotly.newPlot('f', f.data, f.layout, {{staticPlot: true}});</script>"
    )
