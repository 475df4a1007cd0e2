"""Seeds of one setting: the mean of proxy and gold with its interval, and the runs behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl

from analytics.comparing.seeds import seed_band
from analytics.figures.drawing.axes import single, x_of
from analytics.figures.drawing.curves import RunCurve, pooled
from analytics.figures.drawing.gutter import Gutter, chip, short_names, width_for
from analytics.figures.drawing.palette import PROXY_INK, RUN_COLOURS, tinted
from analytics.figures.drawing.stacked import Stack, stacked
from analytics.figures.drawing.text import plain
from analytics.figures.rewards.marks import NAMED_ROWS, mark_runs, reach, strip_height
from analytics.wording import number, whole

DASH = {"proxy": "dot", "gold": "solid"}


def gold_curves(runs: Sequence[RunCurve], axis: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Gold of each run at its looks, places on the axis and values; runs without gold left out."""
    return [made for run in runs if (made := _curve(run, "gold_reward", axis)) is not None]


def band_figure(runs: Sequence[RunCurve], axis: str, tall: int = 300) -> go.Figure:
    """Proxy and gold as logged, mean over the runs with a 90 % interval, and where each peaks.

    Args:
        runs: seeds of one setting.
        axis: "sqrt_kl", "kl" or "step".
        tall: height of each panel, pixels.
    """
    names = short_names([run.run_id for run in runs])
    gutter = width_for([*names, "mean"]) if len(runs) <= NAMED_ROWS else 60
    stack = stacked([tall, tall], strip_height(runs), gutter, axis, legend=False)
    reach(stack, runs, axis)
    labels = Gutter(stack)
    for panel, (column, colour) in enumerate(
        (("proxy_reward", PROXY_INK), ("gold_reward", RUN_COLOURS[0]))
    ):
        kind = column.removesuffix("_reward")
        curves = []
        for run in runs:
            if (made := _curve(run, column, axis)) is None:
                continue
            curves.append(made)
            labels.drawn(panel, made[1])
            stack.figure.add_trace(
                go.Scatter(
                    x=made[0], y=made[1], mode="lines", showlegend=False, name=plain(run.run_id),
                    line={"color": tinted(colour, 0.45), "width": 1, "dash": DASH[kind]},
                    hoverinfo="skip", meta={"role": f"one {kind}"}, xaxis="x",
                    yaxis=stack.panel(panel),
                )
            )  # fmt: skip
        band = seed_band(curves)
        if band.height:
            _draw_band(stack, band, colour, kind, panel)
            x, y = band["x"].to_numpy(), band["mean"].to_numpy()
            labels.name(panel, x, y, chip(colour, "mean"))
        stack.figure.layout[
            f"yaxis{panel + 1 if panel else ''}"
        ].title.text = f"{kind} reward<br>as logged"
    labels.write()
    mark_runs(stack, runs, axis, lined=False)
    stack.figure.update_layout(
        uirevision=f"band|{axis}|{'|'.join(run.run_id for run in runs)}", hovermode="x unified"
    )
    return stack.figure


def _curve(run: RunCurve, column: str, axis: str) -> tuple[np.ndarray, np.ndarray] | None:
    rows = run.looks if column == "gold_reward" else pooled(run.curve, column)
    if column not in rows.columns:
        return None
    rows = rows.filter(pl.col(column).is_not_null())
    if not rows.height:
        return None
    return x_of(rows, axis), single(rows[column].cast(pl.Float64).to_numpy())


def _draw_band(stack: Stack, band: pl.DataFrame, colour: str, kind: str, panel: int) -> None:
    x = band["x"].to_numpy()
    edges = np.concatenate([band["high"].to_numpy(), band["low"].to_numpy()[::-1]])
    n = whole(band["n"][0])
    axes = {"xaxis": "x", "yaxis": stack.panel(panel), "legendgroup": kind}
    stack.figure.add_trace(
        go.Scatter(
            x=np.concatenate([x, x[::-1]]), y=edges, fill="toself", mode="lines",
            line={"width": 0}, fillcolor=tinted(colour, 0.18), hoverinfo="skip",
            name=f"90 % interval of the mean (t, N = {n} runs)", meta={"role": "interval"}, **axes,
        )
    )  # fmt: skip
    words = f"{kind} reward, mean of N = {n} runs"
    stack.figure.add_trace(
        go.Scatter(
            x=x, y=band["mean"].to_numpy(), mode="lines", name=words,
            line={"color": colour, "width": 3, "dash": DASH[kind]}, meta={"role": f"mean {kind}"},
            customdata=[[number(value)] for value in band["mean"]],
            hovertemplate=f"{words}: %{{customdata[0]}}<extra></extra>", **axes,
        )
    )  # fmt: skip
