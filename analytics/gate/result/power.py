"""What a policy's limits mean for its numbers of items: how often it passes, fails, cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analytics.gate.blocks.rewards import STATISTICAL
from analytics.gate.rules.policy import Policy, quantile
from analytics.wording import percent, whole


@dataclass(frozen=True)
class Chances:
    """Probabilities of one look of one check, and of a year of independent looks.

    passes_harm: PASS where the harm equals the limit; fails_null and unshown_null: FAIL and NOT
        SHOWN where there is no harm.
    """

    block: str
    what: str
    items: int
    passes_harm: float
    fails_null: float
    unshown_null: float
    looks: int

    def year(self, share: float) -> float:
        """At least once in a year, if looks were independent (they are less: it is at most)."""
        return float(1 - (1 - share) ** self.looks)

    def sentence(self) -> str:
        """All of it in a line."""
        one, year = (
            [percent(share, 2) for share in shares]
            for shares in (
                (self.passes_harm, self.fails_null, self.unshown_null),
                tuple(map(self.year, (self.passes_harm, self.fails_null, self.unshown_null))),
            )
        )
        return (
            f"{self.block.replace('_', ' ')}, {self.what}: P(PASS | harm = limit) {one[0]} a look, "
            f"{year[0]} a year; P(FAIL | no harm) {one[1]}, {year[1]}; P(NOT SHOWN | no harm) "
            f"{one[2]}, {year[2]}"
        )


def chances(policy: Policy) -> list[Chances]:
    """For every block with a sampling error, at the plan's numbers of items.

    The bounds are taken as normal; a year has `looks_per_year` looks.
    """
    questions, prompts = policy["plan.questions"], policy["plan.prompts"]
    pairs, cases = policy["plan.review_items"], policy["plan.outcome_n"]
    rate = policy["plan.outcome_rate"]
    checks = (
        ("reward_hacking", f"gold on {whole(prompts)} shared prompts",
         policy["reward_hacking.gold_drop"], policy["plan.gold_sd"] / np.sqrt(prompts), STATISTICAL,
         prompts),
        ("diversity", "an indicator against the last release",
         policy["diversity.loss_from_release"], policy["plan.indicator_error"], 17, 0),
        ("truthfulness", f"confident wrong answers on {whole(questions)} questions",
         policy["truthfulness.confident_rise"],
         np.sqrt(policy["plan.questions_changed"] / questions),
         5 + len(policy["truthfulness.protected_topics"]), questions),
        ("human_checkpoint", f"win rate on {whole(pairs)} pairs",
         0.5 - policy["human_checkpoint.win_rate"], 0.5 / np.sqrt(pairs), 1, pairs),
        ("outcomes", f"a rate of {whole(cases)} cases", policy["outcomes.drop"],
         np.sqrt(2 * rate * (1 - rate) / cases), 2, cases),
    )  # fmt: skip
    return [
        _chances(policy, block, what, float(limit), float(error), among, items)
        for block, what, limit, error, among, items in checks
    ]


def _chances(
    policy: Policy, block: str, what: str, limit: float, error: float, among: int, items: int
) -> Chances:
    spread = float(np.hypot(error, policy["retraining.share"] * limit))
    distance = limit / spread if spread else np.inf
    passing, failing = quantile(policy.pass_level()), quantile(policy.fail_level(among))
    fails = float(special.ndtr(-distance - failing))
    passes = float(special.ndtr(distance - passing))
    return Chances(
        block, what, items, policy.pass_level(), fails, max(0.0, 1 - passes - fails),
        policy["looks_per_year"],
    )  # fmt: skip
