"""Indicators of collapse in words: a cell's test, a table of a loop, what changed first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from analytics.collapse.indicators import BY_NAME, INDICATORS

Change = Literal["worse", "changed", "unchanged", "better", "not tested", "not measured"]
LEVEL = 0.05
"""Of the test of one loop's indicator over all of its iterations (Bonferroni)."""
Row = Mapping[str, Any]


def change(row: Row, looks: int) -> Change:
    """What a row's test against iteration 0 says; ``looks`` iterations are tested."""
    told = row.get("from_first")
    if not told:
        return "unchanged"  # the first iteration itself
    if told["p"] is None:
        return "not tested"
    if told["p"] >= LEVEL / max(looks, 1):
        return "unchanged"
    way = BY_NAME[row["indicator"]].worse
    rises = told["difference"] > 0
    if way in ("moves", "neither"):
        return "worse" if way == "moves" else "changed"
    return "worse" if rises == (way == "rises") else "better"


def looks_of(rows: Iterable[Row]) -> int:
    """Iterations that are tested against the first."""
    return max(len({row["iteration"] for row in rows}) - 1, 1)


def worse_first(rows: Sequence[Row], group: str | None = None) -> dict[str, int]:
    """The first iteration at which each indicator is worse than at iteration 0, and stays so."""
    looks = looks_of(rows)
    found: dict[str, int] = {}
    for indicator in INDICATORS:
        if group is not None and indicator.group != group:
            continue
        mine = [row for row in rows if row["indicator"] == indicator.name]
        mine.sort(key=lambda row: row["iteration"], reverse=True)
        for row in mine:  # from the last one back, as long as it is worse
            if change(row, looks) != "worse":
                break
            found[indicator.name] = row["iteration"]
    return found


def shown(row: Row) -> str:
    """A value with its interval."""
    digits = BY_NAME[row["indicator"]].digits
    value = f"{row['value']:.{digits}f}"
    if row["low"] is None:
        return value
    return f"{value} [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"


def table(rows: Sequence[Row]) -> pl.DataFrame:
    """Indicators as a flat table, for people: titles in place of names, changes in columns."""
    return pl.DataFrame(
        [
            {
                "loop": row["loop"], "iteration": row["iteration"],
                "indicator": BY_NAME[row["indicator"]].title,
                "value": row["value"], "low": row["low"], "high": row["high"], "texts": row["n"],
                **{f"since {when}": (row[key] or {}).get("difference") for when, key in
                   (("iteration 0", "from_first"), ("the last", "from_previous"))},
                "p since iteration 0": (row["from_first"] or {}).get("p"),
            }
            for row in rows
        ],
        infer_schema_length=None,
    )  # fmt: skip


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """What the command prints: each loop's indicators, first and last iteration, and the change."""
    for loop in dict.fromkeys(row["loop"] for row in rows):
        mine = [row for row in rows if row["loop"] == loop]
        looks = looks_of(mine)
        yield f"{loop}: 95 % intervals over prompts; a change is tested over {looks} iterations"
        since = worse_first(mine)
        for indicator in INDICATORS:
            series = [row for row in mine if row["indicator"] == indicator.name]
            if not series:
                continue
            first, last = series[0], series[-1]
            said = change(last, looks)
            when = f" since iteration {since[indicator.name]}" if indicator.name in since else ""
            yield (
                f"  {indicator.title}: {shown(first)} at {first['iteration']}, {shown(last)} at "
                f"{last['iteration']}: {said}{when}"
            )
        if against := next((row["reference"] for row in mine if "reference" in row), None):
            yield f"  the tail is that of {against}"
