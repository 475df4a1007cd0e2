"""What length explains, in sentences that a reviewer can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.wording import fixed, interval, percent, with_interval

Row = Mapping[str, Any]


def share_sentence(explained: Row) -> str:
    """The line on length for a run's card; "" where nothing can be told.

    >>> share = {"value": 0.4, "low": 0.25, "high": 0.55, "units": 64}
    >>> share_sentence({"measure": "proxy", "share": share})
    'Length alone explains 40 % of the gain in proxy (25 to 55, 95 %).'
    """
    share = explained["share"]
    if not share:
        return ""
    ends = " to ".join(fixed(100 * share[end], 0) for end in ("low", "high"))
    gain = f"of the gain in {explained['measure']}"
    if share["high"] < 0:
        turned = " to ".join(fixed(-100 * share[end], 0) for end in ("high", "low"))
        return (f"Length alone would have lowered the {explained['measure']}, by "
                f"{percent(-share['value'])} {gain} ({turned}, 95 %).")  # fmt: skip
    return f"Length alone explains {percent(share['value'])} {gain} ({ends}, 95 %)."


def length_sentences(length: Row, unit: str) -> list[str]:
    """The key ``length`` of the document; ``unit``: tokens or characters."""
    sentences = []
    proxy = length["explained"][0]
    if proxy["length"]:
        now = proxy["length"]
        way = "longer" if now["value"] >= 0 else "shorter"
        sentences.append(
            f"In the last tenth of the steps responses are {of(_turned(now))} {unit} {way} than "
            f"in the first{includes_zero(now)}."
        )
    for row in length["explained"]:
        line = share_sentence(row)
        sentences.append(line or _unexplained(row))
    sentences += [_matched(row, unit) for row in length["matched"]]
    beyond = length["budget"]["falls_beyond"]
    if length["budget"]["reason"]:
        sentences.append(f"Length as a second budget: cannot tell, {length['budget']['reason']}.")
    elif beyond is not None:
        sentences.append(f"Length as a second budget, in tokens: {beyond['said']}.")
    return sentences


def of(estimate: Row) -> str:
    """A value with its interval."""
    return with_interval(*(estimate[key] for key in ("value", "low", "high")))


def _unexplained(row: Row) -> str:
    name = row["measure"]
    if not row["by_length"]:
        return f"What length explains of {name}: cannot tell, {row['reason']}."
    return (f"Length alone would have changed {name} by {of(row['by_length'])}; its whole change "
            f"is {of(row['change'])}{includes_zero(row['change'])}.")  # fmt: skip


def _turned(estimate: Row) -> Row:
    """A change and its interval without its sign."""
    if estimate["value"] >= 0:
        return estimate
    return {"value": -estimate["value"], "low": -estimate["high"], "high": -estimate["low"]}


def includes_zero(change: Row | None) -> str:
    """Said of a change that may be none."""
    return ", which includes 0" if change and change["low"] <= 0 <= change["high"] else ""


def _matched(row: Row, unit: str) -> str:
    name = row["measure"]
    if not row["difference"]:
        return f"{name.capitalize()} at matched length: cannot tell, {row['reason']}."
    shares = f"{percent(row['share_start'])} of the start and {percent(row['share_now'])} of now"
    return (
        f"At matched length ({interval(*row['lengths'])} {unit}, {shares}) {name} is now "
        f"{of(row['difference'])} against the start{includes_zero(row['difference'])}."
    )
