"""Topics or categories as dots with intervals, the surest change at the top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl

from analytics.figures.drawing.axes import percent_labels
from analytics.figures.drawing.text import plain
from analytics.figures.truth.rates import Line
from analytics.wording import p_value, rate_interval, rate_text, whole

MOST_PARTS = 12
"""Rows of one figure; the table has all."""


def topic_figure(rows: pl.DataFrame, lines: Sequence[Line]) -> go.Figure:
    """A row a topic, a dot a loop: filled with its 95 % interval now, open where it began.

    Args:
        rows: of one origin and level: part (the topic or category), loop, rate, low, high,
            change_rate_before, change_q, questions; those with the surest change first.
        lines: how each loop is drawn.
    """
    parts = rows["part"].unique(maintain_order=True).to_list()[:MOST_PARTS]
    places = {part: len(parts) - 1 - i for i, part in enumerate(parts)}
    figure = go.Figure()
    gap = min(0.2, 0.66 / max(len(lines), 1))
    for order, line in enumerate(lines):
        mine = rows.filter(pl.col("loop") == line.key, pl.col("part").is_in(parts))
        if mine.is_empty():
            continue
        y = np.array([places[part] for part in mine["part"]], dtype=np.float64)
        y += ((len(lines) - 1) / 2 - order) * gap
        now, before = _numbers(mine, "rate"), _numbers(mine, "change_rate_before")
        low, high = _numbers(mine, "low"), _numbers(mine, "high")
        figure.add_trace(go.Scatter(
            x=np.column_stack([before, now, np.full(len(y), np.nan)]).ravel(),
            y=np.repeat(y, 3), mode="lines", line={"color": line.colour, "width": 1},
            opacity=0.5, hoverinfo="skip", showlegend=False,
        ))  # fmt: skip
        figure.add_trace(go.Scatter(
            x=before, y=y, mode="markers", hoverinfo="skip", showlegend=False,
            marker={"size": 6, "color": line.colour, "symbol": "circle-open"},
        ))  # fmt: skip
        figure.add_trace(go.Scatter(
            x=now, y=y, mode="markers", name=plain(line.label), showlegend=False,
            marker={"size": 8, "color": line.colour},
            error_x={"type": "data", "array": high - now, "arrayminus": now - low, "width": 0,
                     "thickness": 1.6},
            text=[_hover(row) for row in mine.iter_rows(named=True)],
            hovertemplate=f"<b>{plain(line.label)}</b>, %{{text}}<extra></extra>",
        ))  # fmt: skip
    height = max(24, 10 * len(lines) + 10) * len(parts)
    figure.update_yaxes(
        tickvals=list(places.values()), ticktext=[plain(part, 22) for part in places],
        range=[-0.55, len(parts) - 0.45], showgrid=False, zeroline=False, automargin=True,
    )  # fmt: skip
    figure.update_xaxes(title_text="wrong, of all graded", zeroline=False, rangemode="tozero",
                        nticks=6, **percent_labels())  # fmt: skip
    figure.update_layout(height=height + 62, margin={"l": 10, "r": 14, "t": 8, "b": 46})
    return figure


def _hover(row: dict[str, object]) -> str:
    text = f"{plain(row['part'])}<br>{rate_interval(row['rate'], row['low'], row['high'])}"  # type: ignore[arg-type]
    if row["change_rate_before"] is not None:
        text += f"<br>before {rate_text(row['change_rate_before'])}"  # type: ignore[arg-type]
    if row["change_q"] is not None:
        text += f", q{p_value(row['change_q'])[1:]}"  # type: ignore[arg-type]
    return f"{text}, n = {whole(row['questions'])}"  # type: ignore[arg-type]


def _numbers(frame: pl.DataFrame, column: str) -> np.ndarray:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
