"""Indicators of collapse in words: a cell's test, a table of a loop, what changed first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from analytics.collapse.indicators import BY_NAME, INDICATORS, Way
from analytics.wording import fixed

Change = Literal["worse", "changed", "unchanged", "better", "not tested", "not measured"]
LEVEL = 0.05
"""Of the tests of one question over all iterations of a loop together."""
Row = Mapping[str, Any]


def states(tests: Mapping[int, tuple[float | None, float]], way: Way) -> dict[int, Change]:
    """What each iteration's test against the first says, at LEVEL for all of them together.

    Half of the level is shared among all iterations (Bonferroni); the other half goes to the last
    one, and on to each before it as long as every later one was shown (a fixed sequence, Maurer,
    Hothorn and Lehmacher 1995): so what stays bad is dated as early as it can be shown.

    Args:
        tests: p (None = no test) and difference from the first, by iteration.
        way: which way is worse.
    """
    found: dict[int, Change] = {}
    going_on = True
    for iteration in sorted(tests, reverse=True):
        p, difference = tests[iteration]
        if p is None:
            found[iteration] = "not tested"
            continue
        shown_alone = p < LEVEL / 2 / len(tests)
        going_on = going_on and p < LEVEL / 2
        found[iteration] = turned(difference, way) if shown_alone or going_on else "unchanged"
    return found


def turned(difference: float, way: Way) -> Change:
    """What a change that was shown is: worse, better, or a change that is neither."""
    if way == "neither":
        return "changed"
    if way == "moves":
        return "worse"
    return "worse" if (difference > 0) == (way == "rises") else "better"


def changes(rows: Iterable[Row], indicator: str) -> dict[int, Change]:
    """What is said of an indicator by iteration; the first has not changed."""
    mine = [row for row in rows if row["indicator"] == indicator]
    from_first = {row["iteration"]: row["from_first"] for row in mine if row["from_first"]}
    tests = {at: (one["p"], one["difference"]) for at, one in from_first.items()}
    first: dict[int, Change] = {row["iteration"]: "unchanged" for row in mine[:1]}
    return first | states(tests, BY_NAME[indicator].worse)


def worse_from(found: Mapping[int, Change]) -> int | None:
    """The first iteration from which on it is worse, to the last one that was measured."""
    since = None
    for iteration in sorted(found, reverse=True):
        if found[iteration] != "worse":
            break
        since = iteration
    return since


def shown(row: Row) -> str:
    """A value with its interval."""
    digits = BY_NAME[row["indicator"]].digits
    value = fixed(row["value"], digits)
    if row["low"] is None:
        return value
    return f"{value} [{fixed(row['low'], digits)}, {fixed(row['high'], digits)}]"


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
        yield f"{loop}: 95 % intervals over prompts; changes are tested against the first iteration"
        for indicator in INDICATORS:
            series = [row for row in mine if row["indicator"] == indicator.name]
            if not series:
                continue
            first, last = series[0], series[-1]
            found = changes(mine, indicator.name)
            since = worse_from(found)
            when = f" since iteration {since}" if since is not None else ""
            yield (
                f"  {indicator.title}: {shown(first)} at {first['iteration']}, {shown(last)} at "
                f"{last['iteration']}: {found[last['iteration']]}{when}"
            )
        if against := next((row["reference"] for row in mine if "reference" in row), None):
            yield f"  the tail is that of {against}"
        for row in {row["indicator"]: row for row in mine if "kernel" in row}.values():
            yield f"  {BY_NAME[row['indicator']].title}: likeness by {row['kernel']}"
