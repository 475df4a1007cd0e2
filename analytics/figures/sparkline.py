"""A run in the size of a word: gold over √KL as an SVG picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from analytics.figures.axes import place, x_of
from analytics.figures.curves import pooled
from analytics.figures.palette import PROXY_INK

WIDTH, HEIGHT = 150, 40


def sparkline(curve: pl.DataFrame, verdict: Mapping[str, Any], colour: str) -> str:
    """Gold (solid) and proxy (dotted) over √KL, or over steps where KL was not measured.

    Args:
        curve: binned rows of one run (columns of the rollup pooled_curve).
        verdict: row of ``verdict --json``; its peak interval is shaded. May be empty.
        colour: of the run, ``#rrggbb``.

    Returns:
        A data address of an SVG image; each line has its own vertical scale.
    """
    axis = "sqrt_kl" if curve["kl"].drop_nulls().len() else "step"
    lines, spans = [], []
    for column, ink, dash in (
        ("proxy_reward", PROXY_INK, "2 2.5"), ("gold_reward", colour, "none")
    ):  # fmt: skip
        phase = "eval" if column == "gold_reward" and _gold_is_evaluated(curve) else "train"
        rows = curve.filter((pl.col("phase") == phase) & pl.col(column).is_not_null())
        if rows.height < 2:
            continue
        rows = pooled(rows, column, bins=28)
        x, y = x_of(rows, axis), rows[column].to_numpy()
        held = np.isfinite(x) & np.isfinite(y)
        spans.append((x[held], y[held], ink, dash))
    if not spans:
        return ""
    left = min(float(x.min()) for x, *_ in spans if x.size)
    right = max(float(x.max()) for x, *_ in spans if x.size)
    reach = (right - left) or 1.0

    def across(value: float) -> float:
        return 2 + (value - left) / reach * (WIDTH - 4)

    peak = verdict.get("peak") or {}
    key = "step" if axis == "step" else "kl"
    low, high = place(peak.get(f"{key}_low"), axis), place(peak.get(f"{key}_high"), axis)
    if low is not None:
        start, end = across(max(low, left)), across(right if high is None else min(high, right))
        lines.append(
            f'<rect x="{start:.1f}" y="0" width="{max(end - start, 1):.1f}" height="{HEIGHT}" '
            f'fill="{colour}" opacity="0.16"/>'
        )
    for x, y, ink, dash in spans:
        bottom, tall = float(y.min()), (float(y.max() - y.min()) or 1.0)
        points = " ".join(
            f"{across(float(a)):.1f},{HEIGHT - 3 - (float(b) - bottom) / tall * (HEIGHT - 6):.1f}"
            for a, b in zip(x, y, strict=True)
        )
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="1.6" '
            f'stroke-dasharray="{dash}" stroke-linejoin="round"/>'
        )
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(lines)}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def _gold_is_evaluated(curve: pl.DataFrame) -> bool:
    held = (pl.col("phase") == "eval") & pl.col("gold_reward").is_not_null()
    return curve.filter(held).height > 0
