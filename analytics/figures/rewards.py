"""The main chart: proxy and gold reward against KL, with the peak interval and the alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.ahead import draw_forecast, forecast_reach
from analytics.figures.axes import TITLES, place, single, ticks, x_of
from analytics.figures.curves import Panel, RunCurve, broken, panels_of, pooled, pooled_together
from analytics.figures.palette import PROXY_INK, run_dash, tinted
from analytics.figures.text import plain
from analytics.wording import number, spread, whole

Z90 = 1.6448536269514722
"""Half-width of a 90 % interval in standard errors."""

NAMED_LINES = 6
"""Up to so many runs carry their names at the ends of their lines."""

MARKED_RUNS = 3
"""Up to so many runs have their peak intervals and alarms in the chart."""

SINGLE_TRACES = 20
"""With more runs, runs of one colour share a trace: a browser draws few long traces faster."""


def shares_scale(base: Mapping[str, float | None] | None) -> bool:
    """Whether proxy and gold are both logged in standard deviations of the initial policy.

    True when both start with a mean within 0.25 of 0 and a spread between responses within a
    quarter of 1: then raw values can stand in one panel.
    """
    if not base:
        return False
    for key in ("proxy_reward", "gold_reward"):
        mean, sd = base.get(key), base.get(f"{key}_sd")
        if mean is None or sd is None or abs(mean) > 0.25 or not 0.75 <= sd <= 1.33:
            return False
    return True


def can_normalise(base: Mapping[str, float | None] | None) -> bool:
    """Whether the spread of proxy and gold at the start was logged (Gao et al. 2022, 2.2)."""
    return bool(base) and all(
        base.get(f"{key}_sd") for key in ("proxy_reward", "gold_reward") if base
    )


def reward_figure(
    runs: Sequence[RunCurve], axis: str, scale: str, panels: Sequence[Panel] | None = None
) -> go.Figure:
    """Draw proxy and gold of some runs over one axis.

    Args:
        runs: at least one; those without KL must be left out when ``axis`` is not "step".
        axis: "sqrt_kl", "kl" or "step".
        scale: "raw" or "sd" (both rewards in sd of the initial policy, base mean at 0).
        panels: what to draw under the rewards; None = every other column of the curves.

    Returns:
        One panel for both rewards where they share a scale, else one each, then those of
        ``panels`` that any run logged.
    """
    one_panel = scale == "sd" or all(shares_scale(run.base) for run in runs)
    if panels is None:
        panels = panels_of([run.curve for run in runs])
    below = [panel for panel in panels if any(_has(run.curve, panel[0]) for run in runs)]
    tops = 1 if one_panel else 2
    top_height, low_height = (400 if one_panel else 250), 105
    heights = [top_height] * tops + [low_height] * len(below)
    total = sum(heights) + 20 * len(heights) + 100
    figure = make_subplots(
        rows=len(heights), cols=1, shared_xaxes=True, row_heights=heights,
        vertical_spacing=20 / total,
    )  # fmt: skip
    proxy_row, gold_row = 1, tops
    alone = len(runs) == 1
    many = len(runs) > SINGLE_TRACES
    if many:
        draw_many(figure, runs, axis, "proxy_reward", scale, proxy_row)
        draw_many(figure, runs, axis, "gold_reward", scale, gold_row)
        for offset, (column, _, factor) in enumerate(below):
            draw_many(figure, runs, axis, column, scale, tops + 1 + offset, factor)
    for run in [] if many else runs:
        proxy_scale, gold_scale = _scales(run, scale)
        _draw_raw(figure, run, axis, "proxy_reward", proxy_scale, proxy_row, alone)
        _draw_raw(figure, run, axis, "gold_reward", gold_scale, gold_row, alone)
        _draw_proxy(figure, run, axis, proxy_scale, proxy_row, alone)
        _draw_gold(figure, run, axis, gold_scale, gold_row, alone, len(runs) <= NAMED_LINES)
        if len(runs) <= MARKED_RUNS:
            _mark_verdict(figure, run, axis, gold_scale, gold_row, alone)
        for offset, (column, _, factor) in enumerate(below):
            _draw_below(figure, run, axis, column, factor, tops + 1 + offset)
    unit = "sd of the initial policy" if scale == "sd" or one_panel else "as logged"
    if one_panel:
        figure.update_yaxes(title_text=f"reward, {unit}", row=1, col=1)
    else:
        figure.update_yaxes(title_text=f"proxy reward<br>{unit}", row=1, col=1)
        figure.update_yaxes(title_text=f"gold reward<br>{unit}", row=2, col=1)
    for offset, (_, title, _) in enumerate(below):
        figure.update_yaxes(title_text=title, row=tops + 1 + offset, col=1, rangemode="tozero")
    _finish_axis(figure, runs, axis, len(heights))
    figure.update_layout(
        height=total,
        margin={"l": 64, "r": 16, "t": 36, "b": 48},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 13}},
        hovermode="closest",
        showlegend=len(runs) <= 12,
        uirevision=f"{axis}|{scale}|{'|'.join(run.run_id for run in runs)}",
    )
    figure.update_yaxes(title_font={"size": 13}, zeroline=False, automargin=True)
    return figure


def draw_many(
    figure: go.Figure, runs: Sequence[RunCurve], axis: str, column: str, scale: str, row: int,
    factor: float = 1.0,
) -> None:  # fmt: skip
    """One line a run, the lines of one colour in one trace; hover names the run."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray, list[str]]]] = {}
    if column == "gold_reward":
        tables = {run.run_id: run.looks for run in runs}
    else:
        tables = pooled_together([run.curve for run in runs], column)
    for run in runs:
        rows = tables.get(run.run_id)
        if rows is None or not _has(rows, column):
            continue
        shift, divisor = 0.0, 1.0 / factor
        if column.endswith("_reward"):
            shift, divisor = _scales(run, scale)[column == "gold_reward"]
        values = _scaled(rows[column], (shift, divisor))
        said = [f"<b>{plain(run.run_id)}</b><br>{number(value)}" for value in values.tolist()]
        parts.setdefault(run.colour, []).append((x_of(rows, axis), values, said))
    for colour, lines in parts.items():
        gap = np.array([np.nan])
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([part for x, _, _ in lines for part in (x, gap)]),
                y=np.concatenate([part for _, y, _ in lines for part in (y, gap)]),
                text=[said for *_, texts in lines for said in (*texts, "")],
                mode="lines", line={"color": tinted(colour, 0.65), "width": 1.3},
                hovertemplate="%{text}<extra></extra>", showlegend=False,
            ),
            row=row, col=1,
        )  # fmt: skip


def _has(frame: pl.DataFrame, column: str) -> bool:
    return column in frame.columns and frame[column].count() > 0


def _scales(run: RunCurve, scale: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """(shift, divisor) of proxy and of gold."""
    if scale != "sd" or not run.base:
        return (0.0, 1.0), (0.0, 1.0)
    return tuple(  # type: ignore[return-value]
        (float(run.base.get(key) or 0.0), float(run.base.get(f"{key}_sd") or 1.0))
        for key in ("proxy_reward", "gold_reward")
    )


def _draw_raw(
    figure: go.Figure, run: RunCurve, axis: str, column: str, scale: tuple[float, float],
    row: int, alone: bool,
) -> None:  # fmt: skip
    """Every logged row (or bin of rows, in long runs) as a faint point, for a few runs only."""
    if not alone or not _has(run.curve, column):
        return
    rows = run.curve.filter(pl.col(column).is_not_null())
    ink = PROXY_INK if column == "proxy_reward" else run.colour
    figure.add_trace(
        go.Scatter(
            x=x_of(rows, axis),
            y=_scaled(rows[column], scale),
            mode="markers", marker={"size": 4, "color": tinted(ink, 0.28)},
            hoverinfo="skip", showlegend=False, name=f"{column} rows",
        ),
        row=row, col=1,
    )  # fmt: skip


def _draw_proxy(
    figure: go.Figure, run: RunCurve, axis: str, scale: tuple[float, float], row: int, alone: bool
) -> None:
    rows = run.looks if _has(run.looks, "proxy_reward") else pooled(run.curve, "proxy_reward")
    rows = rows.filter(pl.col("proxy_reward").is_not_null())
    if not rows.height:
        return
    rows = broken(rows)
    ink = PROXY_INK if alone else run.colour
    name = "proxy reward" if alone else f"{plain(run.run_id)}, proxy"
    y = _scaled(rows["proxy_reward"], scale)
    if alone:
        _name_line(figure, x_of(rows, axis), y, name, ink, row)
    figure.add_trace(
        go.Scatter(
            x=x_of(rows, axis), y=y, mode="lines",
            line={"color": ink, "width": 2, "dash": "dot"}, name=name,
            legendgroup=run.run_id, showlegend=alone,
            customdata=_hover_rows(rows, y),
            hovertemplate=f"<b>{plain(run.run_id)}</b><br>proxy %{{customdata[2]}}<br>"
            "KL %{customdata[0]} nats, steps %{customdata[1]}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _draw_gold(
    figure: go.Figure, run: RunCurve, axis: str, scale: tuple[float, float], row: int, alone: bool,
    few: bool,
) -> None:  # fmt: skip
    rows = run.looks
    if not _has(rows, "gold_reward"):
        return
    rows = broken(rows)
    y = _scaled(rows["gold_reward"], scale)
    if few:
        words = "gold reward" if alone else plain(run.run_id, 28)
        _name_line(figure, x_of(rows, axis), y, words, run.colour, row)
    bars = _scaled(rows["gold_se"] * Z90, (0.0, scale[1]))
    figure.add_trace(
        go.Scatter(
            x=x_of(rows, axis), y=y, mode="lines+markers",
            line={"color": run.colour, "width": 2.5, "dash": run_dash(run.ordinal)},
            marker={"size": 7, "color": run.colour},
            error_y={
                "type": "data", "array": np.nan_to_num(bars), "thickness": 1.2, "width": 0
            },
            name="gold reward" if alone else f"{plain(run.run_id)}, gold",
            legendgroup=run.run_id,
            customdata=_hover_rows(rows, y, bars),
            hovertemplate=f"<b>{plain(run.run_id)}</b><br>gold %{{customdata[2]}} "
            "(90 %)<br>KL %{customdata[0]} nats, steps %{customdata[1]}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _name_line(
    figure: go.Figure, x: np.ndarray, y: np.ndarray, words: str, ink: str, row: int
) -> None:
    """Write a line's name over its last point, so that the chart reads without the legend."""
    held = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not held.size:
        return
    at = int(np.argmax(x[held]))
    last, before = held[at], held[max(at - 1, 0)]
    # The name stretches to the left: over a line that rises to its end, under one that falls.
    rising = y[last] >= y[before]
    figure.add_annotation(
        x=float(x[last]), y=float(y[last]), text=words, showarrow=False, xanchor="right",
        yanchor="bottom" if rising else "top", yshift=6 if rising else -6,
        font={"size": 13, "color": ink}, row=row, col=1,
    )  # fmt: skip


def _mark_verdict(
    figure: go.Figure, run: RunCurve, axis: str, scale: tuple[float, float], row: int, alone: bool
) -> None:
    verdict = run.verdict
    peak, alarm = verdict.get("peak"), verdict.get("alarm")
    key = "step" if axis == "step" else "kl"
    if peak:
        low, high = place(peak.get(f"{key}_low"), axis), place(peak.get(f"{key}_high"), axis)
        ends = x_of(run.looks, axis) if run.looks.height else np.array([0.0])
        right = float(np.nanmax(ends, initial=low or 0.0)) if high is None else high
        if low is not None and right >= low:
            words = "gold peaks here (90 %)" if high is not None else "peak here or later (90 %)"
            figure.add_vrect(
                x0=low, x1=right, row="all", col=1, line_width=0,
                fillcolor=tinted(run.colour, 0.13 if high is not None else 0.07), layer="below",
            )  # fmt: skip
            if alone:
                # an open interval ends at the chart's edge: its words stand to the left of that
                middle = high is not None
                figure.add_annotation(
                    x=(low + right) / 2 if middle else right,
                    xanchor="center" if middle else "right",
                    y=1, yref="y domain" if row == 1 else f"y{row} domain",
                    yanchor="top", text=words, showarrow=False, row=row, col=1,
                    font={"size": 12, "color": run.colour},
                )  # fmt: skip
    if verdict.get("forecast") and axis != "step":
        draw_forecast(figure, verdict, run.colour, axis, scale, row, alone)
    if alarm:
        at = place(alarm.get(key), axis)
        if at is not None:
            figure.add_vline(
                x=at, row="all", col=1, line={"color": run.colour, "width": 1.5, "dash": "dash"}
            )
            figure.add_annotation(
                x=at, y=0, yref="y domain" if row == 1 else f"y{row} domain", yanchor="bottom",
                xanchor="left", text=f" {_alarm_words(alarm)}", showarrow=False,
                font={"size": 12, "color": run.colour}, row=row, col=1,
            )  # fmt: skip


def _alarm_words(alarm: Mapping[str, Any]) -> str:
    name = "alarm" if alarm.get("withdrawn") is None else "withdrawn alarm"
    return f"{name}: step {whole(alarm['step'])}"


def _draw_below(
    figure: go.Figure, run: RunCurve, axis: str, column: str, factor: float, row: int
) -> None:
    if not _has(run.curve, column):
        return
    rows = broken(pooled(run.curve, column))
    y = _scaled(rows[column], (0.0, 1.0 / factor))
    figure.add_trace(
        go.Scatter(
            x=x_of(rows, axis), y=y, mode="lines",
            line={"color": run.colour, "width": 1.8, "dash": run_dash(run.ordinal)},
            name=plain(run.run_id), legendgroup=run.run_id, showlegend=False,
            customdata=_hover_rows(rows, y),
            hovertemplate=f"<b>{plain(run.run_id)}</b><br>{column.replace('_', ' ')} "
            "%{customdata[2]}<br>KL %{customdata[0]} nats, steps %{customdata[1]}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _scaled(values: pl.Series, scale: tuple[float, float]) -> np.ndarray:
    shift, divisor = scale
    return single(((values.cast(pl.Float64) - shift) / divisor).to_numpy())


def _hover_rows(
    rows: pl.DataFrame, values: np.ndarray, halves: np.ndarray | None = None
) -> list[list[str]]:
    """KL, steps and value (± half of its interval) of each point, as text."""
    kl = rows["kl"].to_list() if "kl" in rows.columns else [None] * rows.height
    first, last = rows["step_start"].to_list(), rows["step_end"].to_list()
    reach = values * np.nan if halves is None else halves
    return [
        ["", "", ""] if a is None else
        [number(k), whole(a) if a == b else f"{whole(a)}–{whole(b)}", spread(y, half)]
        for k, a, b, y, half in zip(kl, first, last, values.tolist(), reach.tolist(), strict=True)
    ]  # fmt: skip


def _finish_axis(figure: go.Figure, runs: Sequence[RunCurve], axis: str, rows: int) -> None:
    figure.update_xaxes(title_text=TITLES[axis], row=rows, col=1)
    held = [x_of(frame, axis) for run in runs for frame in (run.curve, run.looks) if frame.height]
    if axis != "step" and len(runs) <= MARKED_RUNS:
        held += [forecast_reach(run.verdict, axis) for run in runs]
    x = np.concatenate([np.zeros(1, dtype=np.float32), *held])
    x = x[np.isfinite(x)]
    low, high = float(x.min()), float(x.max())
    # Said outright: left to itself the range makes room for the names at the ends of the lines.
    room = 0.02 * (high - low) or 1.0
    figure.update_xaxes(range=[low - room, high + room])
    if axis == "sqrt_kl":
        where, what = ticks(high**2, -(low**2))
        figure.update_xaxes(tickvals=where, ticktext=what)
    figure.update_xaxes(zeroline=False)
