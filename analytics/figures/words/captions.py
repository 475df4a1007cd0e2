"""What the marks of a figure mean, in words made from what is drawn, so that neither can drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analytics.figures.drawing.palette import SYMBOLS
from analytics.figures.drawing.stacked import STRIP

MEANINGS = {
    "gold": "gold reward", "proxy": "proxy reward", "below": "what each panel names",
    "rows": "rows as logged", "mean gold": "gold, mean of the runs",
    "mean proxy": "proxy, mean of the runs", "interval": "90 % interval of the mean",
    "one gold": "gold of each run", "one proxy": "proxy of each run",
    "peak": "where gold peaks (90 %)", "open peak": "peak there or later",
    "alarm": "alarm", "withdrawn alarm": "withdrawn alarm",
    "forecast": "forecast peak", "ahead": "forecast", "saved": "saved checkpoint",
    "candidate": "candidate to go back to",
}  # fmt: skip
"""Role of a trace or shape (``meta["role"]``, a shape's name) to what it shows, in the order in
which a caption tells them."""
LINES = {"solid": "solid line", "dot": "dotted line", "dash": "dashed line"}
POINTS = {
    "triangle-down": "▼", "triangle-down-open": "▽", "diamond-open": "◇",
    "line-ns-open": "tick", "star": "★", "triangle-right": "▶",
} | dict.fromkeys(SYMBOLS, "points")  # fmt: skip
MOST_LEFT_OUT = 3


def caption_of(figure: go.Figure) -> str:
    """Each kind of mark in a figure with its meaning, and what is left out; "" without any.

    Of a figure whose traces say their role; the style is read from the trace, not from a list.
    """
    styles: dict[str, list[str]] = {}
    bars, reach = False, figure.layout.xaxis.range
    for trace in figure.data:
        role = (trace.meta or {}).get("role") if isinstance(trace.meta, Mapping) else None
        if role is None or trace.visible is False or not _within(trace.x, reach):
            continue
        looks = styles.setdefault(str(role), [])
        if (look := style_of(trace)) not in looks:
            looks.append(look)
        bars = bars or trace.error_y.array is not None
    for shape in figure.layout.shapes:
        if shape.name in MEANINGS and _within((shape.x0, shape.x1), reach):
            looks = styles.setdefault(shape.name, [])
            look = "shaded" if shape.type == "rect" else f"upright {_line(shape.line.dash)}"
            if look not in looks:
                looks.append(look)
    sentences = []
    for role, meaning in MEANINGS.items():
        if role in styles and role != "below":
            words = " or ".join(styles[role])
            more = ", bars 90 % intervals" if role == "gold" and bars else ""
            sentences.append(f"{words[:1].upper()}{words[1:]}: {meaning}{more}.")
    out = list((figure.layout.meta or {}).get("left_out", []))
    if out:
        names = ", ".join(out[:MOST_LEFT_OUT])
        rest = f" and {len(out) - MOST_LEFT_OUT} more" if len(out) > MOST_LEFT_OUT else ""
        sentences.append(f"Not on this axis: {names}{rest}.")
    return " ".join(sentences)


def style_of(trace: Any) -> str:
    """How a trace looks, in words.

    >>> style_of(go.Scatter(mode="lines+markers", line={"dash": "dot"}))
    'dotted line with points'
    """
    if trace.fill:
        return "shaded"
    mode = trace.mode or "lines+markers"
    line = trace.line.dash
    points = POINTS.get(_symbol(trace), "marks")
    if "lines" not in mode:
        return points if (trace.marker.opacity or 1) == 1 else f"faint {points}"
    width = trace.line.width or 2
    words = _line(line)
    if trace.yaxis == STRIP:
        return "bar"
    words = f"thick {words}" if width > 2.6 else f"thin {words}" if width < 1.2 else words
    return f"{words} with points" if "markers" in mode and points == "points" else words


def _within(x: Any, reach: Sequence[float] | None) -> bool:
    """Whether any of it is in the range that is shown."""
    if reach is None or x is None:
        return True
    places = np.asarray(x, dtype=np.float64)
    finite = places[np.isfinite(places)]
    return bool(finite.size and finite.min() <= reach[1] and finite.max() >= reach[0])


def _symbol(trace: Any) -> str:
    symbol = trace.marker.symbol or "circle"
    return str(symbol if isinstance(symbol, str) else symbol[0])


def _line(dash: str | None) -> str:
    return LINES.get(dash or "solid", "line")
