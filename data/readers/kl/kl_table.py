"""What a logged KL is: estimator, unit, reference, and the way to nats per response.

Each trainer's KLs are declared with its dialect, because the key alone says none of these. The
evidence names the trainer's file in which the formula stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.readers.kl import kl_headings

PER_RESPONSE = "nats/sequence"
PER_TOKEN = "nats/token"
ESTIMATORS = ("k1", "k2", "k3", "exact", "bon_bound")


@dataclass(frozen=True)
class LoggedKL:
    """One logged KL of a dialect: ``key`` and ``when`` find it, the rest says what it is.

    ``when`` names settings (the end of their dotted names) and the values that they must have;
    rows of one key stand from the most special to the one without a condition. ``chosen_by``
    names the settings that choose the estimator, where it can be chosen.
    """

    key: str
    estimator: str | None
    unit: str | None  # None: cannot be told
    reference: str
    conversion: str  # of one batch; a row over several batches is approximate at best
    note: str
    evidence: str
    when: tuple[tuple[str, tuple[object, ...]], ...] = ()
    chosen_by: tuple[str, ...] = ()
    coefficient: tuple[str, ...] = ()
    """Not empty: logged is minus a coefficient times KL, and these settings state it."""
    dialect: str = ""  # filled in where the tables of all dialects stand together


@dataclass(frozen=True)
class NotPolicyKL:
    """A key that looks like a KL and never is the distance from the initial policy."""

    key: str
    what: str
    evidence: str
    dialect: str | None = None  # None: whatever the trainer


DRIFT = "the drift from the previous policy"
LOSS_TERM = "a loss term, coefficient times KL"
COEFFICIENT = "a coefficient"
MISMATCH = "the difference between the rollout engine and the trainer"
TIMES_LENGTH = "times the mean response length; length goes with KL, so the product is approximate"
"""How a mean per token becomes a sum over the response, where tokens were not weighted."""

MISMATCH_PREFIX = "rollout_corr/"
"""How the keys begin under which verl logs that difference."""
_ENDS = r"(/(all|avg|mean|min|max|sum))*$"
_NEVER = tuple((re.compile(pattern + _ENDS), what) for pattern, what in (
    (r"(^|[/_])(ppo_kl|policykl|(behave_)?approx_?kl(_avg)?|kl_(sample_train|pre_post)(_v\d+)?)",
     DRIFT),
    (r"(^|/)offpolicy/kl", DRIFT),
    (r"(^|/)rollout_corr/.*", MISMATCH),
    (r"(^|[/_])(mismatch_kl|vllm_kl|gen_kl_error|policy_kl_error|js_divergence_error"
     r"|train_rollout_logprob_abs_diff)", MISMATCH),
    (r"(^|[/_])(opd_reverse_kl|teacher_kl|kl_teacher)", "the distance from a teacher"),
    (r"(^|/)fipo/.*|(^|[/_])future_kl(_mean)?", "a weight of future tokens"),
    (r"(^|[/_])kl(_[a-z]+)*_(coeff?|coefficient|ctl|weight)", COEFFICIENT),
    (r"(^|(?<!actor)/)kl_loss|(^|/)loss/kl(_avg)?|(^|/)kl_rewards?|(^|/)non_score_reward",
     LOSS_TERM),
    (r"(^|[/_])(target_kl|kl_target|kl_ent_ratio)", "a setting or a ratio"),
))  # fmt: skip
"""The last parts of the names of what is never the distance from the initial policy.

Sources: the files of the trainers that the dialects name; prime-rl trainer/rl/loss.py:100-106,
Tinker cookbook rl/metrics.py:58-66, NeMo-RL loss_functions.py, AReaL actor.py:202-203.
"""


def never(key: str) -> str:
    """What a key is by its last parts, if never the distance from the initial policy; else empty.

    >>> never("train/mismatch_kl"), never("ppo_actor/update/approx_kl/avg"), never("policy/kl")
    ('the difference between the rollout engine and the trainer', \
'the drift from the previous policy', '')
    """
    name = key.strip().lower().replace(".", "/")
    found = next((what for pattern, what in _NEVER if pattern.search(name)), "")
    return found or kl_headings.derived(key.strip())


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

ESTIMATOR_NAMES: dict[str, str | None] = {
    "k1": "k1", "kl": "k1", "k2": "k2", "mse": "k2", "k3": "k3", "low_var_kl": "k3",
    "full": "exact", "abs": None,
}  # fmt: skip
"""The trainers' names of estimators in our words."""


def setting(settings: Mapping[str, Any], name: str) -> Any:
    """A setting by its name or by the end of its dotted name; None where it is not stated.

    >>> setting({"actor_rollout_ref.actor.loss_agg_mode": "token-mean"}, "loss_agg_mode")
    'token-mean'
    """
    if name in settings:
        return settings[name]
    return next((value for key, value in settings.items() if key.endswith(f".{name}")), None)
