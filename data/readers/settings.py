"""A trainer's settings under one kind of name, whatever nesting they were logged with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.readers.kl_table import setting

MAX_DEPTH = 8
MAX_SETTINGS = 10_000

ZERO_COEFFICIENTS = ("kl.init_coef", "init_kl_coef")
"""OpenRLHF's coefficient: at 0 there is no reference model, and KL is logged as 0."""


def flat(config: object) -> dict[str, Any]:
    """Settings by dotted name; MLflow's slashes are dots too.

    >>> flat({"actor": {"loss_agg_mode": "token-mean"}, "algorithm/kl_penalty": "kl"})
    {'actor.loss_agg_mode': 'token-mean', 'algorithm.kl_penalty': 'kl'}
    """
    found: dict[str, Any] = {}
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


def observed(
    dialect: str, settings: Mapping[str, Any], pairs: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """What the rows themselves say about settings that were not logged.

    Args:
        dialect: how the trainer names things.
        settings: those that were logged.
        pairs: ``kl`` and ``logprobs_diff`` of the training rows that have both.

    OpenRLHF logs ``logprobs_diff`` (k1) beside ``kl``: with ``kl.use_loss`` it is all 0 while
    ``kl`` is not, and where the two are equal the estimator is k1.
    """
    if dialect != "openrlhf":
        return {}
    said: dict[str, Any] = {}
    stated = setting(settings, "use_loss")
    stated = setting(settings, "use_kl_loss") if stated is None else stated
    if stated is not None:
        said["use_loss"] = bool(stated)
    elif any(kl for kl, _ in pairs):
        said["use_loss"] = not any(diff for _, diff in pairs)
    if pairs and said.get("use_loss") is False and setting(settings, "kl.estimator") is None:
        equal = all(abs(kl - diff) <= 1e-3 * max(abs(kl), abs(diff), 1e-4) for kl, diff in pairs)
        if not equal and setting(settings, "kl_estimator") is None:
            said["kl_estimator"] = "abs"  # k2 or k3: which of them cannot be told
    return said


def no_reference(settings: Mapping[str, Any]) -> bool:
    """Whether the settings say that there is no reference model to measure KL against."""
    stated = [setting(settings, name) for name in ZERO_COEFFICIENTS]
    return any(type(value) in (int, float) and value == 0 for value in stated)
