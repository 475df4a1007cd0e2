"""The lines of a run in the main chart: gold solid with points, proxy dotted, whoever's they are.

A line style means one thing; runs of one colour differ by their points.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import polars as pl

from analytics.figures.drawing.axes import x_of
from analytics.figures.drawing.curves import RunCurve, broken, pooled
from analytics.figures.drawing.gutter import Gutter, chip
from analytics.figures.drawing.palette import PROXY_INK, run_symbol
from analytics.figures.drawing.scales import Scale, scaled
from analytics.figures.drawing.stacked import Stack
from analytics.figures.drawing.text import plain
from analytics.wording import number, spread, whole

Z90 = 1.6448536269514722
"""Half-width of a 90 % interval in standard errors."""


def has(frame: pl.DataFrame, column: str) -> bool:
    """Whether a frame has any value in a column."""
    return column in frame.columns and frame[column].count() > 0


class Lines:
    """Draws runs into the panels of a stack."""

    def __init__(self, stack: Stack, gutter: Gutter, axis: str, alone: bool, short: str) -> None:
        """Of one run: ``alone`` where it has the chart to itself; ``short``, its name, or "".

        A name that is "" is not written beside the lines.
        """
        self.stack, self.gutter, self.axis, self.alone = stack, gutter, axis, alone
        self.short = short

    def rows(self, run: RunCurve, column: str, scale: Scale, panel: int) -> None:
        """Every logged row (or bin of rows, in long runs) as a faint point, of a run alone."""
        if not self.alone or not has(run.curve, column):
            return
        rows = run.curve.filter(pl.col(column).is_not_null())
        ink = PROXY_INK if column == "proxy_reward" else run.colour
        y = scaled(rows[column], scale)
        self.gutter.drawn(panel, y)
        marker = {"size": 4, "color": ink, "opacity": 0.28}
        self._add(panel, "rows", x=x_of(rows, self.axis), y=y, mode="markers", marker=marker,
                  hoverinfo="skip", showlegend=False, name=f"{column} rows")  # fmt: skip

    def proxy(self, run: RunCurve, scale: Scale, panel: int) -> None:
        """The proxy, dotted: at the looks of gold where it has values there, else pooled."""
        looked = has(run.looks, "proxy_reward")
        rows = run.looks if looked else pooled(run.curve, "proxy_reward")
        rows = rows.filter(pl.col("proxy_reward").is_not_null())
        if not rows.height:
            return
        rows = broken(rows)
        ink = PROXY_INK if self.alone else run.colour
        x, y = x_of(rows, self.axis), scaled(rows["proxy_reward"], scale)
        self.gutter.drawn(panel, y)
        if self.alone:
            self.gutter.name(panel, x, y, chip(ink, "proxy", "┄"))
        self._add(
            panel, "proxy", x=x, y=y, mode="lines", line={"color": ink, "width": 2, "dash": "dot"},
            name="proxy reward" if self.alone else f"{plain(run.run_id)}, proxy",
            legendgroup=run.run_id, showlegend=self.alone, customdata=hover_rows(rows, y),
            hovertemplate=self._hover(run, "proxy %{customdata[2]}"),
        )  # fmt: skip

    def gold(self, run: RunCurve, scale: Scale, panel: int) -> None:
        """Gold at its looks with 90 % intervals, solid with points."""
        if not has(run.looks, "gold_reward"):
            return
        rows = broken(run.looks)
        x, y = x_of(rows, self.axis), scaled(rows["gold_reward"], scale)
        bars = scaled(rows["gold_se"] * Z90, (0.0, scale[1]))
        for end in (y - np.nan_to_num(bars), y + np.nan_to_num(bars)):
            self.gutter.drawn(panel, end)
        if self.short:
            self.gutter.name(panel, x, y, chip(run.colour, self.short))
        self._add(
            panel, "gold", x=x, y=y, mode="lines+markers",
            line={"color": run.colour, "width": 2.5},
            marker={"size": 7, "color": run.colour, "symbol": run_symbol(run.ordinal)},
            error_y={
                "type": "data", "array": np.nan_to_num(bars), "thickness": 1.2, "width": 0
            },
            name="gold reward" if self.alone else f"{plain(run.run_id)}, gold",
            legendgroup=run.run_id, customdata=hover_rows(rows, y, bars),
            hovertemplate=self._hover(run, "gold %{customdata[2]} (90 %)"),
        )  # fmt: skip

    def below(self, run: RunCurve, column: str, factor: float, panel: int) -> None:
        """Another column in a panel of its own."""
        if not has(run.curve, column):
            return
        rows = broken(pooled(run.curve, column))
        y = scaled(rows[column], (0.0, 1.0 / factor))
        words = f"{column.replace('_', ' ')} %{{customdata[2]}}"
        self._add(
            panel, "below", x=x_of(rows, self.axis), y=y, mode="lines",
            line={"color": run.colour, "width": 1.8},
            name=plain(run.run_id), legendgroup=run.run_id, showlegend=False,
            customdata=hover_rows(rows, y), hovertemplate=self._hover(run, words),
        )  # fmt: skip

    def _hover(self, run: RunCurve, words: str) -> str:
        whose = "" if self.alone else f"<b>{plain(run.run_id, 28)}</b> "
        return f"{whose}{words}, KL %{{customdata[0]}}, steps %{{customdata[1]}}<extra></extra>"

    def _add(self, panel: int, role: str, **trace: object) -> None:
        axes = {"xaxis": "x", "yaxis": self.stack.panel(panel), "meta": {"role": role}}
        self.stack.figure.add_trace(go.Scatter(**axes, **trace))


def hover_rows(
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
