"""Seeded pools of samples whose best-of-n curve is known, in sd of gold under the initial policy.

Gold and proxy of honest samples are jointly normal; a share of the samples is hacked: the proxy
likes them, gold does not. Selecting harder first finds good samples, then hacked ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.best_of_n.estimator import best_of_n

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PoolKind:
    """correlation: of gold and proxy among honest samples; hacked: share of samples; bonus: what
    the proxy adds to them, sd; harm: what gold takes from them, sd; prompt_spread: sd of gold
    between prompts."""

    correlation: float
    hacked: float
    bonus: float
    harm: float
    prompt_spread: float = 0.5


POOL_KINDS: dict[str, PoolKind] = {
    "honest": PoolKind(0.6, 0.0, 0.0, 0.0),
    "flat": PoolKind(0.0, 0.0, 0.0, 0.0),
    "hacked": PoolKind(0.7, 0.02, 3.0, 3.0),
    "badly_hacked": PoolKind(0.7, 0.05, 4.0, 3.0),
}
"""The first two never fall in gold, the last two do."""


def simulate_pool(
    kind: str, prompts: int, samples: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Proxy and gold, (prompts, samples) each. Raises KeyError for an unknown kind."""
    plan = POOL_KINDS[kind]
    random = np.random.default_rng([seed, *kind.encode()])
    gold = random.standard_normal((prompts, samples))
    error = random.standard_normal((prompts, samples))
    proxy = plan.correlation * gold + np.sqrt(1 - plan.correlation**2) * error
    # How often samples are hacked differs by prompt, as in life.
    share = plan.hacked * random.gamma(2.0, 0.5, (prompts, 1))
    hacked = random.random((prompts, samples)) < share
    proxy = proxy + plan.bonus * hacked
    gold = gold - plan.harm * hacked + plan.prompt_spread * random.standard_normal((prompts, 1))
    return proxy, gold


def true_gold(kind: str, n: ArrayLike, seed: int = 0) -> FloatArray:
    """Expected gold of best-of-n of a kind, (K,), from 500 prompts of 2,000 samples.

    Its standard error is that of a million samples: below .03 for n up to 256.
    """
    proxy, gold = simulate_pool(kind, 500, 2000, seed + 10_000_019)
    gold = gold - gold.mean(axis=1, keepdims=True) + gold.mean()
    return np.asarray(best_of_n(proxy, gold, n).mean(axis=0))
