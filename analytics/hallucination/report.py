"""Hallucination rates as a plain-text report: a table a loop and origin, then sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.hallucination.words import (
    beside_benchmark,
    change_sentence,
    rate_sentence,
)
from analytics.wording import MISSING, fixed, number, rate_interval, rate_text, whole

COLUMNS = (
    "iteration", "graded", "wrong (95 %)", "not attempted", "of attempted",
    "confident (95 %)", "confidence", "ECE (chance)", "AUROC",
)  # fmt: skip
"""Heads of a section's table."""
SHOWN = 3
"""Topics and categories whose change is written out; the others are named."""


@dataclass(frozen=True)
class Section:
    """One loop (or run) and origin: a table of its iterations, and sentences on the last."""

    title: str
    table: list[tuple[str, ...]]
    sentences: list[str]


def sections(rows: Sequence[Mapping[str, Any]], name: str = "loop") -> Iterator[Section]:
    """The report on rows of `hallucination.rows`, a loop and origin at a time; never pooled.

    Args:
        rows: as `hallucination --json` prints them.
        name: their first key: "loop" or "run".
    """
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        parts.setdefault((row[name], row["origin"]), []).append(row)
    for (loop, origin), part in parts.items():
        totals = [row for row in part if row["level"] == "total"]
        last = totals[-1]
        sentences = [rate_sentence(last), change_sentence(last)]
        if origin == "self_generated":
            at = last["iteration"]
            asked = [r for r in parts.get((loop, "benchmark"), []) if r["level"] == "total"]
            sentences.append(
                beside_benchmark(last, next((r for r in asked if r["iteration"] == at), None))
            )
        sentences += _topics(part, last["iteration"])
        title = f"{loop}: {origin.replace('_', '-')}, confident from {number(last['tau'])} on"
        yield Section(title, [_cells(row) for row in totals], sentences)


def _topics(part: Sequence[Mapping[str, Any]], iteration: int) -> list[str]:
    """Sentences on topics and categories whose change is more than chance, the surest first."""
    moved = [
        row for row in part
        if row["level"] != "total" and row["iteration"] == iteration and row["change"]
        and row["change"]["q"] is not None and row["change"]["q"] <= 0.05
    ]  # fmt: skip
    moved.sort(key=lambda row: (row["change"]["q"], row["level"] != "topic"))
    sentences = [change_sentence(row) for row in moved[:SHOWN]]
    if len(moved) > SHOWN:
        rest = ", ".join(row["topic"] or row["knowledge"] for row in moved[SHOWN:])
        sentences.append(f"Also beyond chance (q at most .05): {rest}.")
    return sentences


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    ece = MISSING
    if row["ece"] is not None:
        ece = f"{fixed(row['ece'], 3)} ({fixed(row['ece_null'], 3)})"
    return (
        str(row["iteration"]),
        whole(row["n"]),
        rate_interval(row["rate"], row["low"], row["high"]),
        rate_text(row["not_attempted_rate"]),
        rate_text(row["rate_of_attempted"]),
        rate_interval(row["confident"], row["confident_low"], row["confident_high"]),
        fixed(row["mean_confidence"], 3),
        ece,
        fixed(row["auroc"], 3),
    )
