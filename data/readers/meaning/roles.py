"""Which logged key is the proxy that is optimised, and which the gold that is only watched.

TRL logs every reward function alike, even at weight 0, so the log does not say it. The proxy is
the function whose mean is the total ``reward``; gold is what is left, when only one is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.columns import LogError, ReadOptions
from data.readers.kl import kl_headings
from data.readers.names.answer_like import scattered
from data.readers.names.mapping import GOLD, GOLD_SD, PROXY_SD
from data.readers.raw.scalars import VALIDATION, Scalars
from data.readers.trainers.dialect import Dialect, matching
from data.readers.trainers.known import INCLUDE_KL
from data.readers.trainers.trained_on import of_functions, weights
from data.readers.trainers.trl import DPO_REWARDS

NO_PROXY = "the log has no proxy reward"
"""How the warning begins that no proxy was found."""

OURS = ("proxy_reward", "proxy_reward_mean")
"""Our own names, which hold in any trainer's log that has none of its own."""

FEWEST_TO_COMPARE = 3
"""Rows from which on gold that is the proxy in each is no accident."""

_LESS = frozenset({
    "perplexity", "ppl", "nll", "loss", "error", "errors", "toxicity", "wer", "cer", "mse", "mae",
    "hallucination", "hallucinations", "harm", "harmfulness",
})  # fmt: skip
"""Words in the name of a measure of which less is better."""
_NO_REWARD = re.compile(
    r"(ratio|len(gth)?s?|runtime|loss|per_second|samples|std|_sd|_se|/min|/max|kl|entropy|epoch"
    r"|tokens?)([_/]?(mean|avg))?$"
)
"""Ends of the names of an evaluation's keys that measure no goal."""

NO_GOLD = (
    "no gold reward was chosen among", "the log has no gold reward", "the table has no gold reward"
)  # fmt: skip
"""How the warnings begin that no gold reward was found."""


@dataclass
class Roles:
    """The keys chosen; None where the log has none."""

    proxy: str | None = None
    gold: str | None = None
    gold_in_evaluation: bool = False  # only there: in training rows the key is another thing
    lower_is_better: bool = False  # gold is taken with the other sign
    proxy_in_evaluation: str | None = None  # where evaluation logs it under another name
    proxy_sd: str | None = None
    gold_sd: str | None = None
    gold_candidates: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def reward_functions(keys: Sequence[str]) -> dict[str, str]:
    """Reward functions of a TRL log: the function's name -> the key of its mean."""
    means = {
        key.removeprefix("rewards/").removesuffix("/mean"): key
        for key in keys
        if key.startswith("rewards/") and key.endswith("/mean") and len(key) > len("rewards//mean")
    }
    if means:
        return means
    plain = [key for key in keys if key.startswith("rewards/") and not key.endswith("/std")]
    names = {key.removeprefix("rewards/"): key for key in plain}
    return {name: key for name, key in names.items() if name and name not in DPO_REWARDS}


def function_of(key: str) -> str:
    """A reward function's name out of the key of its mean; other keys as they are.

    >>> function_of("rewards/gold_rm/mean"), function_of("critic/score/mean")
    ('gold_rm', 'critic/score/mean')
    """
    if not key.startswith("rewards/"):
        return key
    return key.removeprefix("rewards/").removesuffix("/mean")


def choose(
    scalars: Scalars,
    dialect: Dialect | None,
    options: ReadOptions,
    settings: Mapping[str, Any] | None = None,
) -> Roles:
    """Choose proxy and gold of a trainer's log; the options' keys win.

    Raises:
        LogError: an option names a key that the log does not have; the message lists those it has.
    """
    every = scalars.keys()
    keys = [key for key in every if key]
    functions = reward_functions(keys)
    roles = Roles()
    if options.proxy:
        roles.proxy = named_key(options.proxy, keys, functions, "--proxy")
        if roles.proxy in INCLUDE_KL:
            roles.warnings.append(
                f"the proxy {roles.proxy} includes the KL penalty: it is not what the reward "
                "model gave"
            )
    elif dialect is not None and dialect.proxy is not None:
        patterns = (*dialect.proxy, *OURS)
        roles.proxy = next(
            (found[0] for pattern in patterns if (found := matching(pattern, keys))), None
        )
    else:
        roles.proxy = of_functions(
            scalars, dialect, functions, settings or {}, keys, roles.warnings
        )
    if dialect is not None and dialect.in_evaluation is not None:
        chosen = dialect.in_evaluation(keys)
        roles.gold, roles.proxy_in_evaluation = chosen.gold, chosen.proxy
        roles.gold_candidates = chosen.candidates
    given = options.gold or options.lower_is_better
    if given:
        roles.gold_candidates = []
        roles.gold = named_key(given, keys, functions, "--gold")
        roles.gold_in_evaluation = given.startswith("eval") and roles.gold == roles.proxy
    else:
        if dialect is not None and dialect.gold:
            _declared_gold(scalars, dialect, roles)
        _choose_gold(scalars, functions, keys, roles)
    roles.lower_is_better = bool(options.lower_is_better) and options.lower_is_better in (
        roles.gold, given,
    )  # fmt: skip
    if roles.lower_is_better:
        roles.warnings.append(minus(roles.gold))
    roles.proxy_sd = _sd_of(roles.proxy, keys) or PROXY_SD.find(keys)
    roles.gold_sd = _sd_of(roles.gold, keys) or GOLD_SD.find(keys)
    if roles.proxy is None:
        roles.warnings.append(f"{NO_PROXY}: name one with --proxy if it has")
    return roles


MINUS = "gold is minus "


def minus(gold: str | None) -> str:
    """What is said of a gold of which less is better; it begins with MINUS."""
    return f"{MINUS}{gold}: less of it is better, as stated"


def of_values(proxy: pl.Series, gold: pl.Series) -> list[str]:
    """What the values say against the roles: gold that is the proxy in every row."""
    same = proxy == gold  # null where one of them is
    both = same.len() - same.null_count()
    if both < FEWEST_TO_COMPARE or not same.all():
        return []
    return [
        f"gold is equal to the proxy in every row that has both ({both}), so it measures "
        "nothing of its own"
    ]


def _declared_gold(scalars: Scalars, dialect: Dialect, roles: Roles) -> None:
    """Gold by the trainer's own names, the best first; several of one name are candidates."""
    phases = {phase: [k for k in columns.values if k] for phase, columns in scalars.columns.items()}
    trained, evaluated = phases.get("train", []), phases.get("eval", [])
    for pattern in dialect.gold:
        bare = pattern.removeprefix("eval:")
        there = evaluated if bare != pattern else list(dict.fromkeys([*trained, *evaluated]))
        found = [key for key in matching(bare, there) if not _NO_REWARD.search(key.lower())]
        if len(found) == 1:
            roles.gold = found[0]
            roles.gold_in_evaluation = bare != pattern and roles.gold in trained
            return
        if found:
            roles.gold_candidates = sorted(found)
            return


def named_key(given: str, keys: Sequence[str], functions: dict[str, str], option: str) -> str:
    """The log's key for an option's value: a full key, a function's name, or with a phase prefix.

    Raises:
        LogError: there is no such key.
    """
    bare = given
    for prefix in ("train/", "eval/", "eval_"):
        bare = bare.removeprefix(prefix)
    for name in (given, bare):
        if name in functions:
            return functions[name]
        if name in keys:
            return name
    there = ", ".join(sorted(keys)[:60]) or "none"
    raise LogError(f"{option} names {given}, which is not among the keys of this log: {there}")


def _choose_gold(
    scalars: Scalars, functions: dict[str, str], keys: Sequence[str], roles: Roles
) -> None:
    if roles.gold:
        return
    if roles.gold_candidates:
        roles.warnings.append(_name_one(roles.gold_candidates))
        return
    direct = GOLD.find(keys)
    if direct is None and roles.proxy in ("critic/score/mean", "rollout/reward_mean", "reward"):
        # A key of the reward's or the agent's own, such as OpenRLHF's extra_logs.
        named = [key for key in keys if "gold" in key.lower() and not _is_spread(key)]
        direct = _alone(named) if not functions else None
    if direct and any(
        scattered(columns.values[direct])
        for columns in scalars.columns.values()
        if direct in columns.values
    ):
        roles.warnings.append(
            f"{direct} holds whole numbers spread over powers of ten and in no order, as reference "
            f"answers do, so it is not taken for gold: if it is, say --gold {direct}"
        )
        direct = None
    if direct:
        roles.gold = direct
        return
    rest = {name: key for name, key in functions.items() if key != roles.proxy}
    by_name = [name for name in rest if "gold" in name.lower()]
    unweighted = [name for name, weight in weights(scalars, functions).items() if not weight]
    proxy_is_function = roles.proxy in functions.values()
    if len(by_name) == 1:
        roles.gold = rest[by_name[0]]
    elif len(rest) == 1 and proxy_is_function:
        roles.gold = next(iter(rest.values()))
    elif len([name for name in unweighted if name in rest]) == 1:
        roles.gold = rest[next(name for name in unweighted if name in rest)]
    elif rest and len(functions) > 1:
        # With a weighted sum as proxy, each function is a part of it: none is independent of it.
        roles.gold_candidates = sorted(rest.values())
        roles.warnings.append(_name_one(roles.gold_candidates))
    if not roles.gold and not roles.gold_candidates:
        roles.warnings.append("the log has no gold reward: name one with --gold if it has")


def _name_one(candidates: list[str]) -> str:
    return f"no gold reward was chosen among {', '.join(candidates)}: name it with --gold"


def _alone(keys: list[str]) -> str | None:
    return keys[0] if len(keys) == 1 else None


def _is_spread(key: str) -> bool:
    return key.lower().endswith(("std", "_sd", "_se", "/min", "/max"))


def val_part(key: str | None) -> str | None:
    """The reward key inside the name of one of verl's validation metrics; other names as they are.

    >>> val_part("val-core/openai/gsm8k/acc/mean@4")
    'acc'
    """
    if key is None or not key.startswith(VALIDATION):
        return key
    parts = key.split("/")
    at = next((i for i, part in enumerate(parts) if "@" in part), len(parts))
    return parts[at - 1] if at > 2 else None


def _sd_of(key: str | None, keys: Sequence[str]) -> str | None:
    if key is None or not key.startswith("rewards/"):
        return None
    sd = key.removesuffix("/mean") + "/std"
    return sd if sd in keys else None


def falls_when_better(key: str) -> str:
    """What is said of a gold of which, by its name, less is better; empty for others.

    >>> falls_when_better("gold_reward"), falls_when_better("eval/toxicity")[:23]
    ('', 'by its name, less of ev')
    """
    if _LESS.isdisjoint(kl_headings.words(key)):
        return ""
    return (
        f"by its name, less of {key} is better, but it is read as a gold of which more is better: "
        f"if so, say --lower-is-better {key} instead of --gold"
    )
