"""Pages of a run's responses: as many steps are read as a page needs, however many there are."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from data.store import Store

FIRST_READ = 2_000
"""Responses looked through at first; four times as many each time, until a page is full."""
SECONDS = 3.0
"""A page is given out as it is after so long, and says how far it looked."""


class Page(NamedTuple):
    """Responses without their texts, and the last step looked at if that is not all."""

    rows: pl.DataFrame
    stopped_after: int | None


def page(
    store: Store, run: str, steps: Sequence[tuple[int, int]], asked: Mapping[str, Any], rows: int,
    seconds: float = SECONDS,
) -> Page:  # fmt: skip
    """The next ``rows`` responses that pass the filters, in the order of steps.

    Args:
        store: the open store.
        run: its name.
        steps: steps that may hold them, with their numbers of responses, ascending.
        asked: the other parameters of the query responses_page.
        rows: at most so many.
        seconds: after so long it stops between two reads.
    """
    found: list[pl.DataFrame] = []
    began, at, many, stretch = time.monotonic(), 0, 0, FIRST_READ
    while at < len(steps) and many < rows:
        end, read_to = at, 0
        while end < len(steps) and (end == at or read_to + steps[end][1] <= stretch):
            read_to += steps[end][1]
            end += 1
        part = store.query(
            "responses_page", run=run, first=steps[at][0], last=steps[end - 1][0],
            rows=rows - many, **asked,
        )  # fmt: skip
        found.append(part)
        many += part.height
        at, stretch = end, 4 * stretch
        if time.monotonic() - began > seconds:
            break
    found_rows = pl.concat(found) if found else store.query(
        "responses_page", run=run, first=0, last=-1, rows=0, **asked
    )  # fmt: skip
    early = many < rows and at < len(steps)
    return Page(found_rows, steps[at - 1][0] if early else None)
