"""How slime, SkyRL, open-instruct and OAT name things."""

from __future__ import annotations

from collections.abc import Collection

from data.readers.kl.kl_table import (
    LOSS_TERM,
    MISMATCH,
    PER_RESPONSE,
    PER_TOKEN,
    TIMES_LENGTH,
    LoggedKL,
    NotPolicyKL,
)
from data.readers.trainers.dialect import Dialect, has


def _slime(keys: Collection[str]) -> bool:
    return "rollout/raw_reward" in keys


def _skyrl(keys: Collection[str]) -> bool:
    return "reward/avg_raw_reward" in keys or "loss/avg_final_rewards" in keys


def _open_instruct(keys: Collection[str]) -> bool:
    return "objective/kl0_avg" in keys or {"scores", "val/sequence_lengths"} <= set(keys)


SLIME = Dialect(
    "slime", "slime", _slime,
    kls=(
        LoggedKL(
            "kl_loss", "k3", PER_TOKEN, "initial_policy", "approximate",
            f"mean over responses of KL per token, {TIMES_LENGTH}",
            "slime 0.3.1 megatron_utils/loss.py:1116-1128, 1153",
            chosen_by=("kl_loss_type",),
        ),
    ),
    refused=(
        NotPolicyKL(
            "rollout/kl", "a KL that is 0 unless rollouts are compared with a teacher",
            "slime 0.3.1 megatron_utils/loss.py:1116-1128", "slime",
        ),
        NotPolicyKL(
            "train_rollout_logprob_abs_diff", MISMATCH,
            "slime 0.3.1 megatron_utils/loss.py:1153",
        ),
    ),
    proxy=("rollout/raw_reward",),
    gold=("eval:gold", "eval:*gold*", "eval:*[!o]"),
    columns={"response_length": ("rollout/response_lengths", "rollout/response_len/mean")},
    settings=("kl_loss_type", "kl_loss_coef", "use_kl_loss"),
)  # fmt: skip
SKYRL = Dialect(
    "skyrl", "SkyRL", _skyrl,
    kls=(
        LoggedKL(
            "policy/policy_kl", "k3", PER_TOKEN, "initial_policy", "approximate",
            f"mean over responses of k3 per token, {TIMES_LENGTH}",
            "SkyRL 0.3.0 worker.py:1064-1077, 1124",
        ),
        LoggedKL(
            "loss/avg_kl", "k3", PER_TOKEN, "initial_policy", "approximate",
            f"mean over responses of KL per token (use_kl_in_reward), {TIMES_LENGTH}",
            "SkyRL 0.3.0 trainer.py:1424-1458",
            chosen_by=("kl_estimator_type",),
        ),
    ),
    proxy=("reward/avg_raw_reward",),
    includes_kl=("loss/avg_final_rewards",),
    gold=("eval:*gold*", "eval:*avg_score*", "eval:*pass_at_*"),
    # policy/response_length is the padded width of the batch.
    columns={"response_length": ("generate/avg_num_tokens",)},
)  # fmt: skip
_K = "open-instruct model_utils.py:793-818"
OPEN_INSTRUCT = Dialect(
    "open_instruct",
    "open-instruct",
    _open_instruct,
    kls=(
        LoggedKL(
            "objective/kl2_avg",
            estimator="k3",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="exact",
            note="k3 per token (its kl2), weighted by tokens, times the mean response length",
            evidence=_K,
            when=(("kl_estimator", (2, "2", "kl2")),),
        ),
        LoggedKL(
            "objective/kl0_avg",
            "k1",
            PER_TOKEN,
            "initial_policy",
            "exact",
            "k1 per token (its kl0), weighted by tokens, times the mean response length",
            _K,
        ),
        LoggedKL(
            "objective/kl2_avg",
            "k3",
            PER_TOKEN,
            "initial_policy",
            "exact",
            "k3 per token (its kl2), weighted by tokens, times the mean response length",
            _K,
        ),
    ),
    refused=(
        NotPolicyKL("objective/kl1_avg", "k2, half the squared difference, which is no KL", _K),
        NotPolicyKL("loss/kl_avg", LOSS_TERM, _K),
    ),
    proxy=("scores", "objective/verifiable_reward"),
    gold=("eval:scores", "eval:objective/scores", "eval:*correct_rate*"),
    step="training_step",
    columns={"response_length": ("val/sequence_lengths",)},
    settings=("kl_estimator", "load_ref_policy"),
)
OAT = Dialect(
    "oat", "OAT", has("actor/rewards_mean"),
    kls=(
        LoggedKL(
            "kl3", "k3", PER_RESPONSE, "initial_policy", "exact", "k3 per response, as logged",
            "OAT algorithms/ppo.py:577-578",
        ),
    ),
    proxy=("actor/rewards_mean",),
    gold=("eval:*gold*",),
)  # fmt: skip
