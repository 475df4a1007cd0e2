"""Which logged key is the proxy that is optimised, and which the gold that is only watched.

TRL logs every reward function alike, even at weight 0, so the log does not say it. The proxy is
the function whose mean is the total ``reward``; gold is what is left, when only one is.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from data.columns import LogError, ReadOptions
from data.readers.dialect import Dialect, matching
from data.readers.dialects import INCLUDE_KL
from data.readers.kl_table import setting
from data.readers.mapping import GOLD, GOLD_SD, PROXY, PROXY_SD
from data.readers.scalars import VALIDATION, Scalars
from data.readers.trl_dialects import DPO_REWARDS

TOLERANCE = 1e-4
"""Relative difference within which a function's mean is the total reward (float32, batch means)."""

UNORDERED = ("mlflow",)
"""Stores that keep no order of metrics."""

NO_PROXY = "the log has no proxy reward"
"""How the warning begins that no proxy was found."""

FEWEST_TO_COMPARE = 3
"""Rows from which on gold that is the proxy in each is no accident."""

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
        roles.proxy = next(
            (found[0] for pattern in dialect.proxy if (found := matching(pattern, keys))), None
        )
    else:
        roles.proxy = _of_functions(scalars, dialect, functions, settings or {}, keys, roles)
    if dialect is not None and dialect.in_evaluation is not None:
        held = dialect.in_evaluation(keys)
        roles.gold, roles.proxy_in_evaluation = held.gold, held.proxy
        roles.gold_candidates = held.candidates
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
        roles.warnings.append(f"gold is minus {roles.gold}: less of it is better, as stated")
    roles.proxy_sd = _sd_of(roles.proxy, keys) or PROXY_SD.find(keys)
    roles.gold_sd = _sd_of(roles.gold, keys) or GOLD_SD.find(keys)
    if roles.proxy is None:
        roles.warnings.append(f"{NO_PROXY}: name one with --proxy if it has")
    return roles


def of_values(proxy: pl.Series, gold: pl.Series) -> list[str]:
    """What the values say against the roles: gold that is the proxy in every row."""
    both = pl.DataFrame([proxy.alias("proxy"), gold.alias("gold")]).drop_nulls()
    if both.height < FEWEST_TO_COMPARE or not both["proxy"].equals(both["gold"]):
        return []
    return [
        f"gold is equal to the proxy in every row that has both ({both.height}), so it measures "
        "nothing of its own"
    ]


def _of_functions(
    scalars: Scalars,
    dialect: Dialect | None,
    functions: dict[str, str],
    settings: Mapping[str, Any],
    keys: Sequence[str],
    roles: Roles,
) -> str | None:
    """The proxy of a log whose rewards are functions with a total."""
    penalised = False
    less: float | None = 0.0
    if dialect is not None and dialect.total_includes_kl:
        penalised = setting(settings, dialect.total_includes_kl) is True
        beta = setting(settings, "beta")
        if penalised:
            less = float(beta) if isinstance(beta, (int, float)) else None
    proxy = _trained_on(scalars, functions, less)
    if proxy is None and functions:
        proxy = _beside_gold(scalars, functions, penalised, roles)
    if proxy is None and penalised:
        roles.warnings.append("reward has the KL penalty taken off, so it is no proxy")
        return None
    return proxy or PROXY.find(keys)


def _beside_gold(
    scalars: Scalars, functions: dict[str, str], penalised: bool, roles: Roles
) -> str | None:
    """The one function that is not named as gold, where the total is the sum of both.

    A total with gold in it is no proxy: it would fall where gold does.
    """
    others = [name for name in functions if "gold" not in name.lower()]
    if len(others) != 1 or len(functions) != 2:
        return None
    if penalised:
        return functions[others[0]]
    if not _is_total(scalars, *functions.values()):
        return None
    roles.warnings.append(
        f"the total reward is the sum of {' and '.join(functions)}: gold is part of what is "
        f"trained on; the proxy is {others[0]} alone"
    )
    return functions[others[0]]


def _declared_gold(scalars: Scalars, dialect: Dialect, roles: Roles) -> None:
    """Gold by the trainer's own names, the best first; several of one name are candidates."""
    phases = {phase: [k for k in held.values if k] for phase, held in scalars.columns.items()}
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


def _trained_on(
    scalars: Scalars, functions: dict[str, str], less: float | None = 0.0
) -> str | None:
    """The function whose mean is the total reward, or that alone has a weight.

    ``less`` times the KL is off the total; None: some is, and how much is not known.
    """
    if not functions:
        return None
    equal = []
    if less is not None:
        equal = [name for name, key in functions.items() if _is_total(scalars, key, less=less)]
    weighted = _weighted(scalars, functions)
    if len(equal) > 1:
        equal = (
            [name for name in equal if name in weighted]
            or [name for name in equal if "gold" not in name.lower()]
            or equal
        )
    if equal:
        return functions[equal[0]]
    return functions[weighted[0]] if len(weighted) == 1 else None


def _is_total(scalars: Scalars, *keys: str, less: float = 0.0) -> bool:
    """Whether the total reward is the sum of these means, with ``less`` times the KL off it."""
    needed = {*keys, "reward", *(["kl"] if less else [])}
    there = [c.values for c in scalars.columns.values() if needed <= c.values.keys()]
    pairs = []
    for values in there:
        total = values["reward"] + less * values["kl"] if less else values["reward"]
        mean = functools.reduce(operator.add, (values[key] for key in keys))
        pairs.append(pl.DataFrame({"mean": mean, "total": total}))
    if not pairs:
        return False
    both = pl.concat(pairs).filter(pl.all_horizontal(pl.all().is_finite()))
    mean, total = both.to_numpy().T
    if not len(total):
        return False
    # A mean may pass through zero, where no relative difference is small: the typical size counts.
    size = max(float(np.sqrt(np.mean(total**2))), 1e-12)
    return bool(np.all(np.abs(mean - total) <= TOLERANCE * np.maximum(np.abs(total), size)))


def weights(scalars: Scalars, functions: dict[str, str]) -> dict[str, float]:
    """Reward weights by function, where settings and the order of functions are both known."""
    args = scalars.config.get("args", {})
    given = args.get("reward_weights")
    named = args.get("reward_funcs")
    if isinstance(given, list) and isinstance(named, list) and len(given) == len(named):
        by_name = {str(name).rpartition("/")[2]: w for name, w in zip(named, given, strict=True)}
        if by_name.keys() == functions.keys():
            return {n: w for n, w in by_name.items() if isinstance(w, (int, float))}
    if scalars.format in UNORDERED:
        return {}  # the order of its keys is not that of the functions
    order = [name for name, key in functions.items() if key in scalars.function_order]
    order.sort(key=lambda name: scalars.function_order.index(functions[name]))
    if not isinstance(given, list) or len(given) != len(order) or len(order) != len(functions):
        return {}
    numbers = [w for w in given if isinstance(w, (int, float))]
    return dict(zip(order, numbers, strict=True)) if len(numbers) == len(order) else {}


def _weighted(scalars: Scalars, functions: dict[str, str]) -> list[str]:
    return [name for name, weight in weights(scalars, functions).items() if weight]


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
