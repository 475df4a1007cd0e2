"""Small multiples of a loop's arms: a row a measure, a column an arm, one scale a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.drawing.axes import percent_labels
from analytics.figures.drawing.columns import name_columns, tick_columns
from analytics.figures.drawing.palette import PROXY_INK, RUN_COLOURS, STATUS, sequence
from analytics.figures.drawing.text import plain
from analytics.figures.truth.rates import Line
from analytics.loops.cells import Question
from analytics.wording import percent

SHOWN = ("proxy_reward", "gold_reward", "wrong", "confident", "kl", "distinct_2", "tail_coverage")
TITLES = {
    "proxy_reward": "proxy", "gold_reward": "gold", "kl": "KL, nats", "wrong": "wrong",
    "confident": "confidently<br>wrong", "distinct_2": "distinct-2",
    "tail_coverage": "tail<br>coverage",
}  # fmt: skip
HEIGHT = 96
NOT_MEASURED = "not<br>measured"
WORSE = STATUS["overoptimized"][0]


def arms_figure(
    boards: Mapping[str, Sequence[Question]], lines: Sequence[Line]
) -> go.Figure | None:
    """The arms beside each other; a larger mark where a measure is worse than at iteration 0.

    Args:
        boards: the rows of each loop's board, by its name.
        lines: the loops in order, with their colours.

    Returns:
        None where no arm has anything to draw.
    """
    named = {loop: {q.name: q for q in board} for loop, board in boards.items()}
    rows = [name for name in SHOWN if any(_points(by_name.get(name)) for by_name in named.values())]
    if not rows or not lines:
        return None
    figure = make_subplots(
        len(rows), len(lines), shared_xaxes=True, vertical_spacing=0.025,
        horizontal_spacing=0.02,
    )  # fmt: skip
    for column, line in enumerate(lines, 1):
        for row, name in enumerate(rows, 1):
            number = (row - 1) * len(lines) + column
            _draw(figure, named.get(line.key, {}).get(name), line, (row, column, number))
    for row, name in enumerate(rows, 1):
        figure.update_yaxes(title_text=TITLES[name], title_font_size=12, row=row, col=1)
        figure.update_yaxes(nticks=4, range=_reach(named, name), row=row)
        for column in range(2, len(lines) + 1):
            figure.update_yaxes(showticklabels=False, row=row, col=column)
    figure.update_xaxes(title_text="iteration", row=len(rows), col=1)
    name_columns(figure, [line.label for line in lines])
    last = max(
        (at for by_name in named.values() for q in by_name.values() for at in q.cells), default=1
    )
    figure.update_xaxes(range=[-0.3, last + 0.3])
    tick_columns(figure, len(lines), last)
    figure.update_layout(
        height=HEIGHT * len(rows) + 90, margin={"l": 60, "r": 10, "t": 60, "b": 45},
        showlegend=False, hovermode="closest",
    )  # fmt: skip
    return figure


def _reach(named: Mapping[str, Mapping[str, Question]], name: str) -> list[float]:
    """One scale for all arms, 0 in it."""
    values = [value for by_name in named.values() for _, value in _points(by_name.get(name))]
    low, high = min([0.0, *values]), max([0.0, *values])
    room = 0.08 * (high - low or 1.0)
    return [low - (room if low < 0 else 0.02 * room), high + room]


def _points(question: Question | None) -> list[tuple[int, float]]:
    if question is None:
        return []
    return [
        (at, cell.value) for at, cell in sorted(question.cells.items()) if cell.value is not None
    ]


def _draw(
    figure: go.Figure, question: Question | None, line: Line, place: tuple[int, int, int]
) -> None:
    row, column, number = place
    points = _points(question)
    if question is None or not points:
        figure.add_trace(go.Scatter(x=[0], y=[0], mode="none", hoverinfo="skip"), row, column)
        axis = number if number > 1 else ""
        figure.add_annotation(
            text=NOT_MEASURED, showarrow=False, x=0.5, y=0.5, font={"color": PROXY_INK},
            xref=f"x{axis} domain", yref=f"y{axis} domain",
        )  # fmt: skip
        return
    worse = [question.cells[at].change == "worse" for at, _ in points]
    figure.add_trace(
        go.Scatter(
            x=[at for at, _ in points], y=[value for _, value in points], mode="lines+markers",
            line={"color": PROXY_INK if question.name == "proxy_reward" else line.colour,
                  "width": 2},
            marker={"size": [9 if bad else 5 for bad in worse],
                    "symbol": ["triangle-down" if bad else "circle" for bad in worse],
                    "color": [WORSE if bad else line.colour for bad in worse]},
            name=plain(f"{line.label}: {question.title}"),
            customdata=[[plain(question.cells[at].text)] for at, _ in points],
            hovertemplate=f"{plain(question.title)}, iteration %{{x}}: "
            "%{customdata[0]}<extra></extra>",
        ),
        row=row, col=column,
    )  # fmt: skip


PART_INKS = {"human": RUN_COLOURS[1], "benchmark": RUN_COLOURS[5], "not stated": PROXY_INK}


def provenance_figure(parts: pl.DataFrame, lines: Sequence[Line]) -> go.Figure | None:
    """Stacked areas of where the training text comes from, an arm a column.

    parts: the frame of ``analytics.loops.lineage.parts``.
    """
    shown = [line for line in lines if line.key in set(parts["loop"])]
    if not shown:
        return None
    figure = make_subplots(
        1, len(shown), shared_yaxes=True, horizontal_spacing=0.03,
    )  # fmt: skip
    last = max(int(str(parts["writer"].max())), 1)
    names = parts.select("part", "writer").unique().sort("writer", "part").rows()
    for column, line in enumerate(shown, 1):
        mine = parts.filter(loop=line.key)
        at = sorted(set(mine["iteration"]))
        for name, writer in names:
            share = dict(mine.filter(part=name).select("iteration", "share").iter_rows())
            if not share:
                continue
            figure.add_trace(
                go.Scatter(
                    x=at, y=[share.get(i, 0.0) for i in at], stackgroup="one", mode="lines",
                    line={"width": 0.5, "color": _ink(name, writer, last)}, name=plain(name),
                    fillcolor=_ink(name, writer, last), legendgroup=name,
                    showlegend=column == 1 or name not in _drawn(figure),
                    text=[percent(share.get(i, 0.0)) for i in at],
                    hovertemplate=f"{plain(name)}: %{{text}}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
    figure.update_yaxes(**percent_labels(), range=[0, 1], title_text="share of tokens", col=1)
    name_columns(figure, [line.label for line in shown])
    tick_columns(figure, len(shown), int(str(parts["iteration"].max())))
    figure.update_xaxes(title_text="iteration trained on it", col=1)
    figure.update_layout(
        height=400, hovermode="x unified", margin={"l": 60, "r": 10, "t": 60, "b": 100},
        legend={"traceorder": "normal", "orientation": "h", "x": 0, "y": -0.22, "yanchor": "top",
                "maxheight": 60},
    )  # fmt: skip
    return figure


def _drawn(figure: go.Figure) -> set[str]:
    return {str(trace.legendgroup) for trace in figure.data}


def _ink(name: str, writer: int, last: int) -> str:
    if name in PART_INKS or writer < 0:
        return PART_INKS.get(name, "#B5BEC7")
    return sequence(last + 1)[writer]
