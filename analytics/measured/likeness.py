"""Which logs of the battery a verdict's own log is like, and what was measured on those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.measured.published import published
from analytics.onset.alarm.many_runs import standing
from analytics.wording import percent_spread, whole

LIKE: Mapping[str, tuple[str, ...]] = {
    "smoothed": ("ema", "moving mean"),
    "correlated": ("ar 0.3, 21, unstated", "ar 0.6, 21, unstated", "ar 0.3, 48, unstated",
                   "ar 0.6, 48, unstated"),
    "unstated": ("unstated", "rate, 50 x 8, no n", "gaps .4"),
    "rate": ("rate, 50 x 8, n stated",),
    "spread": ("sd, 100", "sd, 25", "sd, 50"),
    "prompts": ("sd, prompts logged", "4 prompts", "8 prompts", "16 prompts"),
    "stated": ("gauss", "errors /", "t3", "ar 0.3, 21", "ar 0.6, 21", "ar 0.3, 48", "ar 0.6, 48",
               "outlier", "growth", "gaps .15", "rate, 50 x 8, binomial"),
}  # fmt: skip
"""How a log says how noisy gold is: the names of the conditions, or how they begin."""


def kind_of(row: Mapping[str, Any]) -> str | None:
    """How the log behind a verdict says how noisy gold is, a key of LIKE; None where none is like.

    row: of `verdict --json`. Rows of a training log, pooled into looks, are like none.
    """
    flags, noise = set(row["flags"]), str(row.get("noise") or "")
    if not noise or ((row.get("rows_per_look") or 1) >= 4 and "smoothed_gold" not in flags):
        return None
    if "smoothed_gold" in flags:
        return "smoothed"
    if "gold_noise_unknown" in flags:
        return "correlated" if "autocorrelated" in flags else "unstated"
    if "clustered_unknown" not in flags:
        return "prompts"
    if noise.startswith("binomial"):
        return "rate"
    return "spread" if "between the responses" in noise else "stated"


def is_like(condition: str, kind: str) -> bool:
    """Whether a condition of the battery, by its name, belongs to a kind.

    >>> is_like("ar 0.6, 21, unstated", "stated"), is_like("ar 0.6, 21", "stated")
    (False, True)
    """
    if condition.startswith("ar "):  # their names begin alike, whether they state errors or not
        return condition in LIKE[kind]
    return condition.startswith(LIKE[kind])


def measured_on_like(
    row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] | None = None
) -> str | None:
    """The false alarms measured on logs like an alarm's own; None without a standing alarm.

    rows: of the battery, None = the kept ones. Told is the condition with the most of them.
    """
    kind = kind_of(row)
    if kind is None or not standing(row.get("alarm")):
        return None
    if rows is None:
        rows = (published("battery") or {"rows": []})["rows"]
    like = [one for one in rows if is_like(one["condition"], kind)]
    if not like:
        return None
    most = max(like, key=lambda one: max(one["flat"], one["plateau"]))
    truth = max(("flat", "plateau"), key=lambda name: float(most[name]))
    share = percent_spread(most[truth], most[f"{truth}_se"])
    among = f"the worst of {whole(len(like))} kinds of log" if len(like) > 1 else "the kind of log"
    return (
        f"Measured on simulated logs that say as much of their noise as this one: {share} of runs "
        f"whose gold never falls ended with an alarm ({among}: {most['words']}; "
        f"{whole(most['runs'])} runs)."
    )
