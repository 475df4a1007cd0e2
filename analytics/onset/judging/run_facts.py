"""What a verdict may be told about a run besides its rows, by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

FACTS = {
    "run_id": "name of the run",
    "project": "project that it belongs to",
    "trainer": "who trained; one without a known form of its curve gets no forecast",
    "algorithm": "best_of_n where responses were selected, not a policy trained",
    "kl_conversion": "exact, approximate, unreliable, unknown, missing or as_stated",
    "kl_estimator": "k1, k2, k3, exact or bon_bound",
    "kl_logged_unit": "nats/sequence, nats/token or unknown",
    "kl_note": "one sentence: how KL was converted",
    "gold_kind": "score, rate (of trials) or win_rate",
    "max_steps": "planned last step",
    "evaluations_planned": "planned number of gold evaluations, in place of max_steps",
    "steps_replaced": "steps that were logged twice",
    "checkpoints": "steps at which a policy was saved",
    "proxy_missing": "true where there is no proxy reward to compare with",
}
"""Facts that `verdict` reads, and what they mean; all may be left out."""


def checked(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same facts.

    Raises ValueError where one is not known: a misspelt fact would change nothing, unseen.
    """
    for name in facts:
        if name not in FACTS:
            near = difflib.get_close_matches(str(name), FACTS, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(
                f"there is no run metadata {name!r}{meant} There are: {', '.join(FACTS)}."
            )
    return facts


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a log's facts that a verdict reads."""
    return {name: value for name, value in facts.items() if name in FACTS}
