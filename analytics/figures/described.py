"""A figure in words, for readers who hear it: made from what is drawn, so that it cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go

from analytics.wording import count, number

MOST_LINES = 8


def described(figure: go.Figure, says: str) -> str:
    """The finding, and where each named line begins and ends.

    Args:
        figure: as it is drawn.
        says: the finding in a sentence, or the figure's title.
    """
    lines = list(_lines(figure))
    told = [f"{says.rstrip('.')}."]
    if over := _plain(figure.layout.xaxis.title.text):
        told.append(f"Over {over}.")
    told += lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        told.append(f"And {count(len(lines) - MOST_LINES, 'more line')}.")
    return " ".join(told)


def _lines(figure: go.Figure) -> Iterator[str]:
    seen = set()
    for trace in figure.data:
        name, axis = _plain(trace.name), getattr(trace, "yaxis", None) or "y"
        if not name or (name, axis) in seen or not hasattr(trace, "y") or trace.y is None:
            continue
        values = np.asarray(trace.y)
        if values.dtype.kind not in "fiu" or not np.isfinite(values).any():
            continue
        seen.add((name, axis))
        held = values[np.isfinite(values)]
        panel = _plain(figure.layout[f"yaxis{axis[1:]}"].title.text)
        where = f"{name}, {panel}" if panel and panel != name else name
        if len(held) == 1:
            yield f"{where}: {number(float(held[0]))}."
        else:
            yield f"{where}: {number(float(held[0]))} to {number(float(held[-1]))}."


def _plain(text: str | None) -> str:
    """A label without its tags and line breaks."""
    return " ".join(re.sub(r"<[^>]*>", " ", text or "").split())
