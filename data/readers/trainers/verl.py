"""How verl names things."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from data.readers.kl.kl_table import (
    MISMATCH,
    PER_RESPONSE,
    PER_TOKEN,
    TIMES_LENGTH,
    LoggedKL,
    NotPolicyKL,
)
from data.readers.trainers.dialect import Dialect, InEvaluation, whole

_AGGREGATION = "loss_agg_mode"
_MEAN = re.compile(r"val-(core|aux)/(.+)/([^/]+)/mean@\d+")


def _marks(keys: Collection[str]) -> bool:
    marks = ("critic/score/mean", "actor/pg_loss", "critic/rewards/mean")
    return any(mark in keys for mark in marks) or any(key.startswith("val-core/") for key in keys)


def in_validation(keys: Sequence[str]) -> InEvaluation:
    """Gold and proxy among verl's validation keys.

    A key with ``gold`` in its name is gold, else ``acc``, which verl's reward functions use for
    the verifier's answer; ``reward`` is the proxy. Where several data sources have one, none is
    chosen and all are candidates.

    >>> in_validation(["val-core/math/acc/mean@1", "val-aux/math/reward/mean@1"])
    InEvaluation(gold='val-core/math/acc/mean@1', proxy='val-aux/math/reward/mean@1', candidates=[])
    """
    means = [(match.group(3), key) for key in keys if (match := _MEAN.fullmatch(key))]
    # Before spring 2025: val/test_score/<data source>, the score on each.
    means += [(key.partition("/test_score/")[2], key) for key in keys
              if key.startswith("val/test_score/")]  # fmt: skip
    named = [key for name, key in means if "gold" in name.lower()]
    golds = named or [key for name, key in means if name == "acc"]
    proxies = [key for name, key in means if name == "reward"]
    found = InEvaluation(proxy=proxies[0] if len(proxies) == 1 else None)
    if len(golds) == 1:
        found.gold = golds[0]
    else:
        found.candidates = sorted(golds)
    return found


def _responses(settings: Mapping[str, Any], window: int) -> int | None:
    prompts, each = whole(settings, "data.train_batch_size"), whole(settings, "rollout.n")
    return prompts * each if prompts and each else None


VERL = Dialect(
    "verl",
    "verl",
    _marks,
    kls=(
        LoggedKL(
            "actor/kl_loss",
            estimator="k3",
            unit=PER_RESPONSE,
            reference="initial_policy",
            conversion="exact",
            note="k3 per response (loss_agg_mode seq-mean-token-sum), as logged",
            evidence="verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203",
            when=((_AGGREGATION, ("seq-mean-token-sum",)),),
            chosen_by=("kl_loss_type",),
        ),
        LoggedKL(
            "actor/reward_kl_penalty",
            "k1",
            PER_TOKEN,
            "initial_policy",
            "approximate",
            f"mean over responses of KL per token, {TIMES_LENGTH}",
            "verl 0.9.1 trainer/ppo/ray_trainer.py:100-115, core_algos.py:2228-2245",
            chosen_by=("algorithm.kl_penalty",),
        ),
        LoggedKL(
            "actor/kl_loss",
            estimator="k3",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="approximate",
            note="k3 per token, weighted by tokens (loss_agg_mode token-mean), times "
            "response_length/mean, which counts aborted responses as 0, so the product is "
            "approximate",
            evidence="verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203, "
            "metric_utils.py:468-527",
            when=((_AGGREGATION, ("token-mean",)),),
            chosen_by=("kl_loss_type",),
        ),
        LoggedKL(
            "actor/kl_loss",
            estimator="k3",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="approximate",
            note="mean over responses of k3 per token (loss_agg_mode seq-mean-token-mean), "
            + TIMES_LENGTH,
            evidence="verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203",
            when=((_AGGREGATION, ("seq-mean-token-mean",)),),
            chosen_by=("kl_loss_type",),
        ),
        LoggedKL(  # before spring 2025, and in forks
            "critic/kl",
            "k1",
            PER_TOKEN,
            "initial_policy",
            "approximate",
            f"mean over responses of KL per token, {TIMES_LENGTH}",
            "verl v0.2 trainer/ppo/ray_trainer.py:87-116, v0.3.0.post1 137-166 (apply_kl_penalty)",
            chosen_by=("algorithm.kl_penalty",),
        ),
        LoggedKL(
            "actor/kl_loss",
            "k3",
            None,
            "initial_policy",
            "unknown",
            "the unit of actor/kl_loss follows actor.loss_agg_mode, which the log does not state "
            "or which scales by a length (verl's default is token-mean, nats/token): state it with "
            "--kl-unit",
            "verl 0.9.1 workers/utils/losses.py:132-142, core_algos.py:1170-1203",
            chosen_by=("kl_loss_type",),
        ),
    ),
    refused=(
        NotPolicyKL(
            "actor/ppo_kl",
            "the drift from the previous policy",
            "verl 0.9.1 core_algos.py:1258, 1373 (kl_cov: 1892, 1923)",
        ),
        NotPolicyKL(
            "rollout_corr/kl",
            MISMATCH,
            "verl 0.9.1 trainer/ppo/rollout_corr_helper.py:888-894",
        ),
        NotPolicyKL(
            "rollout_corr/k3_kl",
            MISMATCH,
            "verl 0.9.1 trainer/ppo/rollout_corr_helper.py:888-894",
        ),
        NotPolicyKL("critic/kl_coeff", "a coefficient", "verl v0.2 trainer/ppo/ray_trainer.py:114"),
        NotPolicyKL("actor/kl_coef", "a coefficient", "verl 0.9.1 workers/utils/losses.py:132-142"),
        NotPolicyKL(
            "actor/reward_kl_penalty_coeff",
            "a coefficient",
            "verl 0.9.1 trainer/ppo/ray_trainer.py:100-115",
        ),
    ),
    proxy=("critic/score/mean",),
    includes_kl=("critic/rewards/mean", "critic/rewards/max", "critic/rewards/min"),
    in_evaluation=in_validation,
    settings=(
        "algorithm.adv_estimator",
        "algorithm.use_kl_in_reward",
        "algorithm.kl_penalty",
        "algorithm.kl_ctrl.kl_coef",
        "actor_rollout_ref.actor.use_kl_loss",
        "actor_rollout_ref.actor.kl_loss_coef",
        "actor_rollout_ref.actor.kl_loss_type",
        "actor_rollout_ref.actor.loss_agg_mode",
        "actor_rollout_ref.rollout.n",
        "actor_rollout_ref.model.path",
        "data.train_batch_size",
    ),
    responses=_responses,
    evaluates_first=True,
)
