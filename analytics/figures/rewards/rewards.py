"""The main chart: proxy and gold reward against KL, with where gold peaks and the alarm."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from analytics.figures.drawing.curves import Panel, RunCurve, panels_of
from analytics.figures.drawing.gutter import Gutter, short_names, width_for
from analytics.figures.drawing.scales import can_normalise as can_normalise
from analytics.figures.drawing.scales import scales, shares_scale
from analytics.figures.drawing.stacked import Stack, stacked
from analytics.figures.rewards.ahead import draw_forecast
from analytics.figures.rewards.lines import Lines, has
from analytics.figures.rewards.many_lines import draw_many
from analytics.figures.rewards.marks import LINED, NAMED_ROWS, mark_runs, reach, strip_height

NAMED_LINES = 6
"""Up to so many runs carry their names at the ends of their lines, and share a crosshair."""

LEGEND_RUNS = 12
"""Up to so many runs stand in a legend, where a line can be hidden."""

SINGLE_TRACES = 20
"""With more runs, runs of one colour share a trace: a browser draws few long traces faster."""


def reward_figure(
    runs: Sequence[RunCurve], axis: str, scale: str, panels: Sequence[Panel] | None = None,
    tall: int = 400,
) -> go.Figure:  # fmt: skip
    """Draw proxy and gold of some runs over one axis.

    Args:
        runs: at least one; those without KL must be left out when ``axis`` is not "step".
        axis: "sqrt_kl", "kl" or "step".
        scale: "raw" or "sd" (both rewards in sd of the initial policy, base mean at 0).
        panels: what to draw under the rewards; None = every other column of the curves.
        tall: height of a panel that holds both rewards, pixels; the others go by it.

    Returns:
        One panel for both rewards where they share a scale, else one each, then those of
        ``panels`` that any run logged, under the marks of the verdicts (marks.py).
    """
    one_panel = scale == "sd" or all(shares_scale(run.base) for run in runs)
    if panels is None:
        panels = panels_of([run.curve for run in runs])
    below = [panel for panel in panels if any(has(run.curve, panel[0]) for run in runs)]
    tops = [tall] if one_panel else [round(tall * 0.625)] * 2
    heights = [*tops, *[round(tall * 0.2625)] * len(below)]
    names = short_names([run.run_id for run in runs]) if len(runs) > 1 else ["gold"]
    named = len(runs) <= NAMED_ROWS
    stack = stacked(
        heights, strip_height(runs), width_for([*names, "proxy"]) if named else 16, axis,
        legend=len(runs) <= LEGEND_RUNS,
    )  # fmt: skip
    reach(stack, runs, axis)
    if len(runs) > SINGLE_TRACES:
        draw_many(stack, runs, axis, "proxy_reward", scale, 0)
        draw_many(stack, runs, axis, "gold_reward", scale, len(tops) - 1)
    else:
        _draw_lines(stack, runs, axis, scale, len(tops), names)
    mark_runs(stack, runs, axis)
    for place, (column, _, factor) in enumerate(below, start=len(tops)):
        if len(runs) > SINGLE_TRACES:
            draw_many(stack, runs, axis, column, scale, place, factor)
        else:
            lines = Lines(stack, Gutter(stack), axis, len(runs) == 1, "")
            for run in runs:
                lines.below(run, column, factor, place)
    if scale == "sd":
        titles = ["reward, sd of the initial policy"]
    elif one_panel:
        titles = ["reward, logged in sd<br>of the initial policy"]
    else:
        titles = ["proxy reward<br>as logged", "gold reward<br>as logged"]
    for place, title in enumerate([*titles, *(panel[1] for panel in below)]):
        stack.figure.layout[f"yaxis{place + 1 if place else ''}"].update(
            title_text=title, rangemode="normal" if place < len(tops) else "tozero"
        )
    stack.figure.update_layout(
        hovermode="x unified" if len(runs) <= NAMED_LINES else "closest",
        uirevision=f"{axis}|{scale}|{'|'.join(run.run_id for run in runs)}",
    )
    return stack.figure


def _draw_lines(
    stack: Stack, runs: Sequence[RunCurve], axis: str, scale: str, tops: int, names: Sequence[str]
) -> None:
    gutter, alone = Gutter(stack), len(runs) == 1
    for run, name in zip(runs, names, strict=True):
        proxy, gold = scales(run, scale)
        lines = Lines(stack, gutter, axis, alone, name if len(runs) <= NAMED_LINES else "")
        lines.rows(run, "proxy_reward", proxy, 0)
        lines.rows(run, "gold_reward", gold, tops - 1)
        lines.proxy(run, proxy, 0)
        lines.gold(run, gold, tops - 1)
        if run.verdict.get("forecast") and axis != "step" and len(runs) <= LINED:
            draw_forecast(stack, run.verdict, run.colour, axis, gold, tops - 1)
    gutter.write()
