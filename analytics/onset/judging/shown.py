"""A verdict as a notebook shows it. The one place in onset that knows the figures.

Text from a frame is data: escaped, never interpreted. No colour of text or background is set, so
that it reads in a light and a dark notebook; the status's colour stands beside its words.
"""

from __future__ import annotations

from html import escape
from typing import Any

import polars as pl

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import STATUS
from analytics.figures.rewards.rewards import reward_figure
from analytics.onset.judging.judged import Verdict
from analytics.onset.sentences.headline import headline
from analytics.wording import interval, number, whole

AXES = ("sqrt_kl", "kl", "step")
FIRST_REASONS = 3
_TABLE = "border-collapse:collapse;color:inherit;font:inherit"
"""Where a page has no doctype, tables do not take over colour and font by themselves."""
_CELL = "padding:.1rem 1rem .1rem 0;text-align:left;vertical-align:top"
_NO_ROWS = {
    "step_start": pl.Int64, "step_end": pl.Int64, "n_rows": pl.Int64, "kl": pl.Float64,
    "proxy_reward": pl.Float64, "gold_reward": pl.Float64,
}  # fmt: skip


def name_of(verdict: Verdict) -> str:
    """The run's name; "this run" where the frame gave none."""
    return str(verdict.row["run"] or "this run")


def sentence(verdict: Verdict) -> str:
    """The verdict in one sentence: the headline of the page."""
    return f"{name_of(verdict)} {headline(verdict.row)}"


def figure(verdict: Verdict, axis: str | None = None) -> Any:
    """The chart of the page Overoptimization; see `Verdict.plot`."""
    if axis is not None and axis not in AXES:
        raise ValueError(f"there is no axis {axis!r}; there are: {', '.join(AXES)}")
    curve = pl.DataFrame(schema=_NO_ROWS) if verdict.curve is None else verdict.curve
    measured = any(frame["kl"].count() for frame in (curve, verdict.looks))
    if axis in ("sqrt_kl", "kl") and not measured:
        raise ValueError('KL was not measured in this run: plot(axis="step") shows it over steps')
    run = RunCurve(name_of(verdict), 0, curve, verdict.looks, verdict.row, verdict.base)
    return reward_figure([run], axis or ("sqrt_kl" if measured else "step"), "raw")


def html(verdict: Verdict) -> str:
    """Status, peak, alarm, gold lost, the first reasons and the flags, as HTML."""
    ink, words = STATUS[verdict.status]
    dot = (
        f'<span style="display:inline-block;width:.7em;height:.7em;border-radius:2px;'
        f'background:{ink}"></span>'
    )
    cells = "".join(
        f'<tr><th style="{_CELL}">{escape(name)}</th><td style="{_CELL}">{escape(reason)}</td></tr>'
        for name, reason in _numbers(verdict)
    )
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons[:FIRST_REASONS])
    flags = ", ".join(flag.replace("_", " ") for flag in verdict.flags)
    kept = f"<p><small>To keep in mind: {escape(flags)}.</small></p>" if flags else ""
    return (
        f"<div><p>{dot} <b>{escape(words)}</b>: {escape(sentence(verdict))}.</p>"
        f'<table style="{_TABLE}">{cells}</table><ul>{reasons}</ul>{kept}</div>'
    )


def _numbers(verdict: Verdict) -> list[tuple[str, str]]:
    peak, alarm, lost = verdict.peak, verdict.alarm, verdict.gold_lost
    where = "cannot tell"
    if peak:
        if verdict.row["axis"] == "kl":
            where = f"KL {interval(peak['kl_low'], peak['kl_high'], 'nats')}"
        else:
            where = f"step {interval(peak['step_low'], peak['step_high'])}"
    fired = "none"
    if alarm:
        at = "" if alarm["kl"] is None else f" (KL {number(alarm['kl'])} nats)"
        fired = f"step {whole(alarm['step'])}{at}"
        taken = alarm.get("withdrawn")
        fired += "" if taken is None else f", withdrawn at step {whole(taken['step'])}"
    gone = "stated after an alarm"
    if lost:
        gone = f"{number(lost['value'])} ({number(lost['low'])} to {number(lost['high'])}, 90 %)"
    return [("gold peaks at (90 %)", where), ("alarm", fired), ("gold lost since", gone)]
