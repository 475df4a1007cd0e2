"""What is said of saved checkpoints: side by side, and by prompts that did not choose them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.onset.choosing.candidates import Estimate
from analytics.onset.choosing.side_by_side import Row
from analytics.onset.evidence.verdict_keys import OtherHalfRow
from analytics.wording import alike, count, number, whole, with_interval

_UNFIT = {
    "judge_changed": "the judge of gold changed during the run",
    "gold_noise_unknown": "the log does not say how noisy gold is",
    "smoothed_gold": "this gold looks smoothed, so that no checkpoint has a value of its own",
}


def why_not(verdict: Mapping[str, Any], saved: Sequence[int]) -> str:
    """Why checkpoints of a run cannot be compared, a sentence; empty where they can."""
    if verdict.get("peak") is None:
        return "Checkpoints cannot be compared: there is no gold, or too little of it."
    if verdict.get("gold_source") == "training":
        return (
            "Checkpoints cannot be compared: gold was measured on training batches alone, of other "
            "prompts at each step. Measure it on held-out prompts at the peak and at the end."
        )
    for flag, why in _UNFIT.items():
        if flag in verdict["flags"]:
            return f"Checkpoints cannot be compared: {why}."
    return "" if saved else "No saved checkpoint of this run is known."


def decided(row: Row) -> str:
    """What the comparison with the end says, in words."""
    if row.against.decision == "promote":
        return "promote: better than the end"
    if row.against.decision == "reject":
        return "reject: worse than the end"
    if row.against.more:
        return f"{count(row.against.more, 'more response')} of each would decide"
    if not row.against.counted:
        return (
            "undecided: more responses of both; how many is not known, as the log states no count"
        )
    return "undecided, and so near to the end that no number of responses can be named"


def answer(rows: Sequence[Row]) -> str:
    """The table in a sentence: the answer first."""
    if not rows:
        return (
            "No saved checkpoint lies after the first gold evaluation and before the last: what "
            "others are worth is not known, or is the last gold itself."
        )
    better = [row for row in rows if row.against.decision == "promote"]
    if better:
        best = max(better, key=lambda row: (row.against.low, -row.step))
        gain = with_interval(best.against.value, best.against.low, best.against.high)
        proxy = best.proxy_cost or 0.0
        price = f" and gives up {number(proxy)} of the proxy" if proxy > 0 else ""
        return (
            f"checkpoint-{best.step} is better than the last gold evaluation, {whole(best.steps)} "
            f"steps later, by an interval of 90 %: it gains {gain} of gold{price}."
        )
    if all(row.against.decision == "reject" for row in rows):
        return (
            "Every saved checkpoint around the peak is worse than the last gold evaluation: none "
            "is to promote."
        )
    open_ones = [row for row in rows if row.against.more]
    if not open_ones:
        return (
            "No saved checkpoint around the peak is shown to be better than the last gold "
            "evaluation."
        )
    near = min(open_ones, key=lambda row: (row.against.more or 0, row.step))
    return (
        f"No saved checkpoint is shown to be better than the last gold evaluation; "
        f"{count(near.against.more or 0, 'more response')} each of checkpoint-{near.step} and of "
        "that evaluation would probably decide."
    )


def other_half_sentence(chosen: OtherHalfRow) -> str:
    """What the other half says, for a card."""
    value, low, high = alike(*Estimate(**chosen["gold"]))
    gain, least, most = alike(*Estimate(**chosen["gain"]))
    chose, reported = whole(chosen["prompts_chosen_on"]), whole(chosen["prompts_reported_on"])
    return (
        f"Chosen on {chose} of the prompts and reported on the other {reported}, which chose "
        f"nothing: {chosen['checkpoint']}, gold {value} (90 %: {low} to {high}), above the end by "
        f"{gain} ({least} to {most})."
    )
