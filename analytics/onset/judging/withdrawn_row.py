"""A withdrawn alarm in the verdict's row and in a sentence."""

from __future__ import annotations

import numpy as np

from analytics.onset.alarm.witness import Withdrawal as Taken
from analytics.onset.evidence.verdict_keys import Withdrawal
from analytics.onset.judging.decision import Evidence
from analytics.wording import number, whole


def withdrawn_row(evidence: Evidence) -> Withdrawal | None:
    """`alarm.withdrawn`: the step at which it was withdrawn, and why; None while it stands."""
    taken = evidence.withdrawn
    return None if taken is None else {"step": taken.step, "reason": reason(taken)}


def reason(taken: Taken) -> str:
    """Why an alarm does not stand.

    >>> reason(Taken(900, "scatter", 2.04, -3.0, 400))
    'evaluations scatter 2 times as much as their standard errors allow'
    """
    if taken.told:
        return taken.told
    if taken.kind == "scatter":
        times = number(taken.factor, 2)
        return f"evaluations scatter {times} times as much as their standard errors allow"
    if taken.kind == "single_evaluation":
        return f"the evaluation at step {whole(taken.carrier)} alone carries it"
    if taken.kind == "later_peak":
        return "gold has been higher since, and may have lost nothing from there"
    value = number(float(np.exp(taken.log_e)))
    return f"what was measured since does not support it (e-process at {value})"


def sentence(step: int, taken: Withdrawal) -> str:
    """The first sentence of a verdict whose alarm was withdrawn.

    >>> sentence(300, {"step": 900, "reason": "evaluations scatter too much"})
    'The alarm of step 300 was withdrawn at step 900: evaluations scatter too much.'
    """
    return (
        f"The alarm of step {whole(step)} was withdrawn at step {whole(taken['step'])}: "
        f"{taken['reason']}."
    )
