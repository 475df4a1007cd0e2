"""What stands beside a key ``kl`` and makes it doubtful that it is ours: the words of trainers.

Beside our own words a ``kl`` is by our contract nats per response. A trainer's key beside it says
that a trainer may have logged it, and many log a mean per token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import polars as pl

from data.readers.kl import kl_headings
from data.readers.kl.own_words import OTHERS
from data.readers.kl.sanity import MOST_PER_TOKEN
from data.readers.names.mapping import RUN_COLUMNS, folded
from data.words.terminal import one_line

MOST = 4096
"""Rows that tell a median."""
MiddleOf = Callable[[str], float | None]
OBJECTIVE = (
    "TRL's PPO and RLOO log it per response, and its Online DPO counts padding too; no other key "
    "tells which it is"
)
_LENGTH = next(column for column in RUN_COLUMNS if column.name == "response_length")

_SURE = re.compile(
    r"(^|/)(completions?[/_](mean|min|max)_\w*length|completions/clipped_ratio|num_tokens"
    r"|frac_reward_zero_std|clip_ratio/\w+|actor_lr|critic_lr|ppo_kl|vllm_kl|logprobs_diff"
    r"|completion_length|clip_ratio|val/sequence_lengths"
    r"|(objective|policy|perf|timing_s|val-core|val-aux|ppo)/(?!(\w*_)?kl(_\w*)?$)\w+"
    r"|(actor|critic)/\w+|ppo_clip_ratio|response_clip_ratio|rewards/[^/]+/(mean|std))$"
)
"""Keys that trainers write and people do not."""
_PERHAPS = re.compile(
    r"(^|[/_])(reward_std|rewards?/std|(num_)?completion_(tokens|len(gth)?s?)(_\w+)?"
    r"|completions?_(mean|avg)_len(gth)?|completion_len|(\w+_)?kl_loss(_\w+)?|loss_kl|kl_penalty"
    r"|approx_?kl|k[23]_kl|policy_kl|ref_kl|logps?/\w+|advantages?/\w+|sampling/\w+(/\w+)*"
    r"|pg_loss|vf_loss|(pg_)?clip_?frac(tion)?|mfu|tps|tgs"
    r"|(tokens|tok|toks|samples|steps)(_per_|/)s(ec(ond)?s?)?(_per_gpu)?|throughput\w*"
    r"|num_input_tokens_seen|total_flos)([/_](mean|avg|min|max))?$"
)
"""Keys that trainers write, and people now and then."""
_REFERENCE = frozenset({"ref", "reference", "init", "initial", "base", "sft"})
"""Words of a KL's name that say which policy it is from."""
_UNITS = frozenset({"token", "tokens", "tok", "nats", "nat", "bits", "bit", "sum", "total"})
_APART = 0.2
"""Share of the larger by which the medians of two columns differ that hold two KLs."""
_HF = frozenset({"learning_rate", "grad_norm", "epoch"})
"""What the Hugging Face trainer logs in each call; and what its trackers put before its step."""
_OF_HF = _HF | {"global_step"}


def sure(keys: Sequence[str]) -> str:
    """The first key that only a trainer writes; empty where there is none.

    >>> sure(["kl", "proxy_reward", "completions/mean_length"]), sure(["kl", "reward_std"])
    ('completions/mean_length', '')
    """
    return next((key for key in keys if _SURE.search(key.replace(".", "/"))), "")


def perhaps(keys: Sequence[str], kl: str) -> str:
    """The first key that a trainer writes, and a person may; empty where there is none.

    The Hugging Face trainer is known by its three keys together, and by one of them under
    ``train/`` beside a ``kl`` that stands under nothing: two have written such a log.

    >>> perhaps(["kl", "tokens_per_sec"], "kl"), perhaps(["kl", "grad_norm"], "kl")
    ('tokens_per_sec', '')
    >>> perhaps(["kl", "train/grad_norm"], "kl"), perhaps(["train/kl", "train/loss"], "train/kl")
    ('train/grad_norm', '')
    """
    names = {key: key.strip().lower().replace(".", "/").replace(" ", "_") for key in keys}
    found = next((key for key, name in names.items() if key != kl and _PERHAPS.search(name)), "")
    if found:
        return found
    under = {key: name.removeprefix("train/") for key, name in names.items()}
    if folded(kl) == "kl":
        mixed = (key for key, name in names.items() if name != under[key] and under[key] in _OF_HF)
        if key := next(mixed, ""):
            return key
    if set(under.values()) >= _HF:
        return next(key for key in keys if under[key] == "grad_norm")
    return ""


def rival(keys: Sequence[str], kl: str, middle_of: MiddleOf) -> str:
    """What is said where another key names the reference that ``kl`` does not, and holds others.

    Which of the two is the KL from the initial policy is not guessed. Empty where there is none.

    >>> rival(["kl", "kl_ref"], "kl", {"kl": 0.01, "kl_ref": 4.0}.get)
    'which KL is from the initial policy is unknown: kl and kl_ref differ (medians 0.01 and 4), \
and kl_ref names the reference; name one with --kl KEY (--kl kl or --kl kl_ref)'
    >>> rival(["kl", "kl_ref"], "kl", {"kl": 4.0, "kl_ref": 4.1}.get)
    ''
    """
    for key in keys:
        words = set(kl_headings.words(key))
        if key == kl or "kl" not in words or not words & _REFERENCE or words & (OTHERS | _UNITS):
            continue
        if kl_headings.derived(key):
            continue
        one, other = middle_of(kl), middle_of(key)
        if one is None or other is None or abs(one - other) <= _APART * max(abs(one), abs(other)):
            continue
        both = one_line(kl), one_line(key)
        return (
            f"which KL is from the initial policy is unknown: {both[0]} and {both[1]} differ "
            f"(medians {one:.3g} and {other:.3g}), and {both[1]} names the reference; name one "
            f"with --kl KEY (--kl {both[0]} or --kl {both[1]})"
        )
    return ""


def why(key: str, kl: str) -> str:
    """Why a trainer's key (of ``weighed``) leaves the unit of ``kl`` unknown."""
    if key != kl:
        return f"a trainer's {one_line(key)} stands beside it: many log it per token"
    return OBJECTIVE if _objective(kl) else "a trainer's name: many log it per token"


def _objective(kl: str) -> bool:
    return kl.replace(".", "/").endswith("objective/kl")


def weighed(
    keys: Sequence[str], kl: str, middle_of: MiddleOf, foreign: str = ""
) -> tuple[str, str]:  # fmt: skip
    """The trainer's key that makes the unit of a key ``kl`` doubtful, and what is said if none.

    Where a trainer may have written the log the numbers decide: a median above what a token can
    have is no mean per token, nor is it a coefficient times KL. One row alone decides nothing.

    Args:
        keys: all of the log.
        kl: the one that is taken for the KL.
        middle_of: the median of what a key holds.
        foreign: the same as ``kl`` where it stands under a word that may be a trainer's.
    """
    if key := sure(keys) or foreign * _objective(foreign):
        return key, ""
    key, value = perhaps(keys, kl) or foreign, middle_of(kl)
    if key and (value is None or not value > MOST_PER_TOKEN):
        return key, ""
    if key:
        why = f"a trainer's {one_line(key)} stands beside it" if key != kl else "a trainer's name"
        return "", f"; {why}, but a median of {value:.3g} is too large for a KL per token"
    length = middle_of(found) if (found := _LENGTH.find(keys)) else None
    if value is None or length is None or not 0 < value <= MOST_PER_TOKEN or length <= 1:
        return "", ""
    return "", (
        f"; no key says so: were it per token, its median would be {value * length:.3g} per "
        f"response at {length:.4g} tokens, and --kl-unit nats/token would be right"
    )


def middle(values: pl.Series) -> float | None:
    """The median of the numbers that are finite; None where none is. Of very many some tell it."""
    values = values.gather_every(max(1, values.len() // MOST))
    found = values.filter(values.is_finite()).median()
    return float(found) if isinstance(found, float) else None


def unknown_middle(key: str) -> float | None:
    """The median of a key's numbers where these are not at hand."""
    return None
