"""One check, and what it says: PASS, FAIL, NOT SHOWN, NOT MEASURED."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypedDict, cast

from analytics.gate.records.bounds import Estimate
from analytics.wording import MISSING, alike, count, number, percent

Result = Literal["PASS", "FAIL", "NOT SHOWN", "NOT MEASURED", "WAIVED"]
WORST: tuple[Result, ...] = ("FAIL", "NOT MEASURED", "NOT SHOWN", "PASS", "WAIVED")
"""What a block takes over from its checks, the first that there is."""


class CheckRow(TypedDict):
    """One check of `gate --json`."""

    name: str
    result: Result
    reason: str
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    n: int | None
    items: int | None
    evidence: str


@dataclass(frozen=True)
class Check:
    """One question of a block with its answer.

    value, low, high, limit: in the unit of the sentence; None where there is none.
    items: how many would decide, where more would.
    """

    name: str
    result: Result
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    n: int | None = None
    items: int | None = None
    evidence: str = ""

    def to_dict(self) -> CheckRow:
        """The row of `gate --json`."""
        return cast("CheckRow", dict(self.__dict__))


@dataclass(frozen=True)
class Levels:
    """One-sided levels of a look: of a bound that must exclude a limit, and of harm shown."""

    passing: float
    failing: float


def not_measured(name: str, reason: str, evidence: str = "") -> Check:
    """What was not measured, and what would be needed."""
    return Check(name, "NOT MEASURED", reason, evidence=evidence)


def exact(
    name: str, ok: bool, reason: str, value: float | None = None, limit: float | None = None,
    evidence: str = "",
) -> Check:  # fmt: skip
    """A count that has no sampling error."""
    return Check(
        name, "PASS" if ok else "FAIL", reason, value, value, value, limit, evidence=evidence
    )


def bounded(
    name: str, what: str, estimate: Estimate | None, limit: float, neutral: float, levels: Levels,
    shown: Callable[[float | None], str] = number, evidence: str = "", missing: str = "",
) -> Check:  # fmt: skip
    """Whether the bound of an estimate excludes its limit, or lies beyond it.

    Args:
        what: the subject of the sentence: "Confident wrong answers rose by".
        limit, neutral: the limit, and the value where there is no harm; harm lies from `neutral`
            to `limit` and beyond.
        shown: a number as text.
        missing: why there is no estimate.
    """
    if estimate is None:
        return not_measured(name, missing, evidence)
    up = limit >= neutral
    low, high = (
        estimate.bounds(levels.failing, levels.passing) if up
        else estimate.bounds(levels.passing, levels.failing)
    )  # fmt: skip
    near, far = (high, low) if up else (low, high)
    inside, beyond = (near < limit, far > limit) if up else (near > limit, far < limit)
    result: Result = "PASS" if inside else "FAIL" if beyond else "NOT SHOWN"
    items = None
    if result == "NOT SHOWN":
        items = estimate.deciding(limit, neutral, levels.passing, levels.failing)
    values = (estimate.value, low, high)
    value, *ends = alike(*values) if shown is number else [shown(one) for one in values]
    text = f"{what} {value} ({' to '.join(bare(end) for end in ends)}), limit {shown(limit)}"
    return _checked(
        name, result, text, estimate, bounds=(low, high), limit=limit, items=items,
        evidence=evidence,
    )  # fmt: skip


def _checked(
    name: str, result: Result, text: str, estimate: Estimate, *,
    bounds: tuple[float, float], limit: float, items: int | None, evidence: str,
) -> Check:  # fmt: skip
    return Check(
        name, result=result, reason=f"{text}{_ending(result, items, estimate.n)}.",
        value=estimate.value, low=bounds[0], high=bounds[1], limit=limit, n=estimate.n,
        items=items, evidence=evidence,
    )  # fmt: skip


def within(
    name: str, what: str, estimate: Estimate | None, limit: float, levels: Levels,
    evidence: str = "", missing: str = "",
) -> Check:  # fmt: skip
    """Whether a relative change stays within ±limit; harm is a change either way."""
    if estimate is None:
        return not_measured(name, missing, evidence)
    half = Levels(levels.passing, levels.failing / 2)
    low, high = estimate.bounds(half.passing, half.passing)
    inside = -limit < low and high < limit
    certain = estimate.bounds(half.failing, half.failing)
    beyond = certain[0] > limit or certain[1] < -limit
    result: Result = "PASS" if inside else "FAIL" if beyond else "NOT SHOWN"
    items = None
    if result == "NOT SHOWN":
        end = limit if estimate.value >= 0 else -limit
        items = estimate.deciding(end, 0.0, half.passing, half.failing)
    text = (
        f"{what} {change(estimate.value)} ({bare(change(low))} to {bare(change(high))}), limit "
        f"±{percent(limit)}"
    )
    return _checked(
        name, result, text, estimate, bounds=(low, high), limit=limit, items=items,
        evidence=evidence,
    )  # fmt: skip


def _ending(result: Result, items: int | None, n: int) -> str:
    if result != "NOT SHOWN":
        return {"PASS": ": the bound excludes it", "FAIL": ": harm beyond it is shown"}[result]
    ending = f": with {count(n, 'item')} it is open whether the limit is kept"
    return f"{ending}; about {count(items, 'item')} would decide" if items else (
        f"{ending}, and more items alone would not decide"
    )  # fmt: skip


def change(value: float | None) -> str:
    """A relative change in percent, with its sign.

    >>> change(-0.034), change(0.5), change(None)
    ('−3.4 %', '+50.0 %', '–')
    """
    if value is None:
        return MISSING
    text = percent(value, 1)
    return text if text[0] in f"−{MISSING}" else f"+{text}"


def share_points(value: float | None) -> str:
    """A change of a share in points, with its sign and word."""
    return MISSING if value is None else f"{change(value).removesuffix(' %')} points"


def bare(text: str) -> str:
    """A number without its unit, which stands beside the value already."""
    return text.partition(" ")[0]
