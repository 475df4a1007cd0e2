"""Which runs may share an axis: what differs between them, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.words.names import cut

ASPECTS: tuple[tuple[str, str, str], ...] = (
    ("kl_estimator", "KL estimators", "k1 and k3 agree on average but differ widely in noise"),
    ("kl_logged_unit", "logged KL units", "one of them was converted"),
    ("kl_conversion", "KL conversions", "one axis is less exact than the other"),
    ("kl_reference", "KL references", "the same KL means another distance"),
    ("trainer", "optimisers", "compare them by proxy reward, not by KL (Gao et al. 2022, 3.5)"),
    ("model", "initial checkpoints", "KL and reward start from different policies"),
    ("dataset", "prompt sets", "rewards average over different prompts"),
    ("proxy_key", "proxy rewards", "the proxies are not one scale"),
    ("gold_key", "gold rewards", "the gold measures are not one scale"),
)
"""(fact, its name in the plural, why it matters)."""


def differences(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each aspect in which runs differ; unknown counts as a difference.

    Args:
        facts: run_id, the keys of RunFacts, and ``config`` for model and dataset.

    >>> a = {"run_id": "a", "kl_estimator": "k1"}
    >>> b = {"run_id": "b", "kl_estimator": "k3"}
    >>> differences([a, b])[0]
    'Different KL estimators (a: k1; b: k3): k1 and k3 agree on average but differ widely in noise.'
    """
    sentences = []
    for key, plural, why in ASPECTS:
        values = {str(f["run_id"]): _value(f, key) for f in facts}
        if len(set(values.values())) > 1:
            if len(values) <= 4:
                groups = "; ".join(
                    f"{cut(run)}: {cut(value or 'unknown')}" for run, value in values.items()
                )
            else:
                groups = ", ".join(sorted({value or "unknown" for value in values.values()}))
            sentences.append(f"Different {plural} ({groups}): {why}.")
    return sentences


def _value(facts: Mapping[str, Any], key: str) -> str | None:
    config = facts.get("config") or {}
    names = {
        "model": ("model_name_or_path", "_name_or_path", "model"),
        "dataset": ("dataset_name",),
    }
    if key in names:
        return next((str(config[name]) for name in names[key] if config.get(name)), None)
    value = facts.get(key)
    return str(value) if value else None
