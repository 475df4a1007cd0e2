"""How NeMo-RL, AReaL and tunix name things."""

from __future__ import annotations

from collections.abc import Collection

from data.readers.kl.kl_table import DRIFT, MISMATCH, PER_TOKEN, LoggedKL, NotPolicyKL
from data.readers.trainers.dialect import Dialect, Length


def _nemo(keys: Collection[str]) -> bool:
    marks = ("mean_gen_tokens_per_sample", "token_mult_prob_error", "gen_kl_error")
    return "kl_penalty" in keys and any(mark in keys for mark in marks)


def _areal(keys: Collection[str]) -> bool:
    return "ppo_actor/kl_rewards/avg" in keys or "ppo_actor/task_reward/avg" in keys


def _tunix(keys: Collection[str]) -> bool:
    return "actor/train/kl" in keys


NEMO_RL = Dialect(
    "nemo_rl", "NeMo-RL", _nemo,
    kls=(
        LoggedKL(
            "kl_penalty", "k3", PER_TOKEN, "initial_policy", "exact",
            "k3 per token, weighted by tokens, times the mean response length",
            "NeMo-RL 0.6.0 loss_functions.py:131-135, 496-517",
        ),
    ),
    refused=(
        NotPolicyKL("gen_kl_error", MISMATCH, "NeMo-RL 0.6.0 loss_functions.py:131-135"),
        NotPolicyKL("policy_kl_error", MISMATCH, "NeMo-RL 0.6.0 loss_functions.py:131-135"),
        NotPolicyKL("js_divergence_error", MISMATCH, "NeMo-RL 0.6.0 loss_functions.py:131-135"),
    ),
    proxy=("reward",),
    gold=("validation/*gold*", "eval:*gold*", "validation/accuracy", "eval:accuracy"),
    evaluation=("validation/",),
    columns={"response_length": ("mean_gen_tokens_per_sample",)},
)  # fmt: skip
AREAL = Dialect(
    "areal", "AReaL", _areal,
    kls=(
        LoggedKL(
            "ppo_actor/kl_rewards/avg", "k1", PER_TOKEN, "initial_policy", "approximate",
            "logged is minus the coefficient times k1 per token: divided by it and times the mean "
            "response length, which is approximate",
            "AReaL 1.0.4 actor.py:202-203, 294",
            coefficient=("kl_ctl",),
        ),
    ),
    refused=(
        NotPolicyKL("ppo_actor/update/approx_kl/avg", DRIFT, "AReaL 1.0.4 actor.py:202-203"),
    ),
    proxy=("ppo_actor/task_reward/avg", "rollout/reward"),
    includes_kl=("ppo_actor/final_reward/avg",),
    gold=("eval-rollout/*gold*", "eval-rollout/reward", "eval:*rollout/reward"),
    lengths=(Length("ppo_actor/seq_len/avg", minus="ppo_actor/prompt_len/avg"),),
    settings=("kl_ctl",),
)  # fmt: skip
TUNIX = Dialect(
    "tunix", "tunix", _tunix,
    kls=(
        LoggedKL(
            "actor/train/kl", "k1", PER_TOKEN, "initial_policy", "exact",
            "k1 per token, weighted by tokens, times the mean response length",
            "tunix 0.1.7 rl/algo_core.py:600-617",
        ),
        LoggedKL(
            "actor/train/kl_loss", "k1", PER_TOKEN, "initial_policy", "exact",
            "k1 per token, weighted by tokens, times the mean response length",
            "tunix 0.1.7 rl/algo_core.py:600-617",
        ),
    ),
    proxy=("*train/rewards/score/mean", "*train/rewards/sum/mean"),
    gold=("*train/rewards/*gold*",),
    columns={"response_length": ("*train/completions/mean_length",)},
)  # fmt: skip
