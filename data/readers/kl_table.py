"""What each trainer's logged KL is: estimator, unit, reference, and the way to nats per response.

A declared table, because the key alone says none of these (FORMATS.md, section 1, has the source
lines). The evidence names the TRL file in which the formula stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PER_RESPONSE = "nats/sequence"
PER_TOKEN = "nats/token"
ESTIMATORS = ("k1", "k2", "k3", "exact", "bon_bound")


@dataclass(frozen=True)
class LoggedKL:
    """One logged KL: ``dialect`` and ``key`` find it, the rest says what it is."""

    dialect: str
    key: str
    estimator: str | None
    unit: str
    reference: str
    conversion: str  # of one batch; a row over several batches is approximate at best
    note: str
    evidence: str


KL_TABLE: tuple[LoggedKL, ...] = (
    LoggedKL(
        "grpo", "kl", "k3", PER_TOKEN, "initial_policy", "exact",
        "k3 per token, weighted by tokens, times the mean response length",
        "TRL 1.16 grpo_trainer.py:3097-3105, 3259-3268",
    ),
    LoggedKL(
        "rloo", "kl", "k1", PER_TOKEN, "initial_policy", "exact",
        "k1 per token, weighted by tokens, times the mean response length",
        "TRL 1.16 rloo_trainer.py:1669-1674, 1712-1716",
    ),
    LoggedKL(
        "grpo_or_rloo", "kl", None, PER_TOKEN, "initial_policy", "exact",
        "KL per token (GRPO or RLOO: too few rows to tell) times the mean response length",
        "TRL 1.16 grpo_trainer.py:3259-3268, rloo_trainer.py:1712-1716",
    ),
    LoggedKL(
        "grpo_0_15", "kl", "k3", PER_TOKEN, "initial_policy", "approximate",
        "mean over responses of k3 per token, times the mean response length; length goes with "
        "KL, so the product is approximate",
        "TRL 0.15 grpo_trainer.py:707, 719",
    ),
    LoggedKL(
        "online_dpo", "objective/kl", "k1", PER_RESPONSE, "initial_policy", "unreliable",
        "k1 per response, but the trainer sums it over padding too, so the values are faulty "
        "when responses end early",
        "TRL 1.16 online_dpo_trainer.py:1270-1272",
    ),
    LoggedKL(
        "ppo", "objective/kl", "k1", PER_RESPONSE, "initial_policy", "exact",
        "k1 per response, as logged",
        "TRL 1.9 ppo_trainer.py:882-889",
    ),
    LoggedKL(
        "rloo_v1", "objective/kl", "k1", PER_RESPONSE, "initial_policy", "exact",
        "k1 per response, as logged",
        "TRL 0.15 rloo_trainer.py:402, 521-527",
    ),
    LoggedKL(
        "ppo_0_11", "objective/kl", "k1", PER_RESPONSE, "initial_policy", "exact",
        "k1 per response, as logged (kl_penalty of TRL 0.11 at its default)",
        "TRL 0.11 ppo_trainer.py:1301-1302, 1407",
    ),
)  # fmt: skip
"""The KL of each dialect that measures the distance from the initial policy."""

NOT_POLICY_KL: dict[str, str] = {
    "policy/approxkl_avg": "the drift from the previous policy",
    "ppo_kl": "the drift from the previous policy",
    "actor/ppo_kl": "the drift from the previous policy",
    "vllm_kl": "the difference between the rollout engine and the trainer",
    "objective/kl_coef": "a coefficient",
    "kl_loss": "a loss term, coefficient times KL",
}
"""Keys that look like a KL and never are the distance from the initial policy."""

NO_KL_DIALECTS: dict[str, str] = {
    "async_grpo": "kl of AsyncGRPO is the drift from the rollout policy, not from the initial one",
    "kto": "kl of KTO is a clamped baseline on mismatched responses, not a policy KL",
}
"""Dialects whose ``kl`` is something else."""

UNITS: dict[str, tuple[str, float]] = {
    "nats": (PER_RESPONSE, 1.0),
    "nats/response": (PER_RESPONSE, 1.0),
    "nats/sequence": (PER_RESPONSE, 1.0),
    "nats/token": (PER_TOKEN, 1.0),
    "bits": (PER_RESPONSE, math.log(2)),
    "bits/response": (PER_RESPONSE, math.log(2)),
    "bits/sequence": (PER_RESPONSE, math.log(2)),
    "bits/token": (PER_TOKEN, math.log(2)),
}
"""Accepted values of ``--kl-unit``: the unit in nats, and the factor that leads there."""

PPO_ESTIMATORS = {"k1": "k1", "k3": "k3", "kl": "k1", "mse": "k2", "full": "exact", "abs": None}
"""TRL's settings ``kl_estimator`` (1.x) and ``kl_penalty`` (0.11) in our words."""


def logged_kl(dialect: str) -> LoggedKL | None:
    """The entry of the table for a dialect; None where it logs no KL of the policy."""
    return next((entry for entry in KL_TABLE if entry.dialect == dialect), None)
