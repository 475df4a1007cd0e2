"""One verdict as a reader takes it in: status, numbers, reasons, checkpoints to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.figures.palette import STATUS
from analytics.figures.rewards import RunCurve
from analytics.figures.text import interval, number
from pages.shared.frame import escaped

FLAG_WORDS = {
    "blind": "KL has moved on since the last gold evaluation",
    "kl_missing": "KL was not logged",
    "kl_unit_unknown": "the unit of the logged KL is not known",
    "kl_estimator_unreliable": "the logged KL is not reliable",
    "kl_negative": "the KL estimate falls below 0",
    "gold_noise_unknown": "the log does not say how noisy gold is",
    "autocorrelated": "neighbouring gold values are correlated",
    "poor_fit": "the fitted curve does not fit",
    "duplicate_steps": "steps were logged twice, the later kept",
    "peak_at_start": "gold is highest at the start",
    "prompts_vary": "gold comes from other prompts at every step",
    "reference_changed": "the KL reference or the proxy changed during the run",
    "label_free_signal": "a signal without gold asks for an evaluation",
}


def show_verdict(curve: RunCurve, facts: Mapping[str, Any], titled: bool) -> None:
    """Write one run's verdict; ``titled`` puts its name over it."""
    verdict = curve.verdict
    with st.container(border=True):
        if titled:
            st.markdown(f"**{escaped(curve.run_id)}**")
        one, two, three, four = st.columns(4)
        one.metric("Verdict", STATUS[verdict["status"]][1])
        two.metric("Gold peaks at (90 %)", _peak(verdict))
        lost = verdict["gold_lost"]
        three.metric(
            "Gold lost since (90 %)",
            number(lost["value"]) if lost else "–",
            f"{number(lost['low'])} to {number(lost['high'])}" if lost else "no alarm",
            delta_color="off", delta_arrow="off",
        )  # fmt: skip
        alarm = verdict["alarm"]
        at = "–"
        if alarm:
            at = f"step {alarm['step']:,.0f}"
        four.metric(
            "Alarm",
            at,
            f"KL {number(alarm['kl'])}" if alarm and alarm.get("kl") is not None else "none"
            if not alarm else "KL not measured",
            delta_color="off", delta_arrow="off",
        )  # fmt: skip
        for reason in verdict["reasons"]:
            st.markdown(f"- {escaped(reason)}")
        kept = _checkpoints(verdict, facts.get("checkpoints") or [])
        if kept:
            st.markdown(f"- {escaped(kept)}")
        if verdict["flags"]:
            words = "; ".join(FLAG_WORDS.get(flag, flag) for flag in verdict["flags"])
            st.caption(f"To keep in mind: {escaped(words)}.")


def _peak(verdict: Mapping[str, Any]) -> str:
    peak = verdict["peak"]
    if not peak:
        return "cannot tell"
    if verdict["axis"] == "kl":
        low, high = peak["kl_low"], peak["kl_high"]
        return f"KL {number(low)} – {number(high)}" if high is not None else f"KL {number(low)} or later"
    low, high = peak.get("step_low"), peak.get("step_high")
    return f"step {number(low)} – {number(high)}" if high is not None else f"step {number(low)} or later"


def _checkpoints(verdict: Mapping[str, Any], saved: list[int]) -> str:
    """Which saved checkpoints lie in the peak interval: candidates to keep."""
    peak = verdict["peak"]
    if not saved or not peak or peak.get("step_low") is None:
        return ""
    low, high = peak["step_low"], peak.get("step_high")
    inside = [step for step in saved if step >= low and (high is None or step <= high)]
    where = f"steps {interval(low, high)}"
    if inside:
        names = ", ".join(f"checkpoint-{step}" for step in inside)
        return f"Saved within the peak interval ({where}), candidates to keep: {names}."
    names = ", ".join(f"checkpoint-{step}" for step in saved)
    return f"No saved checkpoint lies within the peak interval ({where}); there are {names}."
