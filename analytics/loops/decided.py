"""Which decision on an iteration is the last word: by instants, whatever clocks they are written
by."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

GOING = ("continue", "approve")
"""Decisions that let an iteration go."""
_ALWAYS = (
    datetime.datetime.min.replace(tzinfo=datetime.UTC),
    datetime.datetime.max.replace(tzinfo=datetime.UTC),
)
_DAY = datetime.timedelta(days=1) - datetime.timedelta(microseconds=1)
_LEFT_OUT = datetime.timedelta(hours=14)  # no clock on Earth is farther from UTC

Span = tuple[datetime.datetime, datetime.datetime]


def day(text: str | None) -> datetime.date | None:
    """The date at the beginning of a time as written; None where there is none.

    >>> day("2026-11-28T10:00:00Z"), day("soon"), day(None)
    (datetime.date(2026, 11, 28), None, None)
    """
    try:
        return datetime.date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def span(text: str | None) -> Span | None:
    """The first and the last instant that a written time can mean; None where it names no day.

    A time with an offset is one instant, one without is read as UTC, a date alone is its whole day.

    >>> [at.hour for at in span("2026-06-01T10:00:00+02:00")]
    [8, 8]
    >>> [at.hour for at in span("2026-06-01")], span("soon")
    ([0, 23], None)
    """
    text_day, on = (text or "").strip(), day(text)
    if on is None:
        return None
    whole = datetime.datetime.combine(on, datetime.time(), datetime.UTC)
    if len(text_day) == 10:
        return whole, whole + _DAY
    try:
        at = datetime.datetime.fromisoformat(text_day)
        at = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
        return at.astimezone(datetime.UTC), at.astimezone(datetime.UTC)
    except (ValueError, OverflowError):  # "10 a.m. in Paris": of that day, on some clock
        try:
            return whole - _LEFT_OUT, whole + _DAY + _LEFT_OUT
        except OverflowError:
            return _ALWAYS


def last_word(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Of decisions on one iteration the last; where the order is open, one that does not let it go.

    Args:
        rows: decision, at.
    """
    spans = [(span(row["at"]) or _ALWAYS, dict(row)) for row in rows]
    if not spans:
        return None
    latest = max(start for (start, _), _ in spans)
    open_still = [(at, row) for at, row in spans if at[1] >= latest]
    held_back = [(at, row) for at, row in open_still if row["decision"] not in GOING]
    return max(held_back or open_still, key=lambda one: one[0][0])[1]


def in_order(decisions: pl.DataFrame) -> pl.DataFrame:
    """Decisions by their instants, those without a time first."""
    starts = [(span(at) or _ALWAYS)[0] for at in decisions["at"]]
    return decisions.with_columns(pl.Series("_at", starts, pl.Datetime("us", "UTC"))).sort(
        "_at", maintain_order=True
    ).drop("_at")  # fmt: skip
