"""Our columns and where they stand in the trainers' logs, as a declared table."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from data.declared import MEASURED

_MARKS = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)
def folded(key: str) -> str:
    """A heading as it is compared where none is exactly ours: no case, blanks or punctuation.

    >>> folded("Proxy Reward"), folded("proxyReward"), folded("train/KL ")
    ('proxyreward', 'proxyreward', 'trainkl')
    """
    return _MARKS.sub("", key.casefold())


_UNIT = re.compile(
    r"\s*[\[(]\s*(in\s+)?(tokens?|toks?|points?|pts|units?|scores?|mean|avg|average|%|percent|#"
    r"|a\.?u\.?|-|nats/token|nats per token|0-1|0\.\.1)\s*[\])]\s*$", re.IGNORECASE,
)  # fmt: skip


@lru_cache(maxsize=8192)
def without_unit(key: str) -> str:
    """A heading without the unit in brackets after it, where that leaves it what it is.

    >>> without_unit("Response length [tokens]"), without_unit("Gold reward (std)")
    ('Response length', 'Gold reward (std)')
    """
    return _UNIT.sub("", key)


@dataclass(frozen=True)
class Column:
    """One of our columns and the keys that hold it, the most exact first.

    Columns whose meaning depends on the trainer (kl, proxy_reward, gold_reward in a trainer's log)
    are not here: see ``kl_table`` and ``roles``.
    """

    name: str
    keys: tuple[str, ...]
    loose: bool = True  # whether headings are compared without case, blanks and punctuation

    def find(self, keys: Collection[str]) -> str | None:
        """The first of this column's keys that is among ``keys``; None where none is.

        Where none stands there exactly they are compared loosely (``folded``), and then without
        the ``train/`` that trainers put before theirs, and the unit that people put after.
        """
        exact = next((key for key in self.keys if key in keys), None)
        if exact is not None or not self.loose:
            return exact
        there: dict[str, str] = {}
        for key in keys:
            there.setdefault(folded(key), key)
        for key in keys:
            if key.lower().startswith("train/"):
                there.setdefault(folded(key[6:]), key)
            if key[-1:] in "])":
                there.setdefault(folded(without_unit(key)), key)
        return next((there[f] for key in self.keys if (f := folded(key)) in there), None)


_MEASURED = {metric.name: Column(metric.name, metric.keys) for metric in MEASURED}

RUN_COLUMNS: tuple[Column, ...] = tuple(
    _MEASURED[metric.name] for metric in MEASURED if not metric.by_role
)
"""Columns that mean the same in every trainer's log and in plain tables (data.declared)."""

PROXY, GOLD, KL = _MEASURED["proxy_reward"], _MEASURED["gold_reward"], _MEASURED["kl"]
PROXY_SD, GOLD_SD = _MEASURED["proxy_reward_sd"], _MEASURED["gold_reward_sd"]
_STEPPING = (
    "global", "training", "train", "optimizer", "optimiser", "optim", "optimization", "gradient",
    "grad", "policy", "actor", "learner", "rl", "ppo", "grpo",
)  # fmt: skip
SAMPLES_A_PROMPT = Column("n_samples_per_prompt", keys=("n_samples_per_prompt",))
STEP = Column(
    "step",
    keys=(
        "step",
        "train/global_step",
        "global_step",
        "training/global_step",
        "trainer/global_step",
        "training_step",
        "train_step",
        "optimizer_step",
        "global_step/max_steps",
        "current_steps",
        "checkpoint_step",
        "steps",
        "iteration",
        "update",
        "round",
        "episode",
        "n",
        *(f"{name}_{word}" for name in _STEPPING for word in ("step", "steps")),
        "trainer/step",
        "step_id",
        "step_idx",
        "step_num",
        "step_number",
        "iter",
        "iters",
        "iterations",
        "updates",
        "n_updates",
        "num_updates",
        "timestep",
        "timesteps",
        "checkpoint",
        "ckpt",
        "batch",
        "batch_idx",
    ),
)
RUN_ID = Column("run_id", keys=("run_id", "loop"))
PHASE = Column("phase", keys=("phase",))

SAMPLE_TEXTS: tuple[Column, ...] = (
    Column("prompt", keys=("prompt",)),
    Column("completion", keys=("completion", "text", "response")),
    Column("prompt_id", keys=("prompt_id",)),
    Column("text_id", keys=("text_id",)),
)
SAMPLE_NUMBERS: tuple[Column, ...] = (
    Column("sample_id", keys=("sample_id", "text_id")),
    Column("logprob_policy", keys=("logprob_policy",)),
    Column("logprob_reference", keys=("logprob_reference", "logprob_base")),
)

PHASES = {
    "train": "train", "training": "train",
    "eval": "eval", "evaluation": "eval", "val": "eval", "validation": "eval", "test": "eval",
    "evaluate": "eval", "valid": "eval", "dev": "eval", "holdout": "eval", "held-out": "eval",
    "held_out": "eval", "heldout": "eval",
}  # fmt: skip
"""Words for a phase in a plain table; any other word cannot be told to be training."""

_RATE = re.compile(
    r"(^|[^a-z])(acc|accuracy|pass(@?\d+)?|solved?|success|verifier|correct(ness)?)([^a-z]|$)"
)
_WIN_RATE = re.compile(r"win_?rate")


def prompts_behind(n_responses: pl.Series, each: pl.Series) -> pl.Series:
    """Distinct prompts, whole numbers of the same shape, from responses and responses a prompt.

    Null where either is, and where a prompt would have less than one response.

    >>> prompts_behind(pl.Series([320.0, 8.0, None]), pl.Series([8.0, 0.0, 8.0])).to_list()
    [40.0, None, None]
    """
    rows = pl.DataFrame([n_responses.alias("n"), each.alias("each")])
    counted = pl.when(pl.col("each") >= 1).then((pl.col("n") / pl.col("each")).floor())
    return rows.select(counted).to_series()


def gold_kind_of(key: str, low: float | None, high: float | None) -> str:
    """Whether a gold key is a ``score``, a ``rate`` of trials, or a ``win_rate``.

    Args:
        key: the gold key's name in the log.
        low: smallest value logged; None where there is none.
        high: largest value logged. A rate lies in [0, 1] or, as percent, in [0, 100].
    """
    name = key.lower()
    if _WIN_RATE.search(name):
        return "win_rate"
    if _RATE.search(name) and low is not None and high is not None and 0 <= low <= high <= 100:
        return "rate"
    return "score"
