"""Rival explanations beside an alarm, in sentences that claim no more than what was logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.paid_for.rivals import NOT_LOGGED, SEEN
from analytics.wording import alike, count, steps, whole
from analytics.words.names import cut

Row = Mapping[str, Any]


def rival_sentence(row: Row) -> str:
    """One rival explanation, as far as it was logged."""
    name = row["words"][0].upper() + row["words"][1:]
    if row["result"] == NOT_LOGGED:
        key = f" ({cut(row['key'])} has too few rows there)" if row["key"] else ""
        return f"{name}: not logged{key}."
    if row["rival"] == "reference_change":
        at = (
            f"seen at step {whole(row['step'])}" if row["result"] == SEEN else "not seen in the log"
        )
        return f"{name}: {at}."
    key, at = cut(row["key"]), whole(row["step"])
    if row["rival"] in ("learning_rate", "gradient"):
        was, now = alike(row["before"], row["at"])
        if row["result"] == SEEN:
            return f"{name}: seen at step {at}, from {was} to {now} ({key})."
        return f"{name}: not seen ({key}, {was} before, at most {now})."
    start, before, now = alike(row["start"], row["before"], row["at"])
    both = f"{start} at the start and {before} just before"
    if row["result"] == SEEN:
        return f"{name}: seen at the onset, {now} against {both} ({key})."
    return f"{name}: not seen, {now} at the onset, {both} ({key})."


def rivals_heading(report: Row) -> str:
    """What the sentences of rivals are about, and what they do not say."""
    many = sum(row["result"] == SEEN for row in report["rivals"])
    where = steps(report["from_step"], report["to_step"])
    found = (
        f"{count(many, 'rival explanation')} moved too" if many else "no rival explanation moved"
    )
    return (
        f"Between gold’s peak and its alarm ({where}) {found}, of those that were logged. What "
        "moves at the same time need not be the cause."
    )
