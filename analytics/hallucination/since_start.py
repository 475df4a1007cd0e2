"""What a reader asks first: is each loop wrong more often than it was at its start?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import polars as pl

from analytics.hallucination.words import origin_words
from analytics.rates import wilson
from analytics.wording import (
    MISSING,
    count,
    fixed,
    p_value,
    percent,
    points,
    rate_text,
    whole,
)

ALPHA = 0.05
CLUSTERED = 1.1
"""Design effect above which the interval over entities is stated, not that over answers."""


BeforeAndNow = tuple[float | None, float | None, float | None, float | None]
"""Of a share of all graded: before, now, and the 95 % interval of now."""


class SinceRow(TypedDict):
    """A loop's start and end on the questions of one origin."""

    loop: str
    origin: str
    iteration: int
    since: int | None
    moved: str
    p: float | None
    tested: str
    rate: BeforeAndNow
    confident: BeforeAndNow
    silent: BeforeAndNow


def since_start(totals: pl.DataFrame, compared: pl.DataFrame) -> list[SinceRow]:
    """One row a loop and origin: its start and its end, and the test between them.

    Args:
        totals: rows of `rates` of level "total", every iteration.
        compared: the last row of each loop and origin, compared with its start; without a change
            where there was none.

    Returns:
        loop, origin, iteration, since (None = nothing to compare with), moved (`more fewer chance
        unknown`), p (None without a test), tested (in words), and rate, confident, silent: each
        (before, now, low, high), shares of all graded, 95 %. Fixed questions first, then the surest
        change first.
    """
    rows = [_row(row, totals) for row in compared.iter_rows(named=True) if row["n"]]
    order = ("more", "fewer", "chance", "unknown")
    rows.sort(key=lambda r: (
        r["origin"] != "benchmark", r["origin"], order.index(r["moved"]),
        -abs((r["rate"][0] or 0) - (r["rate"][1] or 0)), r["loop"],
    ))  # fmt: skip
    return rows


def first_iterations(totals: pl.DataFrame) -> dict[str, int]:
    """The iteration that each loop starts with."""
    firsts = totals.group_by("loop").agg(pl.col("iteration").min())
    return dict(firsts.sort("loop").iter_rows())


def headline(rows: Sequence[Mapping[str, Any]]) -> str:
    """The answer in a sentence, of the fixed questions where there are any.

    Args:
        rows: of `since_start`.
    """
    if not rows:
        return "No answer is graded"
    mine = [row for row in rows if row["origin"] == rows[0]["origin"]]
    where = origin_words(mine[0]["origin"])
    tested = [row for row in mine if row["moved"] != "unknown"]
    if not tested:
        return f"One iteration of answers on {where}: nothing to compare with yet"
    moved = {word: [r for r in tested if r["moved"] == word] for word in ("more", "fewer")}
    if len(tested) == 1:
        return _alone(tested[0], where)
    parts = []
    for word, went in (("more", "rose"), ("fewer", "fell")):
        if moved[word]:
            most = moved[word][0]
            parts.append(
                f"{went} in {whole(len(moved[word]))} of {count(len(tested), 'loop')}, most in "
                f"{most['loop']}: {rate_text(most['rate'][0])} to {rate_text(most['rate'][1])}"
            )
    since = {row["since"] for row in tested}
    start = f" since iteration {whole(since.pop())}" if len(since) == 1 else " since the start"
    if not parts:
        return (
            f"Wrong answers on {where}: no change beyond chance in {count(len(tested), 'loop')}"
            f"{start}"
        )
    return f"Wrong answers on {where}{start} {'; '.join(parts)}"


def _alone(row: Mapping[str, Any], where: str) -> str:
    before, now = rate_text(row["rate"][0]), rate_text(row["rate"][1])
    since = f"since iteration {whole(row['since'])}"
    if row["moved"] == "chance":
        return (
            f"{row['loop']}: wrong answers on {where} went from {before} to {now} {since}, "
            "within chance"
        )
    went = "rose" if row["moved"] == "more" else "fell"
    return f"{row['loop']}: wrong answers on {where} {went} from {before} to {now} {since}"


def change_words(part: Sequence[float | None]) -> tuple[str, str]:
    """Before and now of one measure, and the interval of now.

    >>> change_words((0.132, 0.76, 0.733, 0.785)), change_words((None, None, None, None))
    (('13.2 % → 76.0 %', '73.3 to 78.5 %'), ('–', ''))
    """
    before, now, low, high = part
    if now is None:
        return MISSING, ""
    text = rate_text(now) if before is None else f"{rate_text(before)} → {rate_text(now)}"
    if low is None or high is None:
        return text, ""
    return text, f"{fixed(100 * low, 1)} to {percent(high, 1)}"


def _row(end: Mapping[str, Any], totals: pl.DataFrame) -> SinceRow:
    since = end["change_from_iteration"]
    mine = totals.filter(loop=end["loop"], origin=end["origin"])
    at_start = mine.clear() if since is None else mine.filter(iteration=since)
    start = at_start.row(0, named=True) if at_start.height else {}
    by_entity = (end["design_effect"] or 0) > CLUSTERED and end["low_clustered"] is not None
    low, high = ("low_clustered", "high_clustered") if by_entity else ("low", "high")
    quiet_low, quiet_high = (
        float(bound) for bound in wilson(end["not_attempted_rate"] * end["n"], end["n"])
    )
    moved, p, tested = _tested(end)
    return {
        "loop": end["loop"], "origin": end["origin"], "iteration": end["iteration"],
        "since": since, "moved": moved, "p": p, "tested": tested,
        "rate": (start.get("rate"), end["rate"], end[low], end[high]),
        "confident": (start.get("confident"), end["confident"], end["confident_low"],
                      end["confident_high"]),
        "silent": (start.get("not_attempted_rate"), end["not_attempted_rate"],
                   quiet_low, quiet_high),
    }  # fmt: skip


def _tested(row: Mapping[str, Any]) -> tuple[str, float | None, str]:
    if row["change_from_iteration"] is None:
        return "unknown", None, "nothing to compare with"
    paired = row["change_paired"]
    p = row["change_p_exact"] if paired else row["change_p"]
    rose = row["change_rate_now"] > row["change_rate_before"]
    moved = "chance" if p > ALPHA else "more" if rose else "fewer"
    if paired:
        return moved, p, (
            f"{whole(row['change_newly_wrong'])} newly wrong, "
            f"{whole(row['change_newly_right'])} newly right of "
            f"{whole(row['change_shared'])}, {p_value(p)}"
        )  # fmt: skip
    return moved, p, (
        f"other questions; difference {points(row['change_low'])} to "
        f"{points(row['change_high'])} points, {p_value(p)}"
    )  # fmt: skip
