"""What a verdict marks in a chart: where gold peaks, the alarm, the forecast, saved checkpoints.

One run has words over its marks, a lane each; several have a row each on a strip over the panels,
any number of them, and up to LINED also have their marks through all panels. The words of a caption
are made from what was drawn (captions.py); what could not be drawn is kept in ``left_out``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analytics.figures.drawing.axes import ticks, x_of
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.gutter import chip, short_names
from analytics.figures.drawing.palette import tinted
from analytics.figures.drawing.placed import Mark, marks_of, place_of_step
from analytics.figures.drawing.stacked import STRIP, Stack
from analytics.figures.drawing.text import plain
from analytics.figures.rewards.ahead import forecast_reach
from analytics.wording import MISSING, interval, number, steps, whole

LINED = 3
"""Up to so many runs have their marks through all panels."""
SIGN = 5
"""Pixels from the middle of a sign to its edge."""
LANE, ROW, NAMED_ROWS, HIGHEST = 17, 15, 24, 320
"""Pixels of a lane and of a run's row; with more runs than NAMED_ROWS rows are thin and nameless,
and the strip is no higher than HIGHEST."""


def strip_height(runs: Sequence[RunCurve]) -> int:
    """Pixels of the strip that these runs need."""
    if len(runs) > 1:
        return min(ROW * len(runs) + 6, HIGHEST)
    verdict = runs[0].verdict
    lanes = [bool(verdict.get(name)) for name in ("peak", "alarm", "forecast")]
    return LANE * (sum(lanes) + bool(runs[0].checkpoints))


def mark_runs(stack: Stack, runs: Sequence[RunCurve], axis: str, lined: bool = True) -> None:
    """Draw the marks of all runs, and keep in words which are left out.

    ``lined``: through all panels too, where there are few runs.
    """
    made = []
    for run, name in zip(runs, short_names([run.run_id for run in runs]), strict=True):
        ends = x_of(run.looks, axis) if run.looks.height else np.array([np.nan])
        finite = ends[np.isfinite(ends)]
        mark, missing = marks_of(run, axis, float(finite.max()) if finite.size else -np.inf)
        made.append(mark)
        stack.figure.layout.meta["left_out"] += [f"{what} of {name}" for what in missing]
    if lined and len(made) <= LINED:
        for mark in made:
            _through_panels(stack, mark)
    if len(made) == 1:
        _lanes(stack, made[0])
    else:
        _rows(stack, made)


def reach(stack: Stack, runs: Sequence[RunCurve], axis: str) -> None:
    """Say the range of the x axis outright, with room for marks ahead of the lines, and its ticks.

    Left to itself the range makes room for labels.
    """
    places = [x_of(frame, axis) for run in runs for frame in (run.curve, run.looks) if frame.height]
    if axis != "step":
        few = 2 if len(runs) <= LINED else 1  # the forecast's interval is drawn of a few runs only
        places += [forecast_reach(run.verdict, axis)[:few] for run in runs]
    saved = [place_of_step(run, step, axis) for run in runs for step in run.checkpoints]
    x = np.concatenate([np.zeros(1), *places, np.array([s for s in saved if s is not None])])
    x = x[np.isfinite(x)]
    low, high = float(x.min()), float(x.max())
    room = 0.02 * (high - low) or 1.0
    stack.figure.update_xaxes(range=[low - room, high + room])
    if axis == "sqrt_kl":
        where, what = ticks(high**2, -(low**2))
        stack.figure.update_xaxes(tickvals=where, ticktext=what)
        # For a browser, which reckons them anew where it shows another range (ticks.js).
        stack.figure.layout.meta |= {"range": [low - room, high + room], "ticks": [where, what]}


def _through_panels(stack: Stack, mark: Mark) -> None:
    colour = mark.run.colour
    if mark.low is not None:
        stack.figure.add_shape(
            type="rect", name="peak", x0=mark.low, x1=mark.high, xref="x", y0=0,
            y1=stack.under, yref="paper", line={"width": 0}, layer="below",
            fillcolor=tinted(colour, 0.08 if mark.open_end else 0.14),
        )  # fmt: skip
    if mark.alarm is not None:
        stack.figure.add_shape(
            type="line", name="withdrawn alarm" if mark.withdrawn else "alarm", x0=mark.alarm,
            x1=mark.alarm, xref="x", y0=0, y1=stack.under, yref="paper",
            line={"color": colour, "width": 1.5},
        )  # fmt: skip


def _lanes(stack: Stack, mark: Mark) -> None:
    """Words over the marks of one run, each in a lane of its own, so that none meets another.

    The sign of an alarm or a forecast stands where the alarm does, its words beside it.
    """
    verdict, words = mark.run.verdict, []
    if mark.low is not None and mark.high is not None:
        label = "peak here or later (90 %)" if mark.open_end else "gold peaks here (90 %)"
        words.append(((mark.low + mark.high) / 2, label, "▬"))
    if mark.alarm is not None:
        name = "withdrawn alarm" if mark.withdrawn else "alarm"
        label = f"{name}: step {whole(verdict['alarm']['step'])}"
        words.append((mark.alarm, label, "│"))
    if mark.forecast is not None:
        made = verdict["forecast"]
        label = f"forecast: peak at KL {number(made['kl'])}"
        words.append((mark.forecast, label, "◇"))
    left, right = stack.figure.layout.xaxis.range
    lanes = len(words) + bool(mark.saved)
    if not lanes:
        return
    for lane, (x, label, sign) in enumerate(reversed(words), start=bool(mark.saved)):
        share = (x - left) / (right - left or 1.0)
        end = share > 0.7  # the words stand before the sign, for there is no room behind it
        look: dict[str, str | float | int]
        if sign == "▬":
            look = {"xanchor": "left" if share < 0.3 else "right" if end else "center"}
        else:
            look = {"xanchor": "right" if end else "left", "xshift": SIGN if end else -SIGN}
        text = chip(mark.run.colour, label, sign, after=end and sign != "▬")
        stack.figure.add_annotation(
            x=x, xref="x", y=lane + 0.5, yref=STRIP, text=text, showarrow=False, font={"size": 12},
            name="mark", **look,
        )  # fmt: skip
    _saved(stack, [(mark, 0.5)], (left, right))
    axis = stack.figure.layout[f"yaxis{STRIP[1:]}"]
    axis.update(range=[0, lanes])
    if mark.saved:
        axis.update(showticklabels=True, tickvals=[0.5], ticktext=["saved"],
                    tickfont={"size": 12})  # fmt: skip


def _rows(stack: Stack, marks: Sequence[Mark]) -> None:
    """A row of the strip a run, the first on top."""
    rows = {id(mark): len(marks) - 1 - place + 0.5 for place, mark in enumerate(marks)}
    many = len(marks) > NAMED_ROWS
    peaks = [mark for mark in marks if mark.low is not None]
    bars: dict[str, list[Mark]] = {}
    for mark in peaks:
        bars.setdefault(mark.run.colour, []).append(mark)
    for colour, some in bars.items():
        x = [end for mark in some for end in (mark.low, mark.high, None)]
        y = [at for mark in some for at in (rows[id(mark)], rows[id(mark)], None)]
        _add(stack, x, y, [text for mark in some for text in (_words(mark), _words(mark), "")],
             "peak", mode="lines", line={"color": colour, "width": 2 if many else 6})  # fmt: skip
    some = [mark for mark in peaks if mark.open_end]
    _points(stack, some, [mark.high for mark in some], rows, "open peak", "triangle-right",
            5 if many else 9)  # fmt: skip
    for role, gone in (("alarm", False), ("withdrawn alarm", True)):
        some = [mark for mark in marks if mark.alarm is not None and mark.withdrawn is gone]
        _points(stack, some, [mark.alarm for mark in some], rows, role,
                "triangle-down-open" if gone else "triangle-down", 5 if many else 10)  # fmt: skip
    some = [mark for mark in marks if mark.forecast is not None]
    _points(stack, some, [mark.forecast for mark in some], rows, "forecast", "diamond-open",
            5 if many else 9)  # fmt: skip
    if not many:
        _saved(stack, [(mark, rows[id(mark)]) for mark in marks])
    axis = stack.figure.layout[f"yaxis{STRIP[1:]}"]
    axis.update(range=[0, len(marks)])
    if not many:
        names = short_names([mark.run.run_id for mark in marks])
        axis.update(
            showticklabels=True, tickvals=[rows[id(mark)] for mark in marks],
            ticktext=[chip(m.run.colour, name) for m, name in zip(marks, names, strict=True)],
            tickfont={"size": 12},
        )  # fmt: skip


def _points(
    stack: Stack, marks: Sequence[Mark], x: Sequence[float | None], rows: Mapping[int, float],
    role: str, symbol: str, size: int,
) -> None:  # fmt: skip
    if marks:
        ink = [mark.run.colour for mark in marks]
        _add(stack, list(x), [rows[id(mark)] for mark in marks], [_words(mark) for mark in marks],
             role, mode="markers",
             marker={"symbol": symbol, "size": size, "color": ink, "line": {"color": ink}},
             )  # fmt: skip


def _saved(
    stack: Stack, rows: Sequence[tuple[Mark, float]], reach: tuple[float, float] | None = None
) -> None:
    """Saved checkpoints as ticks; the one that is the candidate is a star.

    ``reach``: of the axis, where there is room to write the steps beside the ticks.
    """
    marks = [(x, row, name, mark) for mark, row in rows for x, name in mark.saved]
    called = {id(mark): _named(mark) if len(rows) > 1 else "" for mark, _ in rows}
    if marks:
        ink = [mark.run.colour for *_, mark in marks]
        look = {"symbol": "line-ns-open", "size": 9, "color": ink,
                "line": {"width": 2, "color": ink}}  # fmt: skip
        _add(
            stack, [x for x, *_ in marks], [row for _, row, *_ in marks],
            [f"{called[id(mark)]}saved: {name}" for *_, name, mark in marks], "saved",
            mode="markers", marker=look,
        )  # fmt: skip
    if reach is not None:
        for mark, row in rows:
            _steps_beside(stack, mark, row, reach)
    chosen = [(mark, row) for mark, row in rows if mark.candidate is not None]
    if chosen:
        ink = [mark.run.colour for mark, _ in chosen]
        _add(stack, [mark.candidate for mark, _ in chosen], [row for _, row in chosen],
             [f"{called[id(mark)]}candidate" for mark, _ in chosen], "candidate", mode="markers",
             marker={"symbol": "star", "size": 12, "color": ink})  # fmt: skip


def _steps_beside(stack: Stack, mark: Mark, row: float, reach: tuple[float, float]) -> None:
    """The steps of saved checkpoints beside their ticks: the candidate's, then those with room."""
    left, right = reach
    taken = [(x - left) / (right - left or 1.0) for x, _ in mark.saved]
    chosen = [at for at, (x, _) in enumerate(mark.saved) if x == mark.candidate]
    kept: list[tuple[float, float]] = []
    for at in [*chosen, *(i for i in range(len(taken)) if i not in chosen)]:
        x, name = mark.saved[at]
        step = name.removeprefix("checkpoint-")
        room = 0.03 + 0.022 * len(step)  # of a phone's width
        before = taken[at] + room > 1.0
        low, high = (taken[at] - room, taken[at]) if before else (taken[at], taken[at] + room)
        met = any(low < b and a < high for a, b in kept)
        covers = any(low < other < high for i, other in enumerate(taken) if i != at)
        if met or covers:
            continue
        kept.append((low, high))
        stack.figure.add_annotation(
            x=x, xref="x", y=row, yref=STRIP, text=step, showarrow=False, font={"size": 11},
            xanchor="right" if before else "left", xshift=-SIGN if before else SIGN, name="mark",
        )  # fmt: skip


def _named(mark: Mark) -> str:
    return f"<b>{plain(mark.run.run_id)}</b><br>"


def _add(
    stack: Stack, x: Sequence[Any], y: Sequence[Any], texts: Sequence[str], role: str, **look: Any
) -> None:
    stack.figure.add_trace(
        go.Scatter(
            x=np.array(x, dtype=np.float64), y=np.array(y, dtype=np.float64), text=list(texts),
            hovertemplate="%{text}<extra></extra>", showlegend=False, xaxis="x", yaxis=STRIP,
            meta={"role": role}, **look,
        )
    )  # fmt: skip


def _words(mark: Mark) -> str:
    """Peak, alarm and forecast of a run in words, for the strip's tooltip."""
    verdict, lines = mark.run.verdict, []
    peak, alarm, made = (verdict.get(name) or {} for name in ("peak", "alarm", "forecast"))
    if peak.get("kl_low") is not None:
        lines.append(f"gold peaks at KL {interval(peak['kl_low'], peak.get('kl_high'), 'nats')}")
    elif peak.get("step_low") is not None:
        lines.append(f"gold peaks at {steps(peak['step_low'], peak.get('step_high'))}")
    if alarm:
        name = "withdrawn alarm" if mark.withdrawn else "alarm"
        lines.append(f"{name}: step {whole(alarm['step'])}")
    if made:
        lines.append(f"forecast: peak at KL {number(made['kl'])}")
    return f"{_named(mark)}{', '.join(lines) or MISSING}"
