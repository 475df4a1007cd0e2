"""A withdrawn alarm in the verdict's row."""

from __future__ import annotations

from analytics.onset.evidence.verdict_keys import Withdrawal
from analytics.onset.judging.decision import Evidence
from analytics.onset.sentences.withdrawn import withdrawal_reason


def withdrawn_row(evidence: Evidence) -> Withdrawal | None:
    """`alarm.withdrawn`: the step at which it was withdrawn, and why; None while it stands."""
    taken = evidence.withdrawn
    return None if taken is None else {"step": taken.step, "reason": withdrawal_reason(taken)}
