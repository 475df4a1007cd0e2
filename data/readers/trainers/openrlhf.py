"""How OpenRLHF names things."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from data.readers.kl.kl_table import (
    MISMATCH,
    PER_TOKEN,
    TIMES_LENGTH,
    LoggedKL,
    NotPolicyKL,
    setting,
)
from data.readers.trainers.dialect import Dialect, InEvaluation, Observed

_AGGREGATION = "loss_agg_mode"
_CHOSEN_BY = ("kl.estimator", "kl_estimator")


def _marks(keys: Collection[str]) -> bool:
    marks = ("logprobs_diff", "actor_lr", "rollout/reward_mean")
    return {"kl", "reward", "response_length"} <= set(keys) and any(m in keys for m in marks)


def _in_evaluation(keys: Sequence[str]) -> InEvaluation:
    passed = [key for key in keys if key.startswith("eval_") and key.endswith("_pass1")]
    return InEvaluation(proxy=passed[0] if len(passed) == 1 else None)


def _observed(settings: Mapping[str, Any], trained: pl.DataFrame) -> Observed:
    """OpenRLHF logs ``logprobs_diff`` (k1) beside ``kl``: with ``kl.use_loss`` it is all 0 while
    ``kl`` is not, and where the two are equal the estimator is k1.
    """
    both = ("kl", "logprobs_diff")
    there = set(both) <= set(trained.columns)
    pairs = trained.select(both).drop_nulls().rows() if there else []
    observed: Observed = {}
    stated = setting(settings, "use_loss")
    stated = setting(settings, "use_kl_loss") if stated is None else stated
    if stated is not None:
        observed["use_loss"] = bool(stated)
    elif any(kl for kl, _ in pairs):
        observed["use_loss"] = not any(diff for _, diff in pairs)
    if pairs and observed.get("use_loss") is False and setting(settings, "kl.estimator") is None:
        equal = all(abs(kl - diff) <= 1e-3 * max(abs(kl), abs(diff), 1e-4) for kl, diff in pairs)
        if not equal and setting(settings, "kl_estimator") is None:
            observed["kl_estimator"] = "abs"  # k2 or k3: which of them cannot be told
    return observed


OPENRLHF = Dialect(
    "openrlhf",
    "OpenRLHF",
    _marks,
    kls=(
        LoggedKL(
            "kl",
            estimator="k1",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="approximate",
            note="KL per token as a loss term of the current policy (kl.use_loss, loss_agg_mode "
            "token-mean), times the mean response length, which is approximate",
            evidence="OpenRLHF 0.11.2 trainer/ray/ppo_actor.py:318-334, 80",
            when=(("use_loss", (True,)), (_AGGREGATION, ("token-mean",))),
            chosen_by=_CHOSEN_BY,
        ),
        LoggedKL(
            "kl",
            estimator="k1",
            unit=None,
            reference="initial_policy",
            conversion="unknown",
            note="kl is a loss term (kl.use_loss), whose unit follows actor.loss_agg_mode, which "
            "the log does not state (OpenRLHF's default is nats/token): state it with --kl-unit",
            evidence="OpenRLHF 0.11.2 trainer/ray/ppo_actor.py:318-334, 80",
            when=(("use_loss", (True,)),),
            chosen_by=_CHOSEN_BY,
        ),
        LoggedKL(
            "kl",
            estimator="k1",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="approximate",
            note=f"mean over responses of KL per token, {TIMES_LENGTH}",
            evidence="OpenRLHF 0.11.2 trainer/ppo_utils/experience_maker.py:206-226, "
            "models/utils.py:93-113",
            when=(("use_loss", (False,)),),
            chosen_by=_CHOSEN_BY,
        ),
        LoggedKL(
            "kl",
            "k1",
            PER_TOKEN,
            "initial_policy",
            "approximate",
            f"mean over responses of KL per token, {TIMES_LENGTH} (with --algo.kl.use_loss, which "
            "the log does not state, it would be a loss term per token)",
            "OpenRLHF 0.11.2 trainer/ppo_utils/experience_maker.py:206-226, models/utils.py:93-113",
            chosen_by=_CHOSEN_BY,
        ),
        LoggedKL(  # beside kl, so it is used where it is asked for; with use_loss it is only zeros
            "logprobs_diff",
            "k1",
            PER_TOKEN,
            "initial_policy",
            "approximate",
            f"k1 per token without the clamp of kl, {TIMES_LENGTH}",
            "OpenRLHF 0.11.2 trainer/ppo_utils/experience_maker.py:212-227",
        ),
    ),
    refused=(
        NotPolicyKL(
            "ppo_kl",
            "the drift from the previous policy",
            "OpenRLHF 0.11.2 models/loss.py:247",
        ),
        NotPolicyKL(
            "vllm_kl",
            MISMATCH,
            "OpenRLHF 0.11.2 models/loss.py:258",
        ),
    ),
    proxy=("reward", "rollout/reward_mean"),
    includes_kl=("return",),
    in_evaluation=_in_evaluation,
    settings=(
        "algo.kl.init_coef",
        "algo.kl.estimator",
        "algo.kl.use_loss",
        "init_kl_coef",
        "use_kl_loss",
    ),
    observed=_observed,
)
