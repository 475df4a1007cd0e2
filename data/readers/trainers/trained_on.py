"""Which reward function is trained on, of a log that gives each and their total."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from data.readers.kl.kl_table import setting
from data.readers.names.mapping import PROXY
from data.readers.raw.scalars import Scalars, as_number
from data.readers.trainers.dialect import Dialect

TOLERANCE = 1e-4
"""Relative difference within which a function's mean is the total reward (float32, batch means)."""

UNORDERED = ("mlflow",)
"""Stores that keep no order of metrics."""


def of_functions(
    scalars: Scalars,
    dialect: Dialect | None,
    functions: dict[str, str],
    settings: Mapping[str, Any],
    keys: Sequence[str],
    warnings: list[str],
) -> str | None:
    """The proxy of a log whose rewards are functions with a total."""
    penalised = unknown = False
    less: float | None = 0.0
    if dialect is not None and dialect.total_includes_kl:
        included = setting(settings, dialect.total_includes_kl)
        penalised, unknown = included is not False, included is None
        beta = setting(settings, "beta")
        if penalised and not unknown:
            less = as_number(beta)
    proxy = _trained_on(scalars, functions, less)
    if proxy is None and functions:
        proxy = _beside_gold(scalars, functions, penalised, warnings)
    if proxy is None and unknown and "reward" in keys:
        warnings.append(
            f"whether reward has the KL penalty taken off is unknown: neither the log nor a file "
            f"beside it states {dialect.total_includes_kl if dialect else ''}; name the proxy with "
            "--proxy (reward, if it has not)"
        )
        return None
    if proxy is None and penalised:
        warnings.append("reward has the KL penalty taken off, so it is no proxy")
        return None
    return proxy or PROXY.find(keys)


def _beside_gold(
    scalars: Scalars, functions: dict[str, str], penalised: bool, warnings: list[str]
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
    warnings.append(
        f"the total reward is the sum of {' and '.join(functions)}: gold is part of what is "
        f"trained on; the proxy is {others[0]} alone"
    )
    return functions[others[0]]


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
