"""What a run's own numbers say against its KL, at the door: too much, too little, for the proxy.

Each sentence names its evidence. Nothing is changed by it.
"""

from __future__ import annotations

import math

import polars as pl

MOST_PER_TOKEN = 2.0
"""Nats per token that a policy's mean KL does not exceed; vocabularies of 100,000 end at 11.5."""
THOUSANDS = 1000.0
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
    rows = pl.DataFrame([kl.alias("kl"), lengths.alias("length"), proxy.alias("proxy")])
    rows = rows.filter(pl.col("kl").is_finite())
    if rows.height < FEWEST or not unit_known:
        return []
    found = [_per_token(rows), _thousands(rows), _for_the_proxy(rows)]
    return [f"KL is in doubt: {sentence}" for sentence in found if sentence]


def _per_token(rows: pl.DataFrame) -> str:
    both = rows.filter(pl.col("length") > 0)
    if both.height < FEWEST:
        return ""
    kl, length = _mean(both["kl"]), _mean(both["length"])
    if kl / length <= MOST_PER_TOKEN:
        return ""
    return (
        f"its mean of {kl:.4g} nats per response over {length:.4g} tokens is {kl / length:.3g} "
        "nats per token; more than 2 are not plausible, so its unit may be another"
    )


def _thousands(rows: pl.DataFrame) -> str:
    kl = _mean(rows["kl"])
    if kl < THOUSANDS:
        return ""
    return f"its mean is {kl:.4g} nats per response; thousands are not plausible"


def _for_the_proxy(rows: pl.DataFrame) -> str:
    """The least KL that moves the mean of a reward in [0, 1] is that of two coins.

    Source: Hoeffding 1963 (a reward in [0, 1] varies at most as a coin of the same mean).
    """
    both = rows.filter(pl.col("proxy").is_finite())
    proxy = both["proxy"]
    if both.height < FEWEST or not bool(((proxy >= 0) & (proxy <= 1)).all()):
        return ""
    number = min(ENDS, both.height // 2)
    start, end = _mean(proxy.head(number)), _mean(proxy.tail(number))
    if not 0 < start < end < 1:
        return ""
    need = end * math.log(end / start) + (1 - end) * math.log((1 - end) / (1 - start))
    before, after = _mean(both["kl"].head(number)), _mean(both["kl"].tail(number))
    told = f"the proxy, which lies in [0, 1], rose from {start:.3g} to {end:.3g}; that needs"
    if after > TOO_MUCH * max(need, 1.0):
        return f"{told} no more than a few nats, and {after:.4g} are logged: not plausible"
    reach = (math.sqrt(max(after, 0.0)) + math.sqrt(max(before, 0.0))) ** 2
    if need > LEAST_NEED and reach < TOO_LITTLE * need:
        return f"{told} {need:.3g} nats, and {after:.3g} are logged: it may be per token"
    return ""


def _mean(values: pl.Series) -> float:
    mean = values.mean()
    return float(mean) if isinstance(mean, (int, float)) else 0.0


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
    rows = pl.DataFrame([first.alias("a"), second.alias("b"), lengths.alias("n")]).filter(
        pl.all_horizontal(pl.all().is_finite()) & (pl.col("a") > 0) & (pl.col("b") > 0)
        & (pl.col("n") > 2)
    )  # fmt: skip
    if rows.height < FEWEST:
        return ""
    ratio = rows.select(pl.max_horizontal("a", "b") / pl.min_horizontal("a", "b")).to_series()
    off = (ratio / rows["n"] - 1).abs().median()
    if not isinstance(off, float) or off > near:
        return ""
    return (
        f"KL is in doubt: two logs of this run differ by the response length ({_mean(ratio):.4g} "
        f"times at {rows.height} steps): one of them is per token"
    )
