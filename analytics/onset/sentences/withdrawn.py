"""Why an alarm does not stand."""

from __future__ import annotations

import numpy as np

from analytics.onset.alarm.way_back import WayBack
from analytics.onset.alarm.witness import Withdrawal as Taken
from analytics.onset.evidence.verdict_keys import Withdrawal
from analytics.wording import number, whole


def went_back(back: WayBack) -> str:
    """That gold followed a KL that went back: a part of a sentence.

    >>> went_back(WayBack(100.0, 9.0))
    'KL went back from 100 to 9 nats and gold with it'
    """
    return f"KL went back from {number(back.highest)} to {number(back.kl)} nats and gold with it"


def withdrawal_reason(taken: Taken) -> str:
    """Why an alarm does not stand.

    >>> withdrawal_reason(Taken(900, "scatter", 2.04, -3.0, 400))
    'evaluations scatter 2 times as much as their standard errors allow'
    """
    if taken.back is not None:
        return went_back(taken.back)
    if taken.kind == "scatter":
        times = number(taken.factor, 2)
        return f"evaluations scatter {times} times as much as their standard errors allow"
    if taken.kind == "single_evaluation":
        return f"the evaluation at step {whole(taken.carrier)} alone carries it"
    if taken.kind == "later_peak":
        return "gold has been higher since, and may have lost nothing from there"
    value = number(float(np.exp(taken.log_e)))
    return f"what was measured since does not support it (e-process at {value})"


def withdrawn_sentence(step: int, taken: Withdrawal) -> str:
    """The first sentence of a verdict whose alarm was withdrawn.

    >>> withdrawn_sentence(300, {"step": 900, "reason": "evaluations scatter too much"})
    'The alarm of step 300 was withdrawn at step 900: evaluations scatter too much.'
    """
    return (
        f"The alarm of step {whole(step)} was withdrawn at step {whole(taken['step'])}: "
        f"{taken['reason']}."
    )
