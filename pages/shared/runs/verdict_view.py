"""One verdict as a reader takes it in: status, numbers, reasons, checkpoints to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import status_look
from analytics.measured.likeness import measured_on_like
from analytics.measured.published import SCENARIO_WORDS, matching_scenario
from analytics.onset.alarm.many_runs import standing
from analytics.onset.sentences.labels import labels_in_short
from analytics.wording import MISSING, alike, count, interval, steps, whole
from pages.shared.escaping import called, escaped
from pages.shared.keeping.isolation import Fault, attempt
from pages.shared.links import local_link
from pages.shared.runs.decision_card import reason_of, what_to_do
from pages.shared.tables import show_table

AT_ONCE = 3
"""Reasons that are read without opening anything; verdicts state the decisive ones first."""

MOST_ROWS = 5
"""Rows of a table over the chart that are seen at once."""

CONVERSIONS = {
    "exact": "exact", "approximate": "approximate", "unreliable": "not reliable",
    "unknown": "of unknown unit", "missing": "not logged", "as_stated": "as the log states it",
}  # fmt: skip
"""How well the unit of the logged KL is known."""

KL_FLAGS = {
    "kl_missing": CONVERSIONS["missing"], "kl_unit_unknown": CONVERSIONS["unknown"],
    "kl_estimator_unreliable": CONVERSIONS["unreliable"],
}  # fmt: skip
"""Flags that say of the KL what the words of its conversion say."""
OTHER = "other prompts"

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
    "judge_drifted": "the judge of gold drifts, as its anchors say",
    "reference_changed": "the KL reference or the proxy changed during the run",
    "proxy_missing": "no proxy reward was logged",
    "label_free_signal": "a signal without gold asks for an evaluation",
}


def show_why(
    curve: RunCurve, facts: Mapping[str, Any], until: int | None = None, titled: bool = False
) -> None:
    """Three reasons of a verdict; the rest one click away. ``until`` freezes the run."""
    verdict = curve.verdict
    if titled:
        st.markdown(f"**{called(curve.run_id)}**")
    reasons = list(verdict["reasons"])
    saved = [s for s in facts.get("checkpoints") or [] if until is None or s <= until]
    further = [*reasons[AT_ONCE:], *filter(None, [_checkpoints(verdict, saved)])]
    further += [text for text in (subtitle(curve, facts), measured_on_like(verdict)) if text]
    _write(reasons[:AT_ONCE])
    with st.expander(f"{count(len(further), 'more finding')}: fits, noise, how good this is"):
        _write(further)
        scenario = matching_scenario(verdict)
        if scenario is not None:
            link = local_link("/quality", [("scenario", scenario), ("run", curve.run_id)])
            st.caption(
                f"[How good are verdicts on runs like this?]({link}) "
                f"Nearest simulated runs: {SCENARIO_WORDS[scenario]}."
            )


def _write(reasons: Sequence[str]) -> None:
    st.markdown("\n".join(f"- {escaped(reason)}" for reason in reasons))


def show_verdict_table(curves: Sequence[RunCurve]) -> None:
    """Verdicts of some runs as a table: what to do, the numbers, the reasons in the last column."""
    rows: list[dict[str, str]] = []
    for curve in curves:
        made = attempt(curve.run_id, "in words", partial(_in_words, curve))
        if isinstance(made, Fault):
            made = {"verdict": made.sentence}
        rows.append({"run": curve.run_id} | made)
    height = {"height": 36 * (MOST_ROWS + 1) + 2} if len(rows) > MOST_ROWS else {}
    show_table(
        pl.from_dicts(rows, infer_schema_length=None), hide_index=True, placeholder=MISSING,
        **height,
    )  # fmt: skip


def _in_words(curve: RunCurve) -> dict[str, str]:
    """The cells of a run behind its name."""
    verdict = curve.verdict
    alarm = verdict["alarm"]
    value, *ends = _lost(verdict)
    action, about = what_to_do(verdict)
    return {
        "verdict": status_look(verdict["status"])[1],
        "do": f"{action}: {about}" if about else action,
        "gold peaks at (90 %)": _peak(verdict),
        "gold lost since (90 %)": f"{value} ({' to '.join(ends)})"
        if verdict["gold_lost"]
        else value,
        "alarm": _alarm(alarm),
        "why": " ".join(verdict["reasons"]),
    }


def _alarm(alarm: Mapping[str, Any] | None) -> str:
    if not alarm:
        return "none"
    at = f"step {whole(alarm['step'])}"
    return at if standing(alarm) else f"{at} (withdrawn)"


def in_short(curve: RunCurve, facts: Mapping[str, Any]) -> str:
    """What a reader must know of the evidence, in a line: unit, evaluations, what is unknown.

    What the line, or the recommendation over it, has said already is not said again.
    """
    verdict, reason = curve.verdict, reason_of(curve.verdict)
    source = f" ({verdict['gold_source']})" if verdict.get("gold_source") else ""
    known = CONVERSIONS.get(str(facts.get("kl_conversion")), "")
    parts = [f"KL {known}"] if known else []
    parts.append(f"{count(verdict['gold_evaluations'], 'gold evaluation')}{source}")
    powered = verdict.get("prediction_powered")
    parts += [labels_in_short(powered)] if powered else []
    parts += [
        FLAG_WORDS.get(flag, flag.replace("_", " "))
        for flag in verdict["flags"]
        if KL_FLAGS.get(flag, "-") != known and not (flag == "prompts_vary" and OTHER in reason)
    ]
    return " · ".join(parts)


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
        return f"KL {interval(peak['kl_low'], peak['kl_high'])}"
    return steps(peak.get("step_low"), peak.get("step_high"))


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
