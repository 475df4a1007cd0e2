"""How far a KL per token times the mean length may be from KL per response, by logged lengths.

A mean over responses of means over tokens, times the mean length, is the mean KL of a response only
where length does not go with KL per token. Where a response's KL goes as its length to a power a,
the product over the truth is E[L] E[L^(a - 1)] / E[L^a]: 1 at a = 1, and for lengths of a
coefficient of variation v about 1 + v^2 at a = 0 and 1 / (1 + v^2) at a = 2.
"""

from __future__ import annotations

import polars as pl

from data.columns import RunFacts

SPREADS = ("sd", "std", "stdev", "std_dev")
_MIN, _MAX = ("min", "minimum"), ("max", "maximum")
_PARTS = ("length", "len", "lengths", "tokens")
RANGE = 3.0
"""Range of a batch's lengths over their standard deviation, at the least: 16 normal lengths range
over 3.5 of them, 16 skewed ones (lognormal, .5) over 3.2, more of them wider."""


def with_error(metrics: pl.DataFrame, facts: RunFacts) -> str:
    """The note on a run's KL, and what the lengths in its rows say of an approximate one.

    metrics: rows with response_length and the log's further numbers under their own names.
    """
    if facts.kl_conversion != "approximate" or facts.kl_logged_unit != "nats/token":
        return facts.kl_note
    train = metrics.filter(pl.col("phase") == "train") if "phase" in metrics.columns else metrics
    found, key = _spread(train)
    if found is None:
        return f"{facts.kl_note}; how far it is off is unknown: no spread of lengths is logged"
    square = found * found
    low, high = 1 - 1 / (1 + square), square
    about = "at most about" if " and " in key else "about"
    return (
        f"{facts.kl_note}; lengths spread by {about} {found:.2g} of their mean ({key}): off by "
        f"{about} −{100 * low:.0f} to +{100 * high:.0f} % where a response's KL goes with its "
        "length to a power of 0 to 2"
    )


def _spread(rows: pl.DataFrame) -> tuple[float | None, str]:
    """Coefficient of variation of a batch's lengths, the middle one of its rows, and its keys."""
    spread = next((name for name in rows.columns if _named(name, SPREADS)), None)
    if spread is not None:
        found = _middle(rows, pl.col(spread) / pl.col("response_length"))
        if found is not None:
            return found, spread
    low = next((name for name in rows.columns if _named(name, _MIN)), None)
    high = next((name for name in rows.columns if _named(name, _MAX)), None)
    if low is None or high is None:
        return None, ""
    wide = (pl.col(high) - pl.col(low)) / RANGE
    return _middle(rows, wide / pl.col("response_length")), f"{low} and {high}"


def _middle(rows: pl.DataFrame, share: pl.Expr) -> float | None:
    """The median over rows with a length above 0 and a share that is a number, not below 0."""
    long = rows.filter(pl.col("response_length") > 0).select(share.alias("share")).to_series()
    value = long.filter(long.is_finite() & (long >= 0)).median()
    return float(value) if isinstance(value, float) else None


def _named(name: str, words: tuple[str, ...]) -> bool:
    """Whether a key is this statistic of response lengths.

    >>> _named("response_length_sd", SPREADS), _named("completions/min_length", _MIN)
    (True, True)
    >>> _named("prompt_length/min", _MIN), _named("reward_std", SPREADS)
    (False, False)
    """
    parts = name.lower().replace("/", "_").replace("-", "_").replace(".", "_").split("_")
    lengths = any(part in _PARTS for part in parts) and "prompt" not in parts
    terminated = "terminated" in parts or "clipped" in parts
    return lengths and not terminated and any(part in words for part in parts)
