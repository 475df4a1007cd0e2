"""Length as a second budget, and how the proxy ranks responses over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.comparing.components import Z90
from analytics.figures.drawing.axes import TITLES
from analytics.figures.drawing.palette import PROXY_INK, run_colour, tinted
from analytics.wording import interval, number, spread, steps, with_interval

Rows = Sequence[Mapping[str, Any]]


def budget_figure(found: Mapping[str, Any], ordinal: int) -> go.Figure | None:
    """Gold and proxy against the mean length of responses, joined in the order of steps.

    Args:
        found: of ``analytics.paid_for.budget``.
        ordinal: of the run, which gives it its colour.

    None where no point has a length.
    """
    rows = [row for row in found["points"] if row["length"] is not None]
    panels = [name for name in ("gold", "proxy") if any(row[name] is not None for row in rows)]
    if not panels:
        return None
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for at, name in enumerate(panels, start=1):
        known = [row for row in rows if row[name] is not None]
        half = [Z90 * row["gold_se"] if row["gold_se"] else 0.0 for row in known]
        ink = run_colour(ordinal) if name == "gold" else PROXY_INK
        figure.add_trace(
            go.Scatter(
                x=[row["length"] for row in known], y=[row[name] for row in known], name=name,
                mode="lines+markers", line={"color": ink, "width": 2}, marker={"size": 6},
                error_y={"type": "data", "array": half, "width": 0, "thickness": 1}
                if name == "gold" else None,
                text=[
                    f"{steps(row['step_start'], row['step_end'])}: {name} "
                    + (spread(row[name], reach) if name == "gold" else number(row[name]))
                    + f", length {number(row['length'])}"
                    for row, reach in zip(known, half, strict=True)
                ],
                hovertemplate="%{text}<extra></extra>",
            ),
            row=at, col=1,
        )  # fmt: skip
        figure.update_yaxes(title_text=f"{name} reward", nticks=5, row=at, col=1)
    beyond = found["falls_beyond"]
    if beyond and beyond["reached"]:
        figure.add_vrect(
            x0=beyond["low"], x1=beyond["high"], line_width=0, layer="below",
            fillcolor=tinted(run_colour(ordinal), 0.15),
        )  # fmt: skip
        figure.add_annotation(
            x=beyond["low"], xref="x", y=1, yref="paper", yanchor="bottom", xanchor="left",
            showarrow=False, font={"size": 12},
            text=f"gold falls beyond {interval(beyond['low'], beyond['high'])}",
        )  # fmt: skip
    figure.update_xaxes(title_text="mean response length, tokens", row=len(panels), col=1)
    figure.update_layout(
        height=90 + 170 * len(panels), margin={"l": 64, "r": 16, "t": 28, "b": 48},
        showlegend=False, hovermode="closest",
    )  # fmt: skip
    return figure


PANELS = {
    "spearman": ("rank correlation<br>within prompts", 0.0),
    "auroc": ("AUROC<br>within prompts", 0.5),
}
"""Of the judge over training: key, title, what no relation would be."""


def ranks_figure(rows: Rows, ordinal: int) -> go.Figure | None:
    """Rank correlation and AUROC of proxy against gold over steps, with their 95 % intervals.

    rows: of ``judge_ranks.over_steps``. None where fewer than two stretches can be told.
    """
    panels = [name for name in PANELS if sum(bool(row[name]) for row in rows) > 1]
    if not panels:
        return None
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for at, name in enumerate(panels, start=1):
        known = [row for row in rows if row[name]]
        values = [row[name]["value"] for row in known]
        figure.add_trace(
            go.Scatter(
                x=[(row["step_start"] + row["step_end"]) / 2 for row in known], y=values,
                name=PANELS[name][0].replace("<br>", " "), mode="lines+markers",
                line={"color": run_colour(ordinal), "width": 2}, marker={"size": 6},
                error_y={
                    "type": "data", "symmetric": False, "thickness": 1, "width": 3,
                    "array": [row[name]["high"] - row[name]["value"] for row in known],
                    "arrayminus": [row[name]["value"] - row[name]["low"] for row in known],
                },
                text=[
                    f"{steps(row['step_start'], row['step_end'])}: "
                    + with_interval(*(row[name][key] for key in ("value", "low", "high")))
                    for row in known
                ],
                hovertemplate="%{text}<extra></extra>",
            ),
            row=at, col=1,
        )  # fmt: skip
        title, nothing = PANELS[name]
        figure.add_hline(y=nothing, row=at, col=1,
                         line={"color": PROXY_INK, "width": 1, "dash": "dot"})  # fmt: skip
        figure.update_yaxes(title_text=title, nticks=5, row=at, col=1)
    figure.update_xaxes(title_text=TITLES["step"], row=len(panels), col=1)
    figure.update_layout(
        height=90 + 150 * len(panels), margin={"l": 64, "r": 16, "t": 16, "b": 48},
        showlegend=False, hovermode="closest",
    )  # fmt: skip
    return figure
