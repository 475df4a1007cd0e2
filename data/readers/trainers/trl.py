"""How TRL's trainers name things, by trainer and version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from data.readers.kl.kl_table import PER_RESPONSE, PER_TOKEN, TIMES_LENGTH, LoggedKL, NotPolicyKL
from data.readers.trainers.dialect import Dialect, has

DPO_REWARDS = frozenset({"chosen", "rejected", "margins", "accuracies"})
"""``rewards/<these>`` are implicit rewards of the DPO family, never reward functions."""

_CHOSEN_BY = ("kl_estimator", "kl_penalty")
SETTINGS = (
    "beta", "kl_coef", "seed", "learning_rate", "max_steps", "logging_steps", "num_generations",
    "per_device_train_batch_size", "gradient_accumulation_steps", "generation_batch_size",
    "steps_per_generation", "num_iterations", "reward_weights", "use_bias_correction_kl",
    "sync_ref_model", "kl_estimator", "kl_penalty", "loss_type", "scale_rewards",
    "max_completion_length", "temperature", "run_name", "model_name_or_path", "reward_model_path",
)  # fmt: skip


def _grpo_like(keys: Collection[str]) -> bool:
    return ("completions/mean_length" in keys or "num_tokens" in keys) and "reward" in keys


def _async_grpo(keys: Collection[str]) -> bool:
    # It has all the keys of GRPO, kl and completions/mean_length among them, and these besides.
    return "weight_sync_time_s" in keys or {"ratio", "train_seq_len"} <= set(keys)


def _grpo_0_15(keys: Collection[str]) -> bool:
    return "completion_length" in keys and "reward" in keys


def _responses(settings: Mapping[str, Any], window: int) -> int | None:
    """A generation batch (all devices) serves ``steps_per_generation`` accumulation steps,
    ``num_iterations`` times over; a row averages the batches generated in its ``window``.
    """
    accumulation = _whole(settings.get("gradient_accumulation_steps")) or 1
    batch = _whole(settings.get("generation_batch_size"))
    per_generation = _whole(settings.get("steps_per_generation")) or accumulation
    if batch is None:
        device = _whole(settings.get("per_device_train_batch_size"))
        if device is None:
            return None
        batch = device * per_generation
    reuse = per_generation * (_whole(settings.get("num_iterations")) or 1)
    return batch * max(1, round(window * accumulation / reuse))


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


ONLINE_DPO = Dialect(
    "online_dpo", "TRL OnlineDPO", has("objective/scores", "logps/chosen"),
    kls=(
        LoggedKL(
            "objective/kl", "k1", PER_RESPONSE, "initial_policy", "unreliable",
            "k1 per response, but the trainer sums it over padding too, so the values are faulty "
            "when responses end early",
            "TRL 1.16 online_dpo_trainer.py:1270-1272",
            chosen_by=_CHOSEN_BY,
        ),
    ),
    proxy=("objective/scores",),
    includes_kl=("objective/rlhf_reward", "objective/non_score_reward"),
    settings=SETTINGS,
)  # fmt: skip
PPO = Dialect(
    "ppo", "TRL PPO", has("objective/scores", "loss/value_avg"),
    kls=(
        LoggedKL(
            "objective/kl", "k1", PER_RESPONSE, "initial_policy", "exact",
            "k1 per response, as logged",
            "TRL 0.24 ppo_trainer.py:561, 669, 676; TRL 1.9 ppo_trainer.py:882-889",
            chosen_by=_CHOSEN_BY,
        ),
    ),
    refused=(
        NotPolicyKL(
            "policy/approxkl_avg", "the drift from the previous policy",
            "TRL 0.24 ppo_trainer.py:644, 683 (k2 per token)",
        ),
    ),
    proxy=("objective/scores",),
)  # fmt: skip
RLOO_V1 = Dialect(
    "rloo_v1", "TRL RLOO", has("objective/scores", "policy/approxkl_avg"),
    kls=(
        LoggedKL(
            "objective/kl", "k1", PER_RESPONSE, "initial_policy", "exact",
            "k1 per response, as logged",
            "TRL 0.15 rloo_trainer.py:402, 521-527",
            chosen_by=_CHOSEN_BY,
        ),
    ),
    proxy=("objective/scores",),
)  # fmt: skip
PPO_0_11 = Dialect(
    "ppo_0_11", "TRL PPO", has("objective/kl", "ppo/mean_scores"),
    kls=(
        LoggedKL(
            "objective/kl", "k1", PER_RESPONSE, "initial_policy", "exact",
            "k1 per response, as logged (kl_penalty of TRL 0.11 at its default)",
            "TRL 0.11 ppo_trainer.py:1301-1302, 1407",
            chosen_by=_CHOSEN_BY,
        ),
    ),
    refused=(
        NotPolicyKL("objective/kl_coef", "a coefficient", "TRL 0.11 ppo_trainer.py:1302"),
    ),
    proxy=("ppo/mean_scores", "env/reward_mean"),
)  # fmt: skip
ASYNC_GRPO = Dialect(
    "async_grpo", "TRL AsyncGRPO", _async_grpo,
    refused=(
        NotPolicyKL(
            "kl", "kl of AsyncGRPO is the drift from the rollout policy, not from the initial one",
            "TRL 1.16 experimental/async_grpo/async_grpo_trainer.py:1554-1555, 1589", "async_grpo",
        ),
    ),
)  # fmt: skip
GRPO_0_15 = Dialect(
    "grpo_0_15", "TRL GRPO", _grpo_0_15,
    kls=(
        LoggedKL(
            "kl", "k3", PER_TOKEN, "initial_policy", "approximate",
            f"mean over responses of k3 per token, {TIMES_LENGTH}",
            "TRL 0.15 grpo_trainer.py:707, 719",
        ),
    ),
)  # fmt: skip
GRPO_OR_RLOO = Dialect(
    "grpo_or_rloo", None, _grpo_like,
    kls=(
        LoggedKL(
            "kl", None, PER_TOKEN, "initial_policy", "exact",
            "KL per token (GRPO or RLOO: too few rows to tell) times the mean response length",
            "TRL 1.16 grpo_trainer.py:3259-3268, rloo_trainer.py:1712-1716",
        ),
    ),
)  # fmt: skip
GRPO = Dialect(
    "grpo", "TRL GRPO", _grpo_like,
    kls=(
        LoggedKL(
            "kl", "k3", PER_TOKEN, "initial_policy", "exact",
            "k3 per token, weighted by tokens, times the mean response length",
            "TRL 1.16 grpo_trainer.py:3097-3105, 3259-3268; TRL 0.24 grpo_trainer.py:1750-1758 "
            "weighs by tokens within each device only",
        ),
    ),
    responses=_responses,
    responses_with="reward",
)  # fmt: skip
RLOO = Dialect(
    "rloo", "TRL RLOO", _grpo_like,
    kls=(
        LoggedKL(
            "kl", "k1", PER_TOKEN, "initial_policy", "exact",
            "k1 per token, weighted by tokens, times the mean response length",
            "TRL 1.16 rloo_trainer.py:1669-1674, 1712-1716",
        ),
    ),
    responses=_responses,
    responses_with="reward",
)  # fmt: skip
KTO = Dialect(
    "kto", "TRL KTO", has("rewards/chosen", "logps/chosen", "kl"),
    refused=(
        NotPolicyKL(
            "kl", "kl of KTO is a clamped baseline on mismatched responses, not a policy KL",
            "TRL 1.16 trainer/kto_trainer.py:1441-1442, 1484", "kto",
        ),
    ),
    proxy=(),
)  # fmt: skip
DPO = Dialect("dpo", "TRL DPO", has("rewards/chosen", "rewards/margins"), proxy=())
