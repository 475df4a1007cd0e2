"""Lines of very many runs: those of one colour share a trace, which a browser draws faster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from analytics.figures.drawing.axes import x_of
from analytics.figures.drawing.curves import RunCurve, pooled_together
from analytics.figures.drawing.palette import tinted
from analytics.figures.drawing.scales import scaled, scales
from analytics.figures.drawing.stacked import Stack
from analytics.figures.drawing.text import plain
from analytics.figures.rewards.lines import has
from analytics.wording import number


def draw_many(
    stack: Stack, runs: Sequence[RunCurve], axis: str, column: str, scale: str, panel: int,
    factor: float = 1.0,
) -> None:  # fmt: skip
    """One line a run, gold solid and proxy dotted; hover names the run."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray, list[str]]]] = {}
    if column == "gold_reward":
        tables = {run.run_id: run.looks for run in runs}
    else:
        tables = pooled_together([run.curve for run in runs], column)
    for run in runs:
        rows = tables.get(run.run_id)
        if rows is None or not has(rows, column):
            continue
        shift, divisor = 0.0, 1.0 / factor
        if column.endswith("_reward"):
            shift, divisor = scales(run, scale)[column == "gold_reward"]
        values = scaled(rows[column], (shift, divisor))
        hovers = [f"<b>{plain(run.run_id)}</b><br>{number(value)}" for value in values.tolist()]
        parts.setdefault(run.colour, []).append((x_of(rows, axis), values, hovers))
    role = {"proxy_reward": "proxy", "gold_reward": "gold"}.get(column, "below")
    gap = np.array([np.nan])
    for colour, lines in parts.items():
        stack.figure.add_trace(
            go.Scatter(
                x=np.concatenate([part for x, _, _ in lines for part in (x, gap)]),
                y=np.concatenate([part for _, y, _ in lines for part in (y, gap)]),
                text=[hovers for *_, texts in lines for hovers in (*texts, "")], mode="lines",
                line={"color": tinted(colour, 0.65), "width": 1.3,
                      "dash": "dot" if role == "proxy" else "solid"},
                hovertemplate="%{text}<extra></extra>", showlegend=False, meta={"role": role},
                xaxis="x", yaxis=stack.panel(panel),
            )
        )  # fmt: skip
