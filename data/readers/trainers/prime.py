"""How the Tinker cookbook, prime-rl and ART name things: JSON Lines of metrics, flat."""

from __future__ import annotations

from collections.abc import Collection

from data.readers.kl.kl_table import DRIFT, MISMATCH, PER_TOKEN, LoggedKL, NotPolicyKL
from data.readers.trainers.dialect import Dialect, Length


def _tinker(keys: Collection[str]) -> bool:
    return "env/all/reward/total" in keys or "kl_policy_base" in keys


def _prime(keys: Collection[str]) -> bool:
    marks = ("all/agent/reward/mean", "all/agent/num_output_tokens/mean")
    trainer = "mismatch_kl/all/mean" in keys and "entropy/all/mean" in keys
    return trainer or any(mark in keys for mark in marks)


def _art(keys: Collection[str]) -> bool:
    return "loss/kl_policy_ref" in keys or {"exception_rate", "loss/train"} <= set(keys)


TINKER = Dialect(
    "tinker", "Tinker cookbook", _tinker,
    kls=(
        LoggedKL(
            "kl_policy_base", "k1", PER_TOKEN, "initial_policy", "exact",
            "k1 per token, weighted by tokens, times the tokens of a response (all its turns)",
            "Tinker cookbook 0.6.1 rl/metrics.py:175-189",
        ),
    ),
    refused=(
        NotPolicyKL(
            "optim/kl_sample_train_v1", DRIFT, "Tinker cookbook 0.6.1 rl/metrics.py:58-66",
        ),
        NotPolicyKL(
            "optim/kl_sample_train_v2", DRIFT, "Tinker cookbook 0.6.1 rl/metrics.py:58-66",
        ),
    ),
    proxy=("env/all/reward/total",),
    gold=("test/env/all/reward/total", "eval:env/all/reward/total", "env/all/*gold*"),
    lengths=(
        Length("env/all/total_ac_tokens", over="env/all/total_episodes"),
        Length("env/all/ac_tokens_per_episode"),
    ),
    settings=("kl_penalty_coef", "model_name", "learning_rate", "group_size"),
)  # fmt: skip
PRIME_RL = Dialect(
    "prime_rl", "prime-rl", _prime,
    refused=(
        NotPolicyKL(
            "mismatch_kl/all/mean", MISMATCH, "prime-rl trainer/rl/loss.py:100-106",
        ),
        NotPolicyKL(
            "ref_kl", "the distance from a teacher", "prime-rl trainer/rl/loss.py:100-106",
            "prime_rl",
        ),
        NotPolicyKL(
            "ref_kl/all/mean", "the distance from a teacher",
            "prime-rl trainer/rl/loss.py:100-106", "prime_rl",
        ),
    ),
    no_kl="KL is missing: this trainer (prime-rl) logs no KL to the initial policy",
    proxy=("all/agent/reward/mean", "all/reward/mean", "all/*/reward/mean"),
    gold=("eval:*/agent/avg@*", "eval:*avg@*", "*/avg@*", "all/*rewards/*gold*/mean"),
    columns={"response_length": (
        "all/num_output_tokens/mean", "all/agent/num_output_tokens/mean", "all/seq_len/mean",
    )},
)  # fmt: skip
ART = Dialect(
    "art", "ART", _art,
    kls=(
        LoggedKL(
            "loss/kl_policy_ref", "k1", PER_TOKEN, "initial_policy", "approximate",
            "k1 per token, times the mean response length, which is approximate",
            "ART 0.5.18 art/loss.py:98-104",
        ),
    ),
    proxy=("reward",),
    gold=("*gold*",),
)  # fmt: skip
