"""What each trainer's logged KL is: estimator, unit, reference, and the way to nats per response.

A declared table, because the key alone says none of these. The evidence names the trainer's file in
which the formula stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PER_RESPONSE = "nats/sequence"
PER_TOKEN = "nats/token"
ESTIMATORS = ("k1", "k2", "k3", "exact", "bon_bound")


@dataclass(frozen=True)
class LoggedKL:
    """One logged KL: ``dialect``, ``key`` and ``when`` find it, the rest says what it is.

    ``when`` names settings (the end of their dotted names) and the values that they must have;
    rows of one key stand from the most special to the one without a condition.
    """

    dialect: str
    key: str
    estimator: str | None
    unit: str | None  # None: cannot be told
    reference: str
    conversion: str  # of one batch; a row over several batches is approximate at best
    note: str
    evidence: str
    when: tuple[tuple[str, tuple[object, ...]], ...] = ()


@dataclass(frozen=True)
class NotPolicyKL:
    """A key that looks like a KL and never is the distance from the initial policy."""

    key: str
    what: str
    evidence: str
    dialect: str | None = None  # None: whatever the trainer


MISMATCH = "the difference between the rollout engine and the trainer"
MISMATCH_PREFIX = "rollout_corr/"
"""How the keys begin under which verl logs that difference."""
_TIMES_LENGTH = "times the mean response length; length goes with KL, so the product is approximate"
_AGGREGATION = "loss_agg_mode"

KL_TABLE: tuple[LoggedKL, ...] = (
    LoggedKL(
        "grpo", "kl", "k3", PER_TOKEN, "initial_policy", "exact",
        "k3 per token, weighted by tokens, times the mean response length",
        "TRL 1.16 grpo_trainer.py:3097-3105, 3259-3268; TRL 0.24 grpo_trainer.py:1750-1758 weighs "
        "by tokens within each device only",
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
        f"mean over responses of k3 per token, {_TIMES_LENGTH}",
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
        "TRL 0.24 ppo_trainer.py:561, 669, 676; TRL 1.9 ppo_trainer.py:882-889",
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
    LoggedKL(
        "verl", "actor/kl_loss", "k3", PER_RESPONSE, "initial_policy", "exact",
        "k3 per response (loss_agg_mode seq-mean-token-sum), as logged",
        "verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203",
        ((_AGGREGATION, ("seq-mean-token-sum",)),),
    ),
    LoggedKL(
        "verl", "actor/reward_kl_penalty", "k1", PER_TOKEN, "initial_policy", "approximate",
        f"mean over responses of KL per token, {_TIMES_LENGTH}",
        "verl 0.9.1 trainer/ppo/ray_trainer.py:100-115, core_algos.py:2228-2245",
    ),
    LoggedKL(
        "verl", "actor/kl_loss", "k3", PER_TOKEN, "initial_policy", "approximate",
        "k3 per token, weighted by tokens (loss_agg_mode token-mean), times response_length/mean, "
        "which counts aborted responses as 0, so the product is approximate",
        "verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203, "
        "metric_utils.py:468-527",
        ((_AGGREGATION, ("token-mean",)),),
    ),
    LoggedKL(
        "verl", "actor/kl_loss", "k3", PER_TOKEN, "initial_policy", "approximate",
        "mean over responses of k3 per token (loss_agg_mode seq-mean-token-mean), "
        + _TIMES_LENGTH,
        "verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203",
        ((_AGGREGATION, ("seq-mean-token-mean",)),),
    ),
    LoggedKL(
        "verl", "actor/kl_loss", "k3", None, "initial_policy", "unknown",
        "the unit of actor/kl_loss follows actor.loss_agg_mode, which the log does not state or "
        "which scales by a length (verl's default is token-mean, nats/token): state it with "
        "--kl-unit",
        "verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203",
    ),
    LoggedKL(
        "openrlhf", "kl", "k1", PER_TOKEN, "initial_policy", "approximate",
        "KL per token as a loss term of the current policy (kl.use_loss, loss_agg_mode "
        "token-mean), times the mean response length, which is approximate",
        "OpenRLHF 0.11.2 trainer/ray/ppo_actor.py:318-334, 80",
        (("use_loss", (True,)), (_AGGREGATION, ("token-mean",))),
    ),
    LoggedKL(
        "openrlhf", "kl", "k1", None, "initial_policy", "unknown",
        "kl is a loss term (kl.use_loss), whose unit follows actor.loss_agg_mode, which the log "
        "does not state (OpenRLHF's default is nats/token): state it with --kl-unit",
        "OpenRLHF 0.11.2 trainer/ray/ppo_actor.py:318-334, 80",
        (("use_loss", (True,)),),
    ),
    LoggedKL(
        "openrlhf", "kl", "k1", PER_TOKEN, "initial_policy", "approximate",
        f"mean over responses of KL per token, {_TIMES_LENGTH}",
        "OpenRLHF 0.11.2 trainer/ppo_utils/experience_maker.py:206-226, models/utils.py:93-113",
        (("use_loss", (False,)),),
    ),
    LoggedKL(
        "openrlhf", "kl", "k1", PER_TOKEN, "initial_policy", "approximate",
        f"mean over responses of KL per token, {_TIMES_LENGTH} (with --algo.kl.use_loss, which "
        "the log does not state, it would be a loss term per token)",
        "OpenRLHF 0.11.2 trainer/ppo_utils/experience_maker.py:206-226, models/utils.py:93-113",
    ),
    LoggedKL(  # beside kl, so it is used where it is asked for; with use_loss it is only zeros
        "openrlhf", "logprobs_diff", "k1", PER_TOKEN, "initial_policy", "approximate",
        f"k1 per token without the clamp of kl, {_TIMES_LENGTH}",
        "OpenRLHF 0.11.2 trainer/ppo_utils/experience_maker.py:212-227",
    ),
)  # fmt: skip
"""The KLs of each dialect that measure the distance from the initial policy, the best first."""

NOT_POLICY: tuple[NotPolicyKL, ...] = (
    NotPolicyKL(
        "policy/approxkl_avg", "the drift from the previous policy",
        "TRL 0.24 ppo_trainer.py:644, 683 (k2 per token)",
    ),
    NotPolicyKL(
        "ppo_kl", "the drift from the previous policy", "OpenRLHF 0.11.2 models/loss.py:247",
    ),
    NotPolicyKL(
        "actor/ppo_kl", "the drift from the previous policy",
        "verl 0.9.1 core_algos.py:1258, 1373 (kl_cov: 1892, 1923)",
    ),
    NotPolicyKL(
        "vllm_kl", MISMATCH,
        "OpenRLHF 0.11.2 models/loss.py:258",
    ),
    NotPolicyKL(
        "rollout_corr/kl", MISMATCH,
        "verl 0.9.1 trainer/ppo/rollout_corr_helper.py:888-894",
    ),
    NotPolicyKL(
        "rollout_corr/k3_kl", MISMATCH,
        "verl 0.9.1 trainer/ppo/rollout_corr_helper.py:888-894",
    ),
    NotPolicyKL("objective/kl_coef", "a coefficient", "TRL 0.11 ppo_trainer.py:1302"),
    NotPolicyKL("actor/kl_coef", "a coefficient", "verl 0.9.1 workers/utils/losses.py:132-142"),
    NotPolicyKL(
        "actor/reward_kl_penalty_coeff", "a coefficient",
        "verl 0.9.1 trainer/ppo/ray_trainer.py:100-115",
    ),
    NotPolicyKL(
        "kl_loss", "a loss term, coefficient times KL",
        "public/rlvr_math500_logs/SOURCE.txt (7_5)",
    ),
    NotPolicyKL(
        "kl", "kl of AsyncGRPO is the drift from the rollout policy, not from the initial one",
        "TRL 1.16 experimental/async_grpo/async_grpo_trainer.py:1554-1555, 1589", "async_grpo",
    ),
    NotPolicyKL(
        "kl", "kl of KTO is a clamped baseline on mismatched responses, not a policy KL",
        "TRL 1.16 trainer/kto_trainer.py:1441-1442, 1484", "kto",
    ),
)  # fmt: skip
"""What is never offered as the axis."""

NOT_POLICY_KL = {entry.key: entry.what for entry in NOT_POLICY if entry.dialect is None}
NO_KL_DIALECTS = {entry.dialect: entry.what for entry in NOT_POLICY if entry.dialect is not None}

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

ESTIMATOR_SETTINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("ppo", "objective/kl"): ("kl_estimator", "kl_penalty"),
    ("rloo_v1", "objective/kl"): ("kl_estimator", "kl_penalty"),
    ("ppo_0_11", "objective/kl"): ("kl_estimator", "kl_penalty"),
    ("online_dpo", "objective/kl"): ("kl_estimator", "kl_penalty"),
    ("verl", "actor/kl_loss"): ("kl_loss_type",),
    ("verl", "actor/reward_kl_penalty"): ("algorithm.kl_penalty",),
    ("openrlhf", "kl"): ("kl.estimator", "kl_estimator"),
}
"""The settings that name the estimator of a dialect's KL, where it can be chosen."""

ESTIMATOR_NAMES: dict[str, str | None] = {
    "k1": "k1", "kl": "k1", "k2": "k2", "mse": "k2", "k3": "k3", "low_var_kl": "k3",
    "full": "exact", "abs": None,
}  # fmt: skip
"""The trainers' names of estimators in our words."""


def logged_kls(dialect: str, settings: Mapping[str, Any]) -> list[LoggedKL]:
    """The rows of the table that hold for a dialect with these settings, the best first."""
    return [
        entry
        for entry in KL_TABLE
        if entry.dialect == dialect
        and all(setting(settings, name) in values for name, values in entry.when)
    ]


def setting(settings: Mapping[str, Any], name: str) -> Any:
    """A setting by its name or by the end of its dotted name; None where it is not stated.

    >>> setting({"actor_rollout_ref.actor.loss_agg_mode": "token-mean"}, "loss_agg_mode")
    'token-mean'
    """
    if name in settings:
        return settings[name]
    return next((value for key, value in settings.items() if key.endswith(f".{name}")), None)
