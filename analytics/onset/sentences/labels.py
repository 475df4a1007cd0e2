"""What verdicts say of who made gold: judges that drift or change, labels that a judge helps."""

from __future__ import annotations

from analytics.onset.evidence.verdict_keys import Powered, VerdictRow
from analytics.onset.labels.judge_drift import ALARM, FEWEST_ANCHORS, FEWEST_EVALUATIONS
from analytics.onset.labels.judges import JudgeChange
from analytics.onset.labels.prediction_powered import APART
from analytics.wording import alike, count, fixed, number, signed, whole

LONGEST = 60
"""Characters of a version that a sentence shows."""


def drift_sentences(row: VerdictRow) -> list[str]:
    """What the anchors say, for the finished row of a verdict; nothing without anchors."""
    drift = row["judge_drift"]
    if drift is None:
        return []
    asked = f"{count(drift['anchors'], 'anchor')} at {count(drift['evaluations'], 'evaluation')}"
    if not drift["points"]:
        return [
            f"Whether the judge drifts is not known: {asked} are scored again and again; anchors "
            f"of at least {FEWEST_ANCHORS} prompts at {FEWEST_EVALUATIONS} evaluations are needed."
        ]
    if drift["since"] is None:
        return [
            f"The judge is not seen to drift: {asked}, fixed responses that it scored again each "
            f"time (e-process at most {number(drift['e_value'])}, {whole(ALARM)} would tell it)."
        ]
    end = drift["points"][-1]
    low, high = alike(end["low"], end["high"])
    how = (
        "gold is corrected by what the anchors moved, with the error of that"
        if drift["corrected"]
        else "this gold does not come from it and is not corrected"
    )
    return [
        f"The judge drifts, detected at step {whole(drift['since'])}: the scores of {asked}, fixed "
        f"responses, moved by {signed(end['moved'], 2)} up to the end (90 %: {low} to {high}). No "
        f"policy can do that; {how}, as if responses of the policy moved as the anchors did."
    ]


def powered_sentences(row: VerdictRow) -> list[str]:
    """What the judge was worth, for the finished row of a verdict; nothing without one."""
    powered = row["prediction_powered"]
    if powered is None:
        return []
    saved = powered["as_good_as"] - powered["labels"]
    drawn = " It holds as long as the labelled responses were drawn at random."
    if abs(powered["labelled_apart"]) > APART:
        drawn = (
            " The labelled responses are not like the others: the judge's scores of them lie "
            f"{signed(powered['labelled_apart'], 1)} standard errors from the rest. Draw them at "
            "random, or gold is that of the responses which were picked."
        )
    given = f"{count(round(powered['labels']), 'label')} and a judge's scores of "
    given += f"{count(round(powered['judged']), 'response')} at an evaluation"
    if saved < 1:
        return [
            f"Gold rests on {given}; the judge saved no label, its correlation with them is "
            f"{fixed(powered['correlation'], 2)}.{drawn}"
        ]
    return [
        f"Gold rests on {given}: as good as {count(round(powered['as_good_as']), 'label')} alone, "
        f"so the judge saved {whole(round(saved))} (correlation with the labels "
        f"{fixed(powered['correlation'], 2)}).{drawn}"
    ]


def labels_in_short(powered: Powered) -> str:
    """How many labels the judge saved at an evaluation.

    >>> labels_in_short({"labels": 100.0, "as_good_as": 320.0})
    'as good as 320 labels, 100 were given'
    """
    worth, given = round(powered["as_good_as"]), round(powered["labels"])
    return f"as good as {count(max(worth, given), 'label')}, {whole(given)} were given"


def judge_sentence(change: JudgeChange) -> str:
    """What a reader must know of the last change of judge.

    >>> judge_sentence(JudgeChange(500, 11, "m-1", "m-2", 1))[:68]
    'Gold was judged anew from step 500 on ("m-2", before it "m-1"): what'
    """
    after, before = _short(change.after), _short(change.before)
    return (
        f'Gold was judged anew from step {whole(change.step)} on ("{after}", before it '
        f'"{before}"): '
        "what was judged otherwise is not compared, so only the evaluations since are tested."
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
