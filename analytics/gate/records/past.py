"""How far two trainings of one recipe differ: as the policy says, or as the loop's past shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analytics.gate.records.bounds import Estimate, excess
from analytics.gate.records.evidence import Evidence
from analytics.gate.rules.policy import Policy


def retraining(
    evidence: Evidence,
    policy: Policy,
    limit: float,
    against_first: Callable[[int], Estimate | None],
) -> float:
    """Standard deviation between trainings, in the unit of `limit`.

    Args:
        limit: the distance between no harm and the limit.
        against_first: the estimate of an iteration against iteration 0.
    """
    if not policy["retraining.share"]:
        return 0.0  # the policy judges this checkpoint alone
    return from_past(policy, limit, [against_first(at) for at in range(1, evidence.iteration + 1)])


def from_past(policy: Policy, limit: float, past: Sequence[Estimate | None]) -> float:
    """The same from the estimates of every iteration so far against iteration 0."""
    known = [(one.value, one.sd / np.sqrt(one.n)) for one in past if one is not None]
    # The past shows the scatter of one training; a comparison holds two.
    return float(max(policy["retraining.share"] * abs(limit), np.sqrt(2) * excess(known)))


def stated(policy: Policy, estimate: Estimate | None, limit: float) -> Estimate | None:
    """An estimate with what the policy says that two trainings differ by."""
    if estimate is None:
        return None
    return estimate.widened(policy["retraining.share"] * abs(limit))
