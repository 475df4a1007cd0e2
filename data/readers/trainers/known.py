"""Which trainer wrote a log: told from its keys and, where it is logged, from its settings.

The same key means another thing to another trainer (``kl`` is k3 in GRPO, k1 in RLOO, the drift
from the previous policy in AsyncGRPO), so nothing is mapped before this is known.

Adding a trainer's keys: a module that declares its dialect, and its name in ``DIALECTS``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from data.readers.kl.kl_table import LOSS_TERM, NotPolicyKL, never
from data.readers.trainers.dialect import Dialect
from data.readers.trainers.nemo import AREAL, NEMO_RL, TUNIX
from data.readers.trainers.openrlhf import OPENRLHF
from data.readers.trainers.prime import ART, PRIME_RL, TINKER
from data.readers.trainers.slime import OAT, OPEN_INSTRUCT, SKYRL, SLIME
from data.readers.trainers.swift import MS_SWIFT, SWIFT_KEYS, SWIFT_ONLY, UNSLOTH
from data.readers.trainers.trl import (
    ASYNC_GRPO,
    DPO,
    GRPO,
    GRPO_0_15,
    GRPO_OR_RLOO,
    KTO,
    ONLINE_DPO,
    PPO,
    PPO_0_11,
    RLOO,
    RLOO_V1,
)
from data.readers.trainers.verl import VERL
from data.readers.trainers.verl_kin import EASYR1, ROLL

MIN_ROWS_TO_TELL = 10
"""Rows of a never negative ``kl`` from which on it is taken for k3, not for a lucky k1."""

K3_ROUNDING = 1e-6
"""k3 is >= 0 up to float32 rounding; anything below minus this is k1."""

GRPO_ONLY = frozenset({"scale_rewards", "use_bias_correction_kl", "importance_sampling_level"})
RLOO_ONLY = frozenset({"normalize_advantages", "reward_clip_range", "rloo_k"})
ASYNC_ONLY = frozenset({"max_staleness", "max_inflight_tasks", "weight_sync_steps"})

DIALECTS: tuple[Dialect, ...] = (
    ONLINE_DPO,
    PPO,
    RLOO_V1,
    PPO_0_11,
    ASYNC_GRPO,
    UNSLOTH,
    GRPO_0_15,
    GRPO_OR_RLOO,
    TINKER,
    PRIME_RL,
    SLIME,
    SKYRL,
    OPEN_INSTRUCT,
    OAT,
    AREAL,
    TUNIX,
    EASYR1,
    ROLL,
    VERL,
    OPENRLHF,
    NEMO_RL,
    ART,
    KTO,
    DPO,
)
"""Tried in this order; the first whose marks are there is taken."""

KNOWN = (*DIALECTS, GRPO, RLOO, MS_SWIFT)
"""All of them: GRPO, RLOO and ms-swift share their marks."""

ANYWHERE = (
    NotPolicyKL(
        "kl_loss", LOSS_TERM,
        "public/rlvr_math500_logs/SOURCE.txt (7_5)",
    ),
)  # fmt: skip
"""What is refused of logs whose trainer is not known."""

KL_TABLE = tuple(replace(entry, dialect=d.name) for d in KNOWN for entry in d.kls)
"""The KLs of each dialect that measure the distance from the initial policy, the best first."""

NOT_POLICY = (*(entry for dialect in KNOWN for entry in dialect.refused), *ANYWHERE)
"""What is never offered as the axis."""

NOT_POLICY_KL = {entry.key: entry.what for entry in NOT_POLICY if entry.dialect is None}
NO_KL_DIALECTS = {
    entry.dialect: entry.what for entry in NOT_POLICY if entry.dialect and entry.key == "kl"
}
PROXY_OF_DIALECT = {d.name: d.proxy for d in KNOWN if d.proxy is not None}
INCLUDE_KL = tuple(key for dialect in KNOWN for key in dialect.includes_kl)
"""Rewards from which a KL penalty is taken already: they are no proxy."""
SETTINGS_KEPT = tuple(dict.fromkeys(name for dialect in KNOWN for name in dialect.settings))
"""Settings of the trainers that are handed on."""


def named(name: str | None) -> Dialect | None:
    """A dialect by its name; None where there is none of that name."""
    return next((dialect for dialect in KNOWN if dialect.name == name), None)


def why_not(key: str, dialect: Dialect | None = None) -> str:
    """What a key is, if it can never be the KL from the initial policy; empty where it can.

    Args:
        key: as logged.
        dialect: the trainer's; what it declares as its KL is one, whatever it is called.
    """
    if dialect is not None:
        if any(entry.key == key for entry in dialect.kls):
            return ""
        own = next((entry.what for entry in dialect.refused if entry.key == key), "")
        if own:
            return own
    return NOT_POLICY_KL.get(key) or never(key)


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
    if found is None or found is not GRPO_OR_RLOO:
        return found
    if SWIFT_ONLY & settings.keys() or SWIFT_KEYS & known:
        return MS_SWIFT
    if ASYNC_ONLY & settings.keys():
        return ASYNC_GRPO
    if RLOO_ONLY & settings.keys():
        return RLOO
    if GRPO_ONLY & settings.keys():
        return GRPO
    if any(value < -K3_ROUNDING for value in kl):
        return RLOO
    return GRPO if len(kl) >= MIN_ROWS_TO_TELL else found
