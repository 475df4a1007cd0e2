"""One verdict as a reader takes it in: status, numbers, reasons, checkpoints to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from analytics.figures.curves import RunCurve
from analytics.figures.palette import status_look
from analytics.onset.many_runs import standing
from analytics.quality.likeness import measured_on_like
from analytics.quality.published import SCENARIO_WORDS, matching_scenario
from analytics.wording import MISSING, alike, count, number, steps, whole
from pages.shared.frame import called, escaped
from pages.shared.isolation import Fault, attempt
from pages.shared.links import local_link
from pages.shared.tables import show_table

AT_ONCE = 5
"""Reasons that are read without opening anything; verdicts state the decisive ones first."""

FLAG_WORDS = {
    "blind": "KL has moved on since the last gold evaluation",
    "kl_missing": "KL was not logged",
    "kl_unit_unknown": "the unit of the logged KL is not known",
    "kl_estimator_unreliable": "the logged KL is not reliable",
    "kl_in_bits": "the logged KL may be in bits",
    "kl_per_token": "the logged KL may be per token",
    "kl_estimators_disagree": "two estimates of the KL disagree",
    "kl_spikes": "single rows of the logged KL are far above their neighbours",
    "kl_negative": "the KL estimate falls below 0",
    "kl_back_and_forth": "KL goes back during the run",
    "kl_went_back": "KL went back and gold followed it",
    "alarm_withdrawn": "an alarm was withdrawn",
    "single_evaluation": "one evaluation alone would carry an alarm",
    "smoothed_gold": "this gold looks smoothed",
    "clustered_unknown": "the stated errors do not say how many prompts they come from",
    "gold_noise_unknown": "the log does not say how noisy gold is",
    "autocorrelated": "neighbouring gold values are correlated",
    "poor_fit": "the fitted curve does not fit",
    "duplicate_steps": "steps were logged twice, the later kept",
    "peak_at_start": "gold is highest at the start",
    "recovered": "gold fell once and has come back",
    "prompts_vary": "gold comes from other prompts at every step",
    "judge_changed": "the judge of gold changed during the run",
    "reference_changed": "the KL reference or the proxy changed during the run",
    "proxy_missing": "no proxy reward was logged",
    "label_free_signal": "a signal without gold asks for an evaluation",
}


def show_verdict(
    curve: RunCurve, facts: Mapping[str, Any], titled: bool, until: int | None = None
) -> None:
    """Write one run's verdict; ``titled`` puts its name over it, ``until`` freezes it."""
    verdict = curve.verdict
    with st.container(border=True):
        if titled:
            st.markdown(f"**{called(curve.run_id)}**")
        lost, alarm = verdict["gold_lost"], verdict["alarm"]
        at, where = "none", "on the evidence so far"
        if alarm:
            at = f"step {whole(alarm['step'])}"
            at += "" if standing(alarm) else " (withdrawn)"
            where = (
                "KL not measured" if alarm.get("kl") is None else f"KL {number(alarm['kl'])} nats"
            )
        value, *ends = _lost(verdict)
        reach = " to ".join(ends) if lost else "stated after an alarm"
        status = status_look(verdict["status"])[1]
        source = verdict.get("gold_source")
        tiles = (
            ("Verdict", status, f"by {source} gold" if source else "no gold to judge by"),
            ("Gold peaks at", _peak(verdict), "90 % interval" if verdict["peak"] else ""),
            ("Gold lost since", value, reach),
            ("Alarm", at, where),
        )
        for column, (name, value, note) in zip(st.columns(4), tiles, strict=True):
            column.caption(name)
            column.markdown(f"### {called(value)}")
            column.caption(escaped(note))
        saved = [s for s in facts.get("checkpoints") or [] if until is None or s <= until]
        kept = _checkpoints(verdict, saved)
        first, further = _parted(verdict["reasons"])
        _write([*first, *([kept] if kept else [])])
        if verdict["flags"]:
            words = "; ".join(FLAG_WORDS.get(flag, flag) for flag in verdict["flags"])
            st.caption(f"To keep in mind: {escaped(words)}.")
        if further:
            told = count(len(further), "more finding")
            with st.expander(f"{told}: fits, noise, what to measure next"):
                _write(further)
        measured = measured_on_like(verdict)
        if measured is not None:
            st.caption(escaped(measured))
        scenario = matching_scenario(verdict)
        if scenario is not None:
            link = local_link("/quality", [("scenario", scenario), ("run", curve.run_id)])
            st.caption(
                f"[How good are verdicts on runs like this?]({link}) "
                f"Nearest simulated runs: {SCENARIO_WORDS[scenario]}."
            )


def _parted(reasons: list[str]) -> tuple[list[str], list[str]]:
    """The reasons that the verdict rests on, and the others where they would hide those."""
    if len(reasons) <= AT_ONCE + 2:
        return reasons, []
    return reasons[:AT_ONCE], reasons[AT_ONCE:]


def _write(reasons: Sequence[str]) -> None:
    st.markdown("\n".join(f"- {escaped(reason)}" for reason in reasons))


def show_verdict_table(curves: Sequence[RunCurve]) -> None:
    """Verdicts of many runs as a table, the reasons in the last column."""
    rows: list[dict[str, str]] = []
    for curve in curves:
        made = attempt(curve.run_id, "told in words", lambda curve=curve: _told(curve))
        if isinstance(made, Fault):
            made = {"verdict": made.sentence}
        rows.append({"run": curve.run_id} | made)
    show_table(pl.from_dicts(rows, infer_schema_length=None), hide_index=True, placeholder=MISSING)


def _told(curve: RunCurve) -> dict[str, str]:
    """The cells of a run behind its name."""
    verdict = curve.verdict
    alarm = verdict["alarm"]
    value, *ends = _lost(verdict)
    return {
        "verdict": status_look(verdict["status"])[1],
        "gold peaks at (90 %)": _peak(verdict),
        "gold lost since (90 %)": f"{value} ({' to '.join(ends)})"
        if verdict["gold_lost"]
        else value,
        "alarm": f"step {whole(alarm['step'])}" if standing(alarm) else "none",
        "why": " ".join(verdict["reasons"]),
    }


def subtitle(curve: RunCurve, facts: Mapping[str, Any]) -> str:
    """What stands under the headline: trainer, KL, evaluations, what the bars are."""
    verdict = curve.verdict
    source = f" ({verdict['gold_source']})" if verdict.get("gold_source") else ""
    return " · ".join(
        (
            facts["trainer"] or "trainer unknown",
            f"KL: {facts['kl_note'] or 'not logged'}".rstrip("."),
            f"{count(verdict['gold_evaluations'], 'gold evaluation')}{source}",
            "bars: 90 % intervals",
            "the alarm errs on at most 5 % of runs whose gold never falls"
            + (
                ", if errors of successive evaluations are independent"
                if "gold_noise_unknown" in verdict["flags"]
                else ""
            ),
        )
    )


def _lost(verdict: Mapping[str, Any]) -> list[str]:
    """Gold lost and the ends of its interval, with the same decimals; a dash without an alarm."""
    lost = verdict["gold_lost"]
    return alike(*(lost[key] if lost else None for key in ("value", "low", "high")))


def _peak(verdict: Mapping[str, Any]) -> str:
    peak = verdict["peak"]
    if not peak:
        return "cannot tell"
    if verdict["axis"] == "kl":
        low, high = alike(peak["kl_low"], peak["kl_high"])
        return f"KL {low} or later" if peak["kl_high"] is None else f"KL {low}–{high}"
    low, high = whole(peak.get("step_low")), whole(peak.get("step_high"))
    return f"step {low} or later" if peak.get("step_high") is None else f"step {low}–{high}"


def _checkpoints(verdict: Mapping[str, Any], saved: list[int]) -> str:
    """Which saved checkpoints lie in the peak interval: candidates to keep."""
    peak = verdict["peak"]
    if not saved or not peak or peak.get("step_low") is None:
        return ""
    low, high = peak["step_low"], peak.get("step_high")
    inside = [step for step in saved if step >= low and (high is None or step <= high)]
    where = steps(low, high)
    if inside:
        names = ", ".join(f"checkpoint-{step}" for step in inside)
        return f"Saved within the peak interval ({where}), candidates to keep: {names}."
    names = ", ".join(f"checkpoint-{step}" for step in saved)
    return f"No saved checkpoint lies within the peak interval ({where}); there are {names}."
