"""What a run's own numbers say against its KL, at the door: too much, too little, for the proxy.

Each sentence names its evidence. Nothing is changed by it.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST_PER_TOKEN = 2.0
"""Nats per token that a policy's mean KL does not exceed; vocabularies of 100,000 end at 11.5."""
THOUSANDS = 1000.0
NEGATIVE = -0.5  # nats: an estimate of a small KL may be below 0, its mean over a run hardly so
TOO_MUCH = 100.0
"""Times the least KL that a gain of the proxy needs (and at least one nat)."""
TOO_LITTLE = 0.5
LEAST_NEED = 0.05  # nats
ENDS = 8
"""Rows whose mean stands for the start, and for the end, of a run."""
FEWEST = 5
NEEDED = ("kl", "response_length", "proxy_reward")
"""The columns that are looked at, in this order."""


def doubts(
    kl: pl.Series, lengths: pl.Series, proxy: pl.Series, *, unit_known: bool = True
) -> list[str]:
    """What speaks against a KL in nats per response, one sentence each.

    Args:
        kl: nats per response by training row, as converted; null where not logged.
        lengths: response length in tokens.
        proxy: proxy reward.
        unit_known: whether the unit of the KL was known; else nothing is to be doubted.
    """
    if not unit_known or _all_is_usual(kl, lengths, proxy):
        return []
    rows = _numbers(kl, lengths, proxy)
    rows = rows[np.isfinite(rows[:, 0])]
    if len(rows) < FEWEST:
        return []
    with np.errstate(over="ignore", invalid="ignore"):  # a sum of 1e308s is infinite, and a doubt
        found = [_per_token(rows), _thousands(rows), _negative(rows), _for_the_proxy(rows)]
    return [f"KL is in doubt: {sentence}" for sentence in found if sentence]


def _all_is_usual(kl: pl.Series, lengths: pl.Series, proxy: pl.Series) -> bool:
    """Whether no row can be part of a doubt, which most logs show at a glance."""
    most, fewest, low, high = kl.max(), lengths.min(), proxy.min(), proxy.max()
    if isinstance(least := kl.min(), float) and least < NEGATIVE:
        return False
    if not isinstance(most, float) or most >= THOUSANDS:
        return most is None
    if isinstance(fewest, float) and most > MOST_PER_TOKEN * fewest:
        mean, tokens = kl.mean(), lengths.mean()
        whole = fewest > 0 and not kl.null_count() and not lengths.null_count()
        if not whole or not isinstance(mean, float) or not isinstance(tokens, float):
            return False
        if not mean <= MOST_PER_TOKEN * tokens:
            return False
    return not isinstance(low, float) or not isinstance(high, float) or low < 0 or high > 1


def _numbers(*columns: pl.Series) -> NDArray[np.float64]:
    """Columns side by side; NaN where there is no number (Polars makes NaN of null)."""
    return np.column_stack([column.cast(pl.Float64).to_numpy() for column in columns])


def _per_token(rows: NDArray[np.float64]) -> str:
    both = rows[rows[:, 1] > 0]
    if len(both) < FEWEST:
        return ""
    kl, length = both[:, 0].mean(), both[:, 1].mean()
    if kl / length <= MOST_PER_TOKEN:
        return ""
    return (
        f"its mean of {kl:.4g} nats per response over {length:.4g} tokens is {kl / length:.3g} "
        "nats per token; more than 2 are not plausible, so its unit may be another"
    )


def _thousands(rows: NDArray[np.float64]) -> str:
    kl = rows[:, 0].mean()
    if kl < THOUSANDS:
        return ""
    return f"its mean is {kl:.4g} nats per response; thousands are not plausible"


def _negative(rows: NDArray[np.float64]) -> str:
    kl = rows[:, 0].mean()
    if kl >= NEGATIVE:
        return ""
    return f"its mean is {kl:.4g} nats per response, and no KL is below 0: its sign may be turned"


def _for_the_proxy(rows: NDArray[np.float64]) -> str:
    """The least KL that moves the mean of a reward in [0, 1] is that of two coins.

    Source: Hoeffding 1963 (a reward in [0, 1] varies at most as a coin of the same mean).
    """
    both = rows[np.isfinite(rows[:, 2])]
    kl, proxy = both[:, 0], both[:, 2]
    if len(both) < FEWEST or not ((proxy >= 0) & (proxy <= 1)).all():
        return ""
    number = min(ENDS, len(both) // 2)
    start, end = proxy[:number].mean(), proxy[-number:].mean()
    if not 0 < start < end < 1:
        return ""
    need = end * math.log(end / start) + (1 - end) * math.log((1 - end) / (1 - start))
    before, after = kl[:number].mean(), kl[-number:].mean()
    why = f"the proxy, which lies in [0, 1], rose from {start:.3g} to {end:.3g}; that needs"
    if after > TOO_MUCH * max(need, 1.0):
        return f"{why} no more than a few nats, and {after:.4g} are logged: not plausible"
    reach = (math.sqrt(max(after, 0.0)) + math.sqrt(max(before, 0.0))) ** 2
    if need > LEAST_NEED and reach < TOO_LITTLE * need:
        return f"{why} {need:.3g} nats, and {after:.3g} are logged: it may be per token"
    return ""


def scaled_by_length(
    first: pl.Series, second: pl.Series, lengths: pl.Series, near: float = 0.2
) -> str:
    """Whether two logs of one run tell its KL apart by the response length; empty where not.

    Args:
        first: one log's KL by step.
        second: the other's, at the same steps.
        lengths: response length in tokens at these steps.
        near: relative difference of the ratio from the length that is still the length.
    """
    rows = _numbers(first, second, lengths)
    rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, :2] > 0).all(axis=1) & (rows[:, 2] > 2)]
    if len(rows) < FEWEST:
        return ""
    ratio = rows[:, :2].max(axis=1) / rows[:, :2].min(axis=1)
    if np.median(np.abs(ratio / rows[:, 2] - 1)) > near:
        return ""
    return (
        f"KL is in doubt: two logs of this run differ by the response length ({ratio.mean():.4g} "
        f"times at {len(rows)} steps): one of them is per token"
    )
