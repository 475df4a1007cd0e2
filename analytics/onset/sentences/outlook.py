"""What follows from the peak, and what the alarm is compared with, to be read out."""

from __future__ import annotations

from analytics.onset.evidence.verdict_keys import (
    Adjustment,
    NextEvaluation,
    Place,
    VerdictRow,
)
from analytics.wording import MISSING, OPEN, alike, count, fixed, number, percent, whole

LEAST_NARROWER = 0.05
"""Of the peak's interval: less of it changes no decision."""
FORM_NAMES = {"rl": "RL", "best_of_n": "best-of-n"}


def outlook_sentences(row: VerdictRow) -> list[str]:
    """The outlook of a finished row in sentences that can be read out."""
    found = []
    if row["prompt_adjustment"] is not None:
        found.append(_adjustment_sentence(row["prompt_adjustment"]))
    if row["status"] == "no_onset":
        found.append(_forecast_sentence(row))
    spot = row["kl_1_percent"]
    if spot is not None and spot["kl"] is not None:
        first, reach = _spot(spot)
        found.append(
            f"Gold falls more than 1 % of its gain below the peak from KL {first} nats on "
            f"(90 %: {reach})."
        )
    cliff = row["cliff"]
    if cliff is not None:
        turn, reach = _spot(cliff)
        found.append(
            f"The fall is abrupt (probability {fixed(cliff['probability'], 2)}): gold's slope "
            f"turns at KL {turn} nats (90 %: {reach}), if it is a cliff."
        )
    if row["next_evaluation"] is not None and worth_it(row["next_evaluation"]):
        found.append(_next_sentence(row["next_evaluation"]))
    return found


def _adjustment_sentence(done: Adjustment) -> str:
    narrower = 1 - (done["se_ratio"] or 1.0)
    gain = f"which makes the standard errors {percent(narrower)} smaller"
    if narrower < 0.005:
        gain = "which leaves the standard errors as they are"
    return (
        f"The levels of {count(done['prompts'], 'prompt')}, known from earlier steps, were taken "
        f"out of {count(done['rows'], 'gold row')}, {gain}; evaluating the same prompts at every "
        "checkpoint would take out the rest."
    )


def _forecast_sentence(row: VerdictRow) -> str:
    made = row["forecast"]
    if made is None:
        return f"No forecast of gold's peak: {row['withheld']['forecast']}."
    runs = made["siblings"]
    shared = f", with alpha of {count(runs, 'run')} of the same setup" if runs else ""
    when = (
        "it peaks" if (made["kl"] or 0.0) > (row["kl_end"] or 0.0) else "it is about at its peak,"
    )
    at, reach = _spot(made)
    return (
        f"Forecast: if gold goes on along Gao et al.'s {FORM_NAMES[made['form']]} curve{shared}, "
        f"{when} at KL {at} nats (90 %: {reach})."
    )


def _spot(found: Place) -> tuple[str, str]:
    """A KL and its interval, in words with the same decimals."""
    at, low, high = alike(found["kl"], found["kl_low"], found["kl_high"])
    return at, f"{low} to {OPEN if high == MISSING else high}"


def _next_sentence(following: NextEvaluation) -> str:
    kl, step = f"KL {number(following['kl'])} nats", following["step"]
    most = (
        f"Next gold evaluation: at {kl} (beyond the last) another one like those so far"
        if step is None
        else f"Measure gold again at {kl}, which the run has reached (about step {whole(step)}): "
        "another evaluation like those so far, of a checkpoint saved there,"
    )
    most += f" would narrow the peak's interval most, by about {percent(following['narrower'])}"
    needed = following["evaluations"]
    if needed == 1:
        return f"{most}."
    of = f" ({count(following['responses'], 'response')})" if following["responses"] else ""
    return f"{most}; about {whole(needed)}{of} would narrow it by {percent(following['for'])}."


def limit_sentences(row: VerdictRow) -> list[str]:
    """What to compare the alarm with."""
    limit = row["earliest_honest_alarm"]
    if limit is None:
        return []
    curve = "fitted Gao curve" if limit["form"] == "gao" else "fitted up-then-down shape"
    at = (
        f"step {whole(limit['step'])}"
        if limit["kl"] is None
        else f"KL ≈ {number(limit['kl'])} nats"
    )
    end = row["kl_end"]
    beyond = " (beyond this log)" if limit["step"] is None and end is not None else ""
    return [
        f"If gold truly followed the {curve}, a typical rule with at most 5 % false alarms on any "
        f"never-falling gold would raise its alarm at {at}{beyond}; an earlier one needs less "
        "noise."
    ]


def worth_it(following: NextEvaluation) -> bool:
    """Whether measuring there can change what is done: advice that cannot is not given."""
    return following["evaluations"] is not None and following["narrower"] >= LEAST_NARROWER
