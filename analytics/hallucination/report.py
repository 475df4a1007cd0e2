"""Hallucination rates as a plain-text report: a table a loop and origin, then sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.hallucination.words import (
    beside_benchmark,
    change_sentence,
    percent,
    rate_sentence,
)

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
        said = [rate_sentence(last), change_sentence(last)]
        if origin == "self_generated":
            at = last["iteration"]
            fixed = [r for r in parts.get((loop, "benchmark"), []) if r["level"] == "total"]
            said.append(
                beside_benchmark(last, next((r for r in fixed if r["iteration"] == at), None))
            )
        said += _topics(part, last["iteration"])
        title = f"{loop}: {origin.replace('_', '-')}, confident from {last['tau']:g} on"
        yield Section(title, [_cells(row) for row in totals], said)


def _topics(part: Sequence[Mapping[str, Any]], iteration: int) -> list[str]:
    """Sentences on topics and categories whose change is more than chance, the surest first."""
    moved = [
        row for row in part
        if row["level"] != "total" and row["iteration"] == iteration and row["change"]
        and row["change"]["q"] is not None and row["change"]["q"] <= 0.05
    ]  # fmt: skip
    moved.sort(key=lambda row: (row["change"]["q"], row["level"] != "topic"))
    said = [change_sentence(row) for row in moved[:SHOWN]]
    if len(moved) > SHOWN:
        rest = ", ".join(row["topic"] or row["knowledge"] for row in moved[SHOWN:])
        said.append(f"Also beyond chance (q at most .05): {rest}.")
    return said


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    ece = "–"
    if row["ece"] is not None:
        ece = f"{row['ece']:.3f} ({row['ece_null']:.3f})"
    return (
        str(row["iteration"]),
        f"{row['n']:,}",
        _ranged(row["rate"], row["low"], row["high"]),
        _share(row["not_attempted_rate"]),
        _share(row["rate_of_attempted"]),
        _ranged(row["confident"], row["confident_low"], row["confident_high"]),
        _number(row["mean_confidence"]),
        ece,
        _number(row["auroc"]),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _ranged(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    ends = "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
    return percent(value) + ends


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
