"""Where the marks of a verdict stand on an axis, and which of them cannot stand there."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from analytics.figures.drawing.axes import place
from analytics.figures.drawing.curves import RunCurve


class Mark(NamedTuple):
    """The marks of a run on the axis; None where there is none."""

    run: RunCurve
    low: float | None
    high: float | None
    open_end: bool
    alarm: float | None
    withdrawn: bool
    forecast: float | None
    saved: list[tuple[float, str]]
    candidate: float | None


def marks_of(run: RunCurve, axis: str, right: float) -> tuple[Mark, list[str]]:
    """Where a run's marks stand on an axis, and in words which of them cannot.

    Args:
        run: with its verdict and saved checkpoints.
        axis: "sqrt_kl", "kl" or "step".
        right: where the run ends on the axis: so far reaches a peak without an upper bound.
    """
    verdict, key = run.verdict, "step" if axis == "step" else "kl"
    peak, alarm, made = (verdict.get(name) or {} for name in ("peak", "alarm", "forecast"))
    low, high = (place(peak.get(f"{key}_{end}"), axis) for end in ("low", "high"))
    reach = right if high is None else high
    if low is None or reach < low:
        low = None
    at = place(alarm.get(key), axis)
    ahead = place(made.get("kl"), axis) if axis != "step" else None
    saved = [(x, f"checkpoint-{step}") for step in run.checkpoints
             if (x := place_of_step(run, step, axis)) is not None]  # fmt: skip
    advice = verdict.get("recommendation") or {}
    chosen = None
    if advice.get("action") == "candidate" and advice.get("step") is not None:
        chosen = place_of_step(run, int(advice["step"]), axis)
    missing = [("peak", bool(peak), low), ("alarm", bool(alarm), at),
               ("forecast", bool(made), ahead)]  # fmt: skip
    out = [name for name, there, x in missing if there and x is None]
    if len(saved) < len(run.checkpoints):
        out.append("checkpoints without KL" if key == "kl" else "checkpoints")
    gone = alarm.get("withdrawn") is not None
    return Mark(
        run,
        low=low,
        high=reach if low is not None else None,
        open_end=high is None,
        alarm=at,
        withdrawn=gone,
        forecast=ahead,
        saved=saved,
        candidate=chosen,
    ), out


def place_of_step(run: RunCurve, step: int, axis: str) -> float | None:
    """Where a step of a run stands on the axis: at the KL that was logged nearest to it."""
    if axis == "step":
        return float(step)
    rows = run.curve
    if "kl" not in rows.columns or not rows["kl"].count():
        return None
    if step > rows["step_end"].max() or step < rows["step_start"].min():  # type: ignore[operator]
        return None
    with_kl = rows.filter(pl.col("kl").is_not_null())
    middle = (with_kl["step_start"].cast(pl.Float64) + with_kl["step_end"]) / 2
    nearest = (middle - step).abs().arg_min()
    return None if nearest is None else place(float(with_kl["kl"][nearest]), axis)
