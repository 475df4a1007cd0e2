"""Our columns and where they stand in the trainers' logs, as a declared table."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

_MARKS = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)
def folded(key: str) -> str:
    """A heading as it is compared where none is exactly ours: no case, blanks or punctuation.

    >>> folded("Proxy Reward"), folded("proxyReward"), folded("train/KL ")
    ('proxyreward', 'proxyreward', 'trainkl')
    """
    return _MARKS.sub("", key.casefold())


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
        the ``train/`` that trainers put before theirs.
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
        return next((there[f] for key in self.keys if (f := folded(key)) in there), None)


RUN_COLUMNS: tuple[Column, ...] = (
    Column(
        "response_length",
        keys=(
            "response_length",
            "completions/mean_length",
            "completion_length",
            "tokens/responses_len_mean",
            "avg_response_len",
            "response_length/mean",
            "rollout/response_length_mean",
            "mean_completion_len",
            "mean_completion_length",
            "completion_tokens",
            "gen_len_mean",
            "mean_response_length",
        ),
    ),
    Column("entropy", keys=("entropy", "policy/entropy_avg", "entropy_avg", "actor/entropy")),
    Column(
        "clipped_share",
        keys=(
            "clipped_share",
            "completions/clipped_ratio",
            "response_length/clip_ratio",
            "rollout/truncated_rate",
            "response_clip_ratio",
        ),
    ),
    Column("gold_reward_se", keys=("gold_reward_se",)),
    Column("n_responses", keys=("n_responses", "gold_reward_n", "rollout/num_samples")),
    Column("stretch", keys=("stretch",)),
)
"""Columns that mean the same in every trainer's log and in plain tables."""

PROXY = Column(
    "proxy_reward",
    keys=(
        "proxy_reward",
        "proxy_reward_mean",
        "proxy",
        "reward",
        "reward_mean",
        "reward/mean",
        "reward_avg",
    ),
)
GOLD = Column("gold_reward", keys=(
    "gold_reward", "gold_reward_mean", "gold", "gold_score", "gold_accuracy", "gold_win_rate",
))  # fmt: skip
PROXY_SD = Column("proxy_reward_sd", keys=("proxy_reward_sd", "rollout/reward_std"))
GOLD_SD = Column("gold_reward_sd", keys=("gold_reward_sd",))
KL = Column("kl", keys=("kl",))
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
    ),
)
RUN_ID = Column("run_id", keys=("run_id", "loop"))
PHASE = Column("phase", keys=("phase",))

SAMPLE_TEXTS: tuple[Column, ...] = (
    Column("prompt", keys=("prompt",)),
    Column("completion", keys=("completion", "text", "response")),
    Column("prompt_id", keys=("prompt_id",)),
)
SAMPLE_NUMBERS: tuple[Column, ...] = (
    Column("sample_id", keys=("sample_id", "text_id")),
    Column("logprob_policy", keys=("logprob_policy",)),
    Column("logprob_reference", keys=("logprob_reference", "logprob_base")),
)

PHASES = {
    "train": "train", "training": "train",
    "eval": "eval", "evaluation": "eval", "val": "eval", "validation": "eval", "test": "eval",
}  # fmt: skip
"""Words for a phase in a plain table; any other word cannot be told to be training."""

_RATE = re.compile(
    r"(^|[^a-z])(acc|accuracy|pass(@?\d+)?|solved?|success|verifier|correct(ness)?)([^a-z]|$)"
)
_WIN_RATE = re.compile(r"win_?rate")


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
