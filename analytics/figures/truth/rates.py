"""Wrong answers over iterations, steps or KL: a panel a measure, one origin a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.drawing.axes import TITLES, percent_labels, signed_root, ticks
from analytics.figures.drawing.text import plain
from analytics.wording import number, rate_interval, rate_text, whole, with_interval

DENOMINATORS = {
    "all": ("rate", "low", "high", "of all graded"),
    "attempted": ("rate_of_attempted", "attempted_low", "attempted_high", "of attempted"),
}
"""Choice to (value, low, high, words)."""

NAMED_LINES, LONGEST_NAME = 6, 18
"""Up to so many lines carry their names at their ends, where the names are not longer."""

PANEL = 165
"""Height of a panel in pixels; of more than four a little less."""


@dataclass(frozen=True)
class Line:
    """One line of a figure: the value of the column `line` it draws, and how it looks."""

    key: str
    label: str
    colour: str
    dash: str = "solid"


@dataclass(frozen=True)
class Panel:
    """One panel: columns of value and interval, a title with its unit, the top of its axis.

    `part` names a column that is a part of the value, drawn dotted (malformed of wrong).
    """

    value: str
    title: str
    low: str | None = None
    high: str | None = None
    part: str | None = None
    part_words: str = ""
    top: float | None = None
    share: bool = True


REWARDS = (
    Panel("gold_reward", "gold reward<br>as logged", "gold_low", "gold_high", share=False),
    Panel("proxy_reward", "proxy reward<br>as logged", share=False),
)
"""The rewards of the same models, beside their rates."""
KL_PANEL = Panel("kl", "KL, nats<br>per response", share=False)


def wrong_panels(denominator: str, tau: float, tops: Mapping[str, float]) -> list[Panel]:
    """Wrong, confidently wrong and abstained answers as panels of `rates`.

    Args:
        denominator: a key of DENOMINATORS.
        tau: confidence from which a wrong answer is a confident one.
        tops: largest value of a column, so that figures beside each other share their scale.
    """
    value, low, high, words = DENOMINATORS[denominator]
    part = "malformed_rate" if denominator == "all" else None
    return [
        Panel(value, f"wrong<br>{words}", low, high, part, "of these malformed", tops.get(value)),
        Panel(
            "confident", f"wrong with confidence<br>≥ {number(tau)}, of all graded",
            "confident_low", "confident_high", "confident_malformed_rate", "of these malformed",
            tops.get("confident"),
        ),
        Panel("not_attempted_rate", "not attempted<br>of all graded",
              top=tops.get("not_attempted_rate")),
        Panel("mean_confidence", "mean confidence<br>of all graded", share=False),
    ]  # fmt: skip


def beside_origins(
    points: pl.DataFrame, panel: Panel, origins: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Panel]]:
    """One measure, a panel an origin on one scale, for `rate_figure`.

    Args:
        points: as for `rate_figure`, with a column origin.
        panel: the measure.
        origins: to the title of each one's panel, from the top.

    Returns:
        The points with each origin's values in columns of their own, and the panels that draw them.
    """
    columns = [name for name in (panel.value, panel.low, panel.high, panel.part)
               if name and name in points.columns]  # fmt: skip
    parts = [
        points.filter(pl.col("origin") == origin)
        .with_columns(pl.col(name).alias(f"{name} {place}") for name in columns)
        .drop(columns)
        for place, origin in enumerate(origins)
    ]

    def own(name: str | None, place: int) -> str | None:
        return f"{name} {place}" if name in columns else None

    panels = [
        replace(panel, value=f"{panel.value} {i}", title=title, low=own(panel.low, i),
                high=own(panel.high, i), part=own(panel.part, i))
        for i, title in enumerate(origins.values())
    ]  # fmt: skip
    return pl.concat(parts, how="diagonal_relaxed"), panels


def rate_figure(
    points: pl.DataFrame,
    lines: Sequence[Line],
    panels: Sequence[Panel],
    axis: str = "iteration",
    x_title: str = "iteration",
    peaks: Sequence[tuple[float, float | None]] = (),
    keyed: bool = True,
) -> go.Figure:
    """Measures below each other over one axis, with 95 % intervals.

    Args:
        points: line, iteration, kl (nats, null = not measured), and the panels' columns.
        lines: in the order of their drawing.
        panels: from the top; one without any value is left out.
        axis: "iteration" or "sqrt_kl".
        x_title: what the iterations count: iteration or step.
        peaks: where gold peaks on the axis, in its own unit (iteration, or nats), to be shaded;
            an open end is None.
        keyed: whether the figure says which line is whose; not where its neighbour does.
    """
    shown = [p for p in panels if p.value in points.columns and points[p.value].count()]
    rows = max(len(shown), 1)
    height = (PANEL if rows <= 4 else 140) * rows + 70
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=16 / height)
    short = len(lines) <= NAMED_LINES and all(len(e.label) <= LONGEST_NAME for e in lines)
    named = keyed and short
    places = _places(points, axis)
    for row, panel in enumerate(shown, start=1):
        ends: list[tuple[float, float, Line]] = []
        for line in lines:
            mine = points["line"] == line.key
            seen = (mine & points[panel.value].is_not_null()).to_numpy() & np.isfinite(places)
            part, x = points.filter(pl.Series(seen)), places[seen]
            if not part.height:
                continue
            legend = keyed and row == 1 and not named and len(lines) > 1
            ends.append(
                _draw(
                    figure,
                    part=part,
                    x=x,
                    line=line,
                    panel=panel,
                    row=row,
                    legend=legend,
                    x_title=x_title,
                )
            )
        _axis_of(figure, panel, points, row)
        if named and row == 1:
            _name_ends(figure, ends, row, panel, points)
    for low, high in peaks:
        reach = float(np.nanmax(places)) if np.isfinite(places).any() else 0.0
        left = signed_root(low) if axis == "sqrt_kl" else low
        right = reach if high is None else signed_root(high) if axis == "sqrt_kl" else high
        figure.add_vrect(x0=left, x1=max(right, left), fillcolor="#7F7F7F", opacity=0.16,
                         line_width=0, layer="below")  # fmt: skip
    _x_axis(figure, points, places, axis, x_title, rows)
    longest = max((len(line.label) for line in lines), default=0)
    figure.update_layout(
        height=height,
        margin={"l": 58, "r": 34 + 7 * longest if named and len(lines) > 1 else 20,
                "t": 26, "b": 44},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "maxheight": 60},
        uirevision=f"{axis}|{'|'.join(line.key for line in lines)}",
    )  # fmt: skip
    return figure


def _places(points: pl.DataFrame, axis: str) -> np.ndarray:
    if axis != "sqrt_kl":
        return points["iteration"].cast(pl.Float64).to_numpy()
    kl = points["kl"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.asarray(np.sign(kl) * np.sqrt(np.abs(kl)))


def _draw(
    figure: go.Figure, part: pl.DataFrame, x: np.ndarray, line: Line, panel: Panel, row: int,
    legend: bool, x_title: str,
) -> tuple[float, float, Line]:  # fmt: skip
    order = np.argsort(x, kind="stable")
    part, x = part[order], x[order]
    y = _numbers(part, panel.value)
    trace = go.Scatter(
        x=x, y=y, mode="lines+markers", name=plain(line.label), legendgroup=line.key,
        showlegend=legend, line={"color": line.colour, "width": 2.2, "dash": line.dash},
        marker={"size": 5, "color": line.colour},
    )  # fmt: skip
    if panel.low and panel.high and panel.low in part.columns:
        low, high = _numbers(part, panel.low), _numbers(part, panel.high)
        trace.error_y = {"type": "data", "array": high - y, "arrayminus": y - low, "width": 0,
                         "thickness": 1.1}  # fmt: skip
    trace.text = _hover(part, panel, x_title)
    trace.hovertemplate = f"<b>{plain(line.label)}</b>, %{{text}}<extra></extra>"
    figure.add_trace(trace, row=row, col=1)
    if panel.part and panel.part in part.columns and (_numbers(part, panel.part) > 0).any():
        figure.add_trace(
            go.Scatter(
                x=x, y=_numbers(part, panel.part), mode="lines", showlegend=False,
                legendgroup=line.key, line={"color": line.colour, "width": 1.4, "dash": "dot"},
                text=[rate_text(value) if panel.share else number(value)
                      for value in part[panel.part]],
                hovertemplate=f"<b>{plain(line.label)}</b>, {panel.part_words} %{{text}}"
                "<extra></extra>",
            ),
            row=row, col=1,
        )  # fmt: skip
    last = int(np.flatnonzero(np.isfinite(y))[-1])
    return float(x[last]), float(y[last]), line


def _hover(part: pl.DataFrame, panel: Panel, x_title: str) -> list[str]:
    """What each point says of itself: where it is, its value with the interval, and n."""
    texts = []
    for row in part.iter_rows(named=True):
        value = row[panel.value]
        ends = (row.get(panel.low or ""), row.get(panel.high or ""))
        text = rate_interval(value, *ends) if panel.share else number(value)
        if not panel.share and ends != (None, None):
            text = with_interval(value, *ends)
        n = f", n = {whole(row['n'])}" if "n" in row else ""
        texts.append(f"{x_title} {whole(row['iteration'])}<br>{text}{n}")
    return texts


def _name_ends(
    figure: go.Figure, ends: list[tuple[float, float, Line]], row: int, panel: Panel,
    points: pl.DataFrame,
) -> None:  # fmt: skip
    """Names beside the last points, pushed apart so that none hides another."""
    if len(ends) < 2:
        return
    reach = _top(panel, points)
    if not panel.share:
        values = points[panel.value].drop_nulls()
        reach = float(values.max()) - float(values.min())  # type: ignore[arg-type]
    gap, below = 0.13 * (reach or 1.0), -np.inf
    for _, y, line in sorted(ends, key=lambda end: end[1]):
        below = max(y, below + gap)
        figure.add_annotation(
            x=1.01, xref="x domain", y=below, showarrow=False, xanchor="left",
            # The mark has the line's colour, the name the text's: not every colour can be read.
            text=f'<span style="color:{line.colour}">●</span> {plain(line.label, LONGEST_NAME)}',
            font={"size": 12},
            row=row, col=1,
        )  # fmt: skip


def _axis_of(figure: go.Figure, panel: Panel, points: pl.DataFrame, row: int) -> None:
    figure.update_yaxes(
        title_text=panel.title, title_font={"size": 11.5}, zeroline=False, automargin=True,
        nticks=5, row=row, col=1,
    )  # fmt: skip
    if panel.share:
        top = _top(panel, points)
        figure.update_yaxes(range=[0, min(top, 1.05)], row=row, col=1,
                            **percent_labels(0 if top > 0.08 else 1))  # fmt: skip


def _top(panel: Panel, points: pl.DataFrame) -> float:
    high = points[panel.high or panel.value].max() if panel.top is None else panel.top
    return max(float(high or 0.0) * 1.06, 0.02)  # type: ignore[arg-type]


def _x_axis(
    figure: go.Figure, points: pl.DataFrame, places: np.ndarray, axis: str, x_title: str, rows: int
) -> None:
    figure.update_xaxes(zeroline=False, showgrid=True)
    title = TITLES["sqrt_kl"] if axis == "sqrt_kl" else x_title
    figure.update_xaxes(title_text=title, title_font={"size": 12}, row=rows, col=1)
    if axis == "sqrt_kl":
        reach = float(np.nanmax(places)) if np.isfinite(places).any() else 1.0
        where, words = ticks(reach**2, width=8)
        figure.update_xaxes(tickvals=where, ticktext=words)
    elif points["iteration"].n_unique() <= 12:
        figure.update_xaxes(tickvals=points["iteration"].unique().sort().to_numpy(),
                            tickformat=",d")  # fmt: skip


def _numbers(frame: pl.DataFrame, column: str) -> np.ndarray:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
