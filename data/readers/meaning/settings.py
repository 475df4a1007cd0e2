"""A trainer's settings under one kind of name, whatever nesting they were logged with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.declared.foreign import JsonObject
from data.readers.kl.kl_table import setting

MAX_DEPTH = 8
MAX_SETTINGS = 10_000

ZERO_COEFFICIENTS = ("kl.init_coef", "init_kl_coef")
"""OpenRLHF's coefficient: at 0 there is no reference model, and KL is logged as 0."""


def flat(config: object) -> JsonObject:
    """Settings by dotted name; MLflow's slashes are dots too.

    >>> flat({"actor": {"loss_agg_mode": "token-mean"}, "algorithm/kl_penalty": "kl"})
    {'actor.loss_agg_mode': 'token-mean', 'algorithm.kl_penalty': 'kl'}
    """
    found: JsonObject = {}
    stack: list[tuple[str, object, int]] = [("", config, 0)]
    while stack and len(found) < MAX_SETTINGS:
        prefix, value, depth = stack.pop()
        if isinstance(value, Mapping) and depth < MAX_DEPTH:
            inner = [(f"{prefix}{key}".replace("/", "."), item) for key, item in value.items()]
            stack += [
                (f"{name}." if isinstance(item, Mapping) else name, item, depth + 1)
                for name, item in reversed(inner)
            ]
        elif prefix:
            found[prefix.removesuffix(".")] = value
    return found


def no_reference(settings: Mapping[str, Any]) -> bool:
    """Whether the settings say that there is no reference model to measure KL against."""
    stated = [setting(settings, name) for name in ZERO_COEFFICIENTS]
    return any(type(value) in (int, float) and value == 0 for value in stated)
