"""What the chart shows, as the sentence over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.wording import SMALLEST_FALL, interval, number, percent, steps, whole, with_interval


def headline(verdict: Mapping[str, Any]) -> str:
    """One sentence on one run, without its name: it never says more than the verdict.

    Args:
        verdict: row of ``verdict --json``.

    >>> headline({"status": "unmeasured", "axis": "kl", "peak": None, "gold_lost": None})
    'has no gold reward, so nothing can be said about overoptimization'
    """
    status, peak, lost = verdict["status"], verdict["peak"], verdict["gold_lost"]
    if status == "unmeasured":
        return "has no gold reward, so nothing can be said about overoptimization"
    if status == "not_judged":
        return "could not be judged: the verdict says why"
    if status == "too_little_gold":
        return "has too few gold evaluations to tell whether gold has peaked"
    where = _where(verdict) if peak else ""
    if status == "no_onset":
        end = verdict["kl_end"] if verdict["axis"] == "kl" else verdict["step_end"]
        unit = "KL" if verdict["axis"] == "kl" else "step"
        fall = verdict.get("detectable")
        size = f"; a fall of {number(fall)} would probably have been seen"
        size = size if fall and fall > SMALLEST_FALL else ""
        reached = number(end) if unit == "KL" else whole(end)
        alarm = verdict.get("alarm") or {}
        if taken := alarm.get("withdrawn"):
            size = (
                f"; an alarm of step {whole(alarm['step'])} was withdrawn at step "
                f"{whole(taken['step'])}"
            )
        return f"shows no fall of gold up to {unit} {reached}{size}"
    if status == "warning":
        odds = percent(verdict["p_past_peak"])
        return f"has probably passed its gold peak ({odds} by the model average), no alarm yet"
    gone = "gold has fallen"
    if lost and lost["low"] <= 0:
        gone = f"gold has fallen, by {number(lost['high'])} at most,"
    elif lost:
        gone = f"gold has lost {with_interval(lost['value'], lost['low'], lost['high'])}"
    if status == "collapsed":
        return f"has collapsed: {gone} since its peak {where}, and the proxy fell with it"
    return f"is past its gold peak: {gone} since {where}"


def _where(verdict: Mapping[str, Any]) -> str:
    peak = verdict["peak"]
    if verdict["axis"] == "kl":
        return f"KL {interval(peak['kl_low'], peak['kl_high'], 'nats')}"
    low, high = peak.get("step_low"), peak.get("step_high")
    return steps(low, high)
