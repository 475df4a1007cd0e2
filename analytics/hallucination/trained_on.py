"""The answer of the page on training sets: how false it was at first and at last, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

import polars as pl

from analytics.wording import count, rate_text, whole

MEASURES = {
    "false": ("false_share", "false_low", "false_high"),
    "kept": ("kept_false", "kept_low", "kept_high"),
    "human": ("human_share", None, None),
}
"""Name of a measure to its columns: share, and its interval at 95 % where it has one."""
NAMED = 3

Ends = tuple[float | None, float | None, float | None, float | None]
"""Before, now, low, high: what a measure was first and is last, and the interval of the last."""


class TrainedRow(TypedDict):
    """One loop: its first and last iteration whose false share is known, and each measure."""

    loop: str
    since: int | None
    at: int | None
    false: Ends
    kept: Ends
    human: Ends


def trained_rows(points: pl.DataFrame, loops: Sequence[str]) -> list[TrainedRow]:
    """First and last value of each measure, a row a loop.

    Args:
        points: loop, iteration (trained on it), and the columns of ``MEASURES``, null = unknown.
        loops: in their order; of one without a row nothing is known.

    Returns:
        loop, and each measure as (before, now, low, high) with low and high of now; before is None
        where it was known at one iteration only, all are None where never. ``since`` and ``at``:
        the first and last iteration whose false share is known.
    """
    rows = []
    for loop in loops:
        mine = points.filter(pl.col("loop") == loop).sort("iteration")
        measures = {name: _ends(mine, *columns) for name, columns in MEASURES.items()}
        known = _known(mine, "false_share")
        since, at = (known["iteration"][i] if known.height else None for i in (0, -1))
        row = {"loop": loop, "since": since, "at": at, **measures}
        rows.append(cast("TrainedRow", row))
    return rows


def trained_headline(rows: Sequence[Mapping[str, Any]]) -> str:
    """What was false of what the loops were trained on.

    Args:
        rows: of ``trained_rows``.
    """
    for name, what in (("false", "claims trained on"), ("kept", "texts kept for training")):
        known = [row for row in rows if row[name][1] is not None]
        if len(known) == 1 and name == "false" and len(rows) == 1:
            return _alone(known[0])
        if known:
            ends = [f"{_moved(row[name])} in {row['loop']}" for row in known[:NAMED]]
            more = len(known) - NAMED
            ends += [count(more, "more loop")] * (more > 0)
            loops_text = ends[0] if len(ends) == 1 else f"{', '.join(ends[:-1])} and {ends[-1]}"
            return f"False among the {what}, first to last: {loops_text}"
    return "Nothing that was trained on has been checked against a source"


def _alone(row: Mapping[str, Any]) -> str:
    before, now = row["false"][:2]
    if before is None:
        return (
            f"{row['loop']}: {rate_text(now)} of the claims trained on at iteration "
            f"{whole(row['at'])} were false"
        )
    return (
        f"{row['loop']}: {rate_text(before)} of the claims trained on were false at iteration "
        f"{whole(row['since'])}, {rate_text(now)} at iteration {whole(row['at'])}"
    )


def _moved(part: Sequence[float | None]) -> str:
    before, now = (None if share is None else rate_text(share) for share in part[:2])
    return f"{now}" if before in (None, now) else f"{before} to {now}"


def _known(mine: pl.DataFrame, column: str) -> pl.DataFrame:
    return mine.filter(pl.col(column).is_not_null()) if column in mine.columns else mine.clear()


def _ends(
    mine: pl.DataFrame, share: str, low: str | None, high: str | None
) -> tuple[float | None, float | None, float | None, float | None]:
    part = _known(mine, share)
    if not part.height:
        return None, None, None, None
    last = part.row(-1, named=True)
    before = part[share][0] if part.height > 1 else None
    return before, last[share], last.get(low or ""), last.get(high or "")
