"""A run in the size of a word: gold over √KL as an SVG picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from analytics.figures.drawing.axes import LARGEST, place, x_of
from analytics.figures.drawing.curves import drawable, pooled, with_nearby_kl
from analytics.figures.drawing.palette import PROXY_INK
from analytics.wording import number

WIDTH, HEIGHT = 150, 40
REWARDS = ("proxy_reward", "gold_reward")


class Stroke(NamedTuple):
    """A line to draw: places and values, (points,), both finite and at least two."""

    x: np.ndarray
    y: np.ndarray
    ink: str
    dash: str


def sparkline(curve: pl.DataFrame, verdict: Mapping[str, Any], colour: str) -> str:
    """Gold (solid) and proxy (dotted) over √KL, or over steps where no line has KL.

    Args:
        curve: binned rows of one run (columns of the rollup pooled_curve).
        verdict: row of ``verdict --json``; its peak interval is shaded. May be empty.
        colour: of the run, ``#rrggbb``.

    Returns:
        A data address of an SVG image; each line has its own vertical scale. Empty where there is
        no line to draw: ``why_not_drawn`` says why.
    """
    rows = with_nearby_kl(drawable(curve))
    axis = "sqrt_kl"
    strokes = _strokes(rows, axis, colour)
    if not strokes:
        axis = "step"
        strokes = _strokes(rows, axis, colour)
    if not strokes:
        return ""
    left = min(float(stroke.x.min()) for stroke in strokes)
    right = max(float(stroke.x.max()) for stroke in strokes)
    parts = [_peak(verdict.get("peak") or {}, axis, left, right, colour)]
    parts += [_polyline(stroke, left, right) for stroke in strokes]
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def why_not_drawn(curve: pl.DataFrame) -> str:
    """Why a run has no picture, as a part of a sentence.

    >>> why_not_drawn(pl.DataFrame({"proxy_reward": [None, 1.0], "gold_reward": [None, None]}))
    'no reward was logged more than once'
    """
    logged = max((curve[name].count() for name in REWARDS), default=0)
    if not logged:
        return "no proxy and no gold reward was logged"
    if logged < 2:
        return "no reward was logged more than once"
    return f"the rewards are no numbers that can be drawn (below {number(LARGEST)})"


def _strokes(rows: pl.DataFrame, axis: str, colour: str) -> list[Stroke]:
    inks = {"proxy_reward": (PROXY_INK, "2 2.5"), "gold_reward": (colour, "none")}
    found = []
    for column, (ink, dash) in inks.items():
        phase = "eval" if column == "gold_reward" and _gold_is_evaluated(rows) else "train"
        line = pooled(rows.filter(pl.col("phase") == phase), column, bins=28)
        x, y = x_of(line, axis), line[column].cast(pl.Float64).to_numpy()
        finite = np.isfinite(x) & np.isfinite(y)
        if finite.sum() > 1:
            found.append(Stroke(x[finite], y[finite], ink, dash))
    return found


def _across(value: float, left: float, right: float) -> float:
    inside = min(max(value, left), right)
    return round(2 + (inside - left) / ((right - left) or 1.0) * (WIDTH - 4), 1)


def _peak(peak: Mapping[str, Any], axis: str, left: float, right: float, colour: str) -> str:
    key = "step" if axis == "step" else "kl"
    low, high = place(peak.get(f"{key}_low"), axis), place(peak.get(f"{key}_high"), axis)
    if low is None:
        return ""
    start, end = _across(low, left, right), _across(right if high is None else high, left, right)
    return (
        f'<rect x="{start}" y="0" width="{round(max(end - start, 1.0), 1)}" height="{HEIGHT}" '
        f'fill="{colour}" opacity="0.16"/>'
    )


def _polyline(stroke: Stroke, left: float, right: float) -> str:
    bottom = float(stroke.y.min())
    tall = float(stroke.y.max()) - bottom or 1.0
    heights = HEIGHT - 3 - (stroke.y - bottom) / tall * (HEIGHT - 6)
    points = " ".join(
        f"{_across(float(x), left, right)},{round(float(y), 1)}"
        for x, y in zip(stroke.x, heights, strict=True)
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="{stroke.ink}" stroke-width="1.6" '
        f'stroke-dasharray="{stroke.dash}" stroke-linejoin="round"/>'
    )


def _gold_is_evaluated(curve: pl.DataFrame) -> bool:
    evaluated = (pl.col("phase") == "eval") & pl.col("gold_reward").is_not_null()
    return curve.filter(evaluated).height > 0
