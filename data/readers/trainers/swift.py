"""How ms-swift and Unsloth name things: TRL's keys, and not always TRL's KL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl

from data.readers.kl.kl_table import PER_RESPONSE, PER_TOKEN, TIMES_LENGTH, LoggedKL, setting
from data.readers.trainers.dialect import Dialect, Observed, has

SWIFT_ONLY = frozenset({"advantage_estimator", "rlhf_type", "kl_in_reward"})
"""Settings by which ms-swift is told from TRL."""
SWIFT_KEYS = frozenset({
    "memory(GiB)", "train_speed(s/it)", "train_speed(iter/s)", "global_step/max_steps",
})  # fmt: skip
"""Keys by which it is."""
MORE_ROWS = 5  # than numbers that are fitted, so that a fit says something
TELLS_APART = 1e4  # condition number of columns that can still be told apart
FITS = 1e-4  # of the size of the total: float32 and the mean over a batch
IN_REWARD_BY_DEFAULT = ("rloo", "reinforce_plus_plus")
"""Advantage estimators with which the KL penalty is taken off the reward unless said otherwise."""


def _grpo_like(keys: Collection[str]) -> bool:
    return "completions/mean_length" in keys and "reward" in keys


def _observed(settings: Mapping[str, Any], trained: pl.DataFrame) -> Observed:
    """Whether the KL is in the reward: as set, by the estimator's default, or from the rows."""
    stated = setting(settings, "kl_in_reward")
    if isinstance(stated, bool):
        return {"kl_in_reward": stated}
    estimator = setting(settings, "advantage_estimator")
    if estimator is not None:
        return {"kl_in_reward": estimator in IN_REWARD_BY_DEFAULT}
    functions = [key for key in trained.columns
                 if key.startswith("rewards/") and key.endswith("/mean")]  # fmt: skip
    for key in functions:
        rows = trained.select("reward", key, "kl").drop_nulls() if "kl" in trained.columns else None
        if rows is None or not rows.height:
            continue
        total, mean, kl = rows.to_numpy().T
        if np.any(kl != 0) and np.allclose(total, mean, rtol=1e-4, atol=1e-6):
            return {"kl_in_reward": False}
    return _from_rows(trained, functions)


def _from_rows(trained: pl.DataFrame, functions: list[str]) -> Observed:
    """Whether the total is in every row a weighted sum of its functions less some times the KL.

    Nothing is said where no such sum fits all rows, or where several would.
    """
    names = [*functions, "kl"]
    if not functions or not {"reward", "kl"} <= set(trained.columns):
        return {}
    rows = trained.select("reward", *names).drop_nulls().to_numpy()
    if len(rows) < len(names) + MORE_ROWS or not np.isfinite(rows).all():
        return {}
    total, parts = rows[:, 0], rows[:, 1:]
    size = np.sqrt(np.mean(parts**2, axis=0))
    if not size.all() or np.linalg.cond(parts / size) > TELLS_APART:
        return {}
    weights, *_ = np.linalg.lstsq(parts / size, total, rcond=None)
    rms = np.sqrt(np.mean(total**2))
    if np.max(np.abs(parts / size @ weights - total)) > FITS * rms:
        return {}
    share, beta = abs(weights[-1]) / rms, -float(weights[-1] / size[-1])
    if share < 10 * FITS:
        return {"kl_in_reward": False}
    if beta < 0:
        return {}
    why = f"in all {len(rows)} rows reward is its functions less {beta:.4g} times kl"
    return {"kl_in_reward": True, "beta": beta, "why": f"{why}: the KL is in the reward"}


MS_SWIFT = Dialect(
    "ms_swift",
    "ms-swift",
    _grpo_like,
    kls=(
        LoggedKL(
            "kl",
            estimator="k1",
            unit=PER_RESPONSE,
            reference="initial_policy",
            conversion="exact",
            note="k1 per response at rollout (kl_in_reward), as logged; beta times it is off "
            "reward",
            evidence="ms-swift 4.6 grpo_trainer.py:454-464, 499; rlhf_args.py:369-373",
            when=(("kl_in_reward", (True,)),),
        ),
        LoggedKL(
            "kl",
            estimator="k3",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="exact",
            note="k3 per token, weighted by tokens, times the mean response length",
            evidence="ms-swift 4.6 grpo_trainer.py:987-990, 1166-1192",
            when=(("kl_in_reward", (False,)),),
        ),
        LoggedKL(
            "kl",
            None,
            None,
            "initial_policy",
            "unknown",
            "kl of ms-swift is per token, or per response with kl_in_reward, which neither the log "
            "nor an args.json beside it states: state it with --kl-unit nats/token or "
            "nats/response",
            "ms-swift 4.6 grpo_trainer.py:454-464, 987-990",
        ),
    ),
    total_includes_kl="kl_in_reward",
    observed=_observed,
    settings=("advantage_estimator", "rlhf_type", "kl_in_reward"),
)
UNSLOTH = Dialect(
    "unsloth", "Unsloth GRPO", has("completion_length", "completions/mean_length", "reward"),
    kls=(
        LoggedKL(
            "kl", "k3", PER_TOKEN, "initial_policy", "approximate",
            f"mean over responses of k3 per token, {TIMES_LENGTH}",
            "Unsloth 2026.10.9 rl_replacements.py:2899-2905",
        ),
    ),
)  # fmt: skip
