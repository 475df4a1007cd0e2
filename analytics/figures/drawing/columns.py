"""Columns beside each other, an arm each: their names and the ticks below never meet."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from analytics.figures.drawing.gutter import LONGEST, short_names
from analytics.figures.drawing.text import plain

LANE = 17
"""Pixels between the heights at which names stand in turn."""


def name_columns(figure: go.Figure, labels: Sequence[str]) -> None:
    """Write a name over each column, at two or three heights in turn: neighbours do not meet.

    Args:
        figure: of ``make_subplots``, without titles; its top margin has room for three lines.
        labels: a name a column.
    """
    last, heights = len(labels) - 1, 2 if len(labels) < 5 else 3
    longest = LONGEST if len(labels) <= 6 else 6
    for column, whole in enumerate(short_names(labels)):
        name = plain(whole, longest)
        left, right = figure.layout[f"xaxis{column + 1 if column else ''}"].domain
        side = "center" if not last else "left" if not column else "right" if column == last else ""
        x = {"left": left, "right": right}.get(side, (left + right) / 2)
        figure.add_annotation(
            x=x, xref="paper", y=1, yref="paper", xanchor=side or "center", yanchor="bottom",
            yshift=4 + LANE * (column % heights), text=name, showarrow=False, font={"size": 12},
            name="column",
        )  # fmt: skip


def tick_columns(figure: go.Figure, columns: int, last: int) -> None:
    """Ticks of iterations 0 to ``last``: few, and no 0 where the column before ends."""
    if columns < 2:
        figure.update_xaxes(nticks=6)
        return
    ticks = sorted({(last + 1) // 2, last} - {0})
    for column in range(1, columns + 1):
        figure.update_xaxes(tickvals=[0, *ticks] if column == 1 else ticks, col=column)
