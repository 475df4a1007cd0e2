"""Notes on a curve: where they stand, and what was decided there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from analytics.figures.drawing.axes import place
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import PROXY_INK
from analytics.figures.drawing.text import plain
from analytics.words.notes import about, decided

MOST = 12
"""So many notes are marked in a chart, the latest ones; all of them stand below it."""
_LEVELS = 4


def mark_notes(
    figure: go.Figure, runs: Sequence[RunCurve], notes: Sequence[Mapping[str, Any]], axis: str
) -> None:
    """Mark notes on steps of the curves: a line, and in a word what was decided.

    Args:
        figure: of ``reward_figure``.
        runs: the runs that it shows.
        notes: rows of the question "notes", the latest first; those about a whole run, or a run
            that is not shown, or a step without a KL on an axis of KL, are left out.
        axis: "sqrt_kl", "kl" or "step".
    """
    by_name = {run.run_id: run for run in runs}
    placed = [
        (note, x) for note in notes
        if note["run_id"] in by_name and note["step"] is not None
        and (x := where(by_name[note["run_id"]].curve, note["step"], axis)) is not None
    ][:MOST]  # fmt: skip
    for level, (note, x) in enumerate(sorted(placed, key=lambda one: one[1])):
        figure.add_shape(
            type="line", x0=x, x1=x, y0=0, y1=1, yref="paper",
            line={"color": PROXY_INK, "width": 1, "dash": "dashdot"}, layer="below",
        )  # fmt: skip
        text = decided(note) or "note"
        figure.add_annotation(
            x=x, y=1, yref="paper", yanchor="top", yshift=-18 - 17 * (level % _LEVELS),
            xanchor="left", showarrow=False, text=f"✎ {plain(text.partition(' · ')[0], 24)}",
            font={"size": 12, "color": PROXY_INK}, captureevents=True,
            hovertext=plain(f"{note['by']}, {about(note)}: {note['text'] or text}", 240),
        )  # fmt: skip


def where(curve: pl.DataFrame, step: int, axis: str) -> float | None:
    """A step's place on the axis: of KL, that of the bin it lies in, or of the nearest one."""
    if axis == "step":
        return float(step)
    known = curve.filter(pl.col("kl").is_not_null())
    if known.is_empty():
        return None
    middle = (pl.col("step_start").cast(pl.Float64) + pl.col("step_end")) / 2
    inside = (pl.col("step_start") <= step) & (pl.col("step_end") >= step)
    nearest = known.sort(~inside, (middle - step).abs(), "step_start").row(0, named=True)
    return place(float(nearest["kl"]), axis)
