"""Which trainer wrote a log: told from its keys and, where it is logged, from its settings.

The same key means another thing to another trainer (``kl`` is k3 in GRPO, k1 in RLOO, the drift
from the previous policy in AsyncGRPO), so nothing is mapped before this is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DPO_REWARDS = frozenset({"chosen", "rejected", "margins", "accuracies"})
"""``rewards/<these>`` are implicit rewards of the DPO family, never reward functions."""

MIN_ROWS_TO_TELL = 10
"""Rows of a never negative ``kl`` from which on it is taken for k3, not for a lucky k1."""

K3_ROUNDING = 1e-6
"""k3 is >= 0 up to float32 rounding; anything below minus this is k1."""

GRPO_ONLY = frozenset({"scale_rewards", "use_bias_correction_kl", "importance_sampling_level"})
RLOO_ONLY = frozenset({"normalize_advantages", "reward_clip_range", "rloo_k"})
ASYNC_ONLY = frozenset({"max_staleness", "max_inflight_tasks", "weight_sync_steps"})


@dataclass(frozen=True)
class Dialect:
    """One trainer's way of naming things; ``trainer`` is the name that is shown."""

    name: str
    trainer: str | None
    marks: Callable[[Collection[str]], bool]


def _has(*needed: str) -> Callable[[Collection[str]], bool]:
    return lambda keys: all(key in keys for key in needed)


def _grpo_like(keys: Collection[str]) -> bool:
    return ("completions/mean_length" in keys or "num_tokens" in keys) and "reward" in keys


def _async_grpo(keys: Collection[str]) -> bool:
    # It has all the keys of GRPO, kl and completions/mean_length among them, and these besides.
    return "weight_sync_time_s" in keys or {"ratio", "train_seq_len"} <= set(keys)


def _grpo_0_15(keys: Collection[str]) -> bool:
    return "completion_length" in keys and "reward" in keys


def _verl(keys: Collection[str]) -> bool:
    marks = ("critic/score/mean", "actor/pg_loss", "critic/rewards/mean")
    return any(mark in keys for mark in marks) or any(key.startswith("val-core/") for key in keys)


def _openrlhf(keys: Collection[str]) -> bool:
    marks = ("logprobs_diff", "actor_lr", "rollout/reward_mean")
    return {"kl", "reward", "response_length"} <= set(keys) and any(m in keys for m in marks)


DIALECTS: tuple[Dialect, ...] = (
    Dialect("online_dpo", "TRL OnlineDPO", _has("objective/scores", "logps/chosen")),
    Dialect("ppo", "TRL PPO", _has("objective/scores", "loss/value_avg")),
    Dialect("rloo_v1", "TRL RLOO", _has("objective/scores", "policy/approxkl_avg")),
    Dialect("ppo_0_11", "TRL PPO", _has("objective/kl", "ppo/mean_scores")),
    Dialect("async_grpo", "TRL AsyncGRPO", _async_grpo),
    Dialect("grpo_0_15", "TRL GRPO", _grpo_0_15),
    Dialect("grpo_or_rloo", None, _grpo_like),
    Dialect("verl", "verl", _verl),
    Dialect("openrlhf", "OpenRLHF", _openrlhf),
    Dialect("kto", "TRL KTO", _has("rewards/chosen", "logps/chosen", "kl")),
    Dialect("dpo", "TRL DPO", _has("rewards/chosen", "rewards/margins")),
)
"""Tried in this order; the first whose marks are there is taken."""

GRPO = Dialect("grpo", "TRL GRPO", _grpo_like)
RLOO = Dialect("rloo", "TRL RLOO", _grpo_like)
ASYNC_GRPO = next(dialect for dialect in DIALECTS if dialect.name == "async_grpo")


def named(name: str | None) -> Dialect | None:
    """A dialect by its name; None where there is none of that name."""
    return next((d for d in (*DIALECTS, GRPO, RLOO) if d.name == name), None)


def dialect_of(
    keys: Collection[str], settings: Mapping[str, Any], kl: Sequence[float]
) -> Dialect | None:
    """The dialect of a log; None where its keys are no known trainer's.

    Args:
        keys: all keys of the log, without ``train/`` or ``eval_``.
        settings: the trainer's settings where the log has them, else empty.
        kl: logged values of ``kl`` in training rows. GRPO and RLOO share their keys; without
            settings the sign of these tells them apart, or nothing does.
    """
    known = set(keys)
    found = next((dialect for dialect in DIALECTS if dialect.marks(known)), None)
    if found is None or found.name != "grpo_or_rloo":
        return found
    if ASYNC_ONLY & settings.keys():
        return ASYNC_GRPO
    if RLOO_ONLY & settings.keys():
        return RLOO
    if GRPO_ONLY & settings.keys():
        return GRPO
    if any(value < -K3_ROUNDING for value in kl):
        return RLOO
    return GRPO if len(kl) >= MIN_ROWS_TO_TELL else found
