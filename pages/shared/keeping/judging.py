"""Verdicts as pages and routes want them: kept ones where they hold, else judged and kept.

Here data and analytics meet. Judging goes on in processes of their own
(``analytics.kept_verdicts``): one for what a reader waits for, one for the worker, so that a long
run of the one keeps nobody waiting for the other.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from analytics.kept_verdicts import verdicts
from analytics.kept_verdicts.judging import Judge
from analytics.kept_verdicts.judging import JudgeClosed as JudgeClosed
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.onset.judging.recommendation import among_all
from data.database.kept_verdicts import KeptVerdict, kept_rows, to_keep, view
from data.database.questions import meaning
from data.store import Store

MOST_KEPT = 256


def method() -> str:
    """Fingerprint of what judges now: its code, and the SQL that it asks."""
    return verdicts.method(meaning)


@dataclass
class Judges:
    """The judging processes, and what they found that is not in its store yet, by its folder."""

    for_pages: Judge
    for_worker: Judge
    found: deque[tuple[Path, KeptVerdict]] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    turn: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """End both, also in the middle of a run."""
        self.for_pages.close()
        self.for_worker.close()


_judges: list[Judges] = []


def judges() -> Judges:
    """Those of this process; nothing is started before the first run.

    Raises:
        ValueError: the environment names a budget that is none.
    """
    if not _judges:
        _judges.append(Judges(Judge(), Judge()))
    return _judges[0]


def end() -> None:
    """End the judging processes; a later question starts new ones."""
    while _judges:
        _judges.pop().close()


def judged(
    judge: Judge, store: Store, run: Mapping[str, Any], until: int | None, source: str | None
) -> KeptVerdict:
    """A row of the table verdicts, judged now.

    Raises:
        JudgeClosed: the server is ending.
    """
    asked = verdicts.Asked(store.query)
    made = judge.judge(asked, run, until, source, partial(every_run, store))
    rows = ""
    if until is not None:
        rows = verdicts.rows_fingerprint(asked, run, until)
    stamp = verdicts.stamp(method(), rows)
    return to_keep(run, stamp, made.row, made.looks, until, source)


def every_run(store: Store) -> pl.DataFrame:
    """The question "runs" about all of them."""
    return store.query("runs", project=None, runs=None)


def verdict(
    store: Store, run: Mapping[str, Any], until: int | None, source: str | None
) -> KeptVerdict:
    """A row of the table verdicts for a view, kept where one holds; a reader waits for it.

    What is judged here is kept at the worker's next turn: a page does not wait for an import to
    be done with the store.

    Raises:
        JudgeClosed: the server is ending.
    """
    kept = _kept(store, run, until, source)
    if kept is None:
        with judges().turn:  # of the readers who ask for one view together, the first has it judged
            kept = _kept(store, run, until, source)
            if kept is None:
                kept = judged(judges().for_pages, store, run, until, source)
                judges().found.append((store.home, kept))
    return kept


def advised(rows: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Verdicts of all judged runs, each recommending what holds among all runs of its project."""
    advice = among_all(rows)
    return [row | {"recommendation": advice.get(str(row["run"]))} for row in rows]


def _kept(
    store: Store, run: Mapping[str, Any], until: int | None, source: str | None
) -> KeptVerdict | None:
    """The kept row that holds for a view, in the store or found since, else None."""
    named = view(until, source)
    rows = [
        _stored(row)
        for row in kept_rows(store, method(), [run["run_id"]], until, source).to_dicts()
    ]
    mine = (store.home, run["run_id"], named["until"], named["source"])
    rows += [row for home, row in list(judges().found) if (home, *_key(row)) == mine]
    for row in reversed(rows):
        if verdicts.holds(row, run, until, method(), store.query):
            if row["generation"] != run["generation"]:
                renewed = row | {"generation": run["generation"]}
                judges().found.append((store.home, renewed))
            return row
    return None


def keep_found(store: Store) -> None:
    """Keep what readers have waited for since the last time."""
    rows = {}
    with contextlib.suppress(IndexError):
        while True:
            home, row = judges().found.popleft()
            if home == store.home:
                rows[_key(row)] = row
    if rows:
        store.save_verdicts(pl.DataFrame(list(rows.values())))


def _key(row: KeptVerdict) -> tuple[str, int, str]:
    return row["run_id"], row["until_step"], row["gold_source"]


def _stored(row: Mapping[str, Any]) -> KeptVerdict:
    """A row of the question "verdicts" as one of the table: without what the question adds."""
    return {name: row[name] for name in KeptVerdict.__required_keys__}  # type: ignore[return-value]
