"""Two states of a store, read for a review. Here data and analytics meet.

The state at the beginning is made again from the archive and judged by today's method, so that a
verdict differs only where the rows do. Only runs that changed are judged.
"""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from analytics import hallucination
from analytics.collapse import kept as indicators
from analytics.figures.drawing.curves import RunCurve, has_line
from analytics.gate import GateError, judge, proposal, read_policy
from analytics.gate.result.due import due
from analytics.gate.result.gathering import gather
from analytics.kept_verdicts.judging import Judge
from analytics.kept_verdicts.verdicts import Asked, method, missing, unpacked_looks
from analytics.review import dictionary, document
from analytics.review.changes import Change, changes
from analytics.review.document import MOST_FIGURES
from analytics.review.state import GateState, RunState, State, judges_of
from data.database.any_store import AnyStore
from data.database.kept_verdicts import kept_rows, to_keep
from data.database.questions import meaning
from data.outgoing.exporting import packed_tables
from data.rows import answers
from data.serving import watches
from data.upkeep import past

WEEK = datetime.timedelta(days=7)
_turn = threading.Lock()


class Review(NamedTuple):
    """What a review shows.

    since, until: first and last moment, ISO 8601 (UTC). last: the segment that it saw last.
    """

    since: str
    until: str
    last: str
    changes: list[Change]
    now: State


class Begins(NamedTuple):
    """Where a review begins: the name of a segment, its moment, and what was shown there."""

    segment: str
    at: str
    shown: Mapping[str, Any] | None


def begins(store: AnyStore, since: str | None, now: datetime.datetime) -> Begins:
    """Where a review begins: at a date, at the last closed review, or a week ago.

    Raises:
        ValueError: ``since`` is no date and no time.
    """
    if since is not None:
        midnight = past.moment(since)
        return Begins(past.before(midnight), midnight.isoformat(timespec="seconds"), None)
    closed = store.query("closed_reviews")
    if closed.height:
        row = closed.row(0, named=True)
        return Begins(row["until"], row["at"], json.loads(row["state"]))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - WEEK
    return Begins(past.before(midnight), midnight.isoformat(timespec="seconds"), None)


def review(
    store: AnyStore, begin: Begins, today: datetime.date, folder: Path,
    report: Callable[[str], None] = lambda _: None, wait: bool = True,
) -> Review:  # fmt: skip
    """What changed in a store since.

    Args:
        store: as it is now.
        begin: of ``begins``.
        today: what is due before it is overdue.
        folder: where the state at the beginning is made; kept, it is not made again.
        report: what is being done, as it goes on.
        wait: whether verdicts of now that are missing are judged; else another process does it,
            and until then such a run has none.
    """
    kinds, last = past.changes_since(store, begin.segment)
    report("Reading the store as it is …")
    now = state(store, set(kinds), today, wait=wait)
    now = replace(
        now, people=_became_due(store, set(kinds), begin.at, today),
        watches=dict(watches.stale(store.home, datetime.datetime.now(datetime.UTC))),
    )  # fmt: skip
    then = now
    if kinds or any(now.skips.values()):
        report("Reading the store as it was …")
        with _turn, closing(past.as_it_was(store.home, begin.segment, folder)) as was:
            then = state(was, set(kinds), today, {
                run: one.verdict for run, one in now.runs.items()
                if run not in kinds and one.verdict
            })  # fmt: skip
    notes = store.query("notes", runs=None, pin=None).to_dicts()
    found = changes(then, now, kinds, notes, begin.at, today, begin.shown)
    until = past.committed_at(last).isoformat(timespec="seconds") if kinds else begin.at
    return Review(begin.at, until, last, found, now)


def state(
    store: AnyStore, changed: set[str], today: datetime.date,
    known: Mapping[str, Any] | None = None, wait: bool = True,
) -> State:  # fmt: skip
    """A state of a store.

    Args:
        store: what it is read from; verdicts that are missing are judged and kept in it.
        changed: runs whose judges and gates are looked at.
        today: whether people are due to look.
        known: verdicts that hold, by run; the others are asked for.
        wait: whether missing verdicts are judged.
    """
    runs = store.query("runs", project=None, runs=None)
    verdicts = dict(known or {})
    verdicts |= verdicts_of(store, runs.filter(~pl.col("run_id").is_in(list(verdicts))), runs, wait)
    loops = [row["loop"] for row in store.query("loops").to_dicts() if row["loop"] in changed]
    return State(
        runs={
            row["run_id"]: RunState(
                row, verdicts.get(row["run_id"]),
                judges_of(store.query("gold", run=row["run_id"], until=None))
                if row["run_id"] in changed else frozenset(),
            )
            for row in runs.iter_rows(named=True)
        },
        wrong=_wrong(store, sorted(changed & set(runs["run_id"]))),
        indicators=[
            row for row in indicators.rows(store.query("indicators", loops=None))
            if row["loop"] in changed
        ] if known is None else _texts_then(store, changed),
        gates=dict(filter(None, map(partial(gate_of, store, today), loops))),
        skips={row["path"]: row["reason"] for row in store.query("skips").to_dicts()},
    )  # fmt: skip


def verdicts_of(
    store: AnyStore, runs: pl.DataFrame, every: pl.DataFrame, wait: bool
) -> dict[str, Any]:
    """The verdicts of some runs, kept or, with ``wait``, judged now."""
    by = method(meaning)
    kept = kept_rows(store, by)
    verdicts = {
        row["run_id"]: json.loads(row["verdict"]) for row in kept.to_dicts() if row["current"]
    }
    waiting = missing(runs, kept) if wait else []
    if waiting:
        with Judge() as judging:
            made = (judging.judge(Asked(store.query), one, runs=lambda: every) for one in waiting)
            rows = [
                to_keep(run, by, one.row, one.looks) for one, run in zip(made, waiting, strict=True)
            ]
        store.save_verdicts(pl.DataFrame(rows))
        verdicts |= {row["run_id"]: json.loads(row["verdict"]) for row in rows}
    return {run: verdicts[run] for run in runs["run_id"] if run in verdicts}


def _wrong(store: AnyStore, loops: list[str]) -> pl.DataFrame:
    """Totals of wrong answers of the loops that changed, each with its test."""
    if not loops:
        return pl.DataFrame()
    query, asked = store.query, {"loops": loops, "until": None}
    found = hallucination.rates_from_counts(
        answers.counts(query, loops, None, 0.8), answers.flips(query, loops, None, None),
        query("answer_clusters", **asked), query("answer_calibration", **asked),
        None, 0.8, answers.flip_clusters(query, loops, None, None),
    )  # fmt: skip
    return found.filter(level="total")


def _texts_then(store: AnyStore, loops: Iterable[str]) -> list[dict[str, Any]]:
    """Which iterations had texts: indicators of those do not change."""
    there = store.query("text_iterations", loops=sorted(loops))
    return there.select("loop", "iteration").to_dicts()


def _became_due(
    store: AnyStore, changed: set[str], since: str, today: datetime.date
) -> dict[str, tuple[int, str]]:
    """Loops without new rows whose people became due by the date alone: iteration, and why.

    A loop that nobody ever reviewed has been due all along.
    """
    loops = {row["loop"]: row["last_iteration"] for row in store.query("loops").to_dicts()}
    waiting = [loop for loop, last in loops.items() if last and loop not in changed]
    if not waiting:
        return {}
    reviewed = set(store.query("reviews", loops=waiting, until=None)["loop"])
    found, policy = {}, read_policy(proposal())
    for loop in (loop for loop in waiting if loop in reviewed):
        try:
            evidence = gather(store.query, loop, int(loops[loop]), today=today)
            now = due(evidence, policy)
            before = due(replace(evidence, today=past.moment(since).date()), policy)
        except GateError:
            continue
        if now.now_due and not before.now_due:
            found[loop] = int(loops[loop]), " ".join(now.sentences()[:2])
    return found


def gate_of(
    store: AnyStore, today: datetime.date, loop: str, text: str | None = None
) -> tuple[str, GateState] | None:
    """The gate of a loop's last iteration; None where none can be.

    text: of the policy; None = the proposed one.
    """
    last = {row["loop"]: row["last_iteration"] for row in store.query("loops").to_dicts()}[loop]
    if not last:
        return None
    policy = read_policy(proposal() if text is None else text)
    rows = indicators.rows(store.query("indicators", loops=[loop]))
    try:
        evidence = gather(store.query, loop, int(last), indicators=rows, today=today)
        gate, people = judge(evidence, policy), due(evidence, policy)
    except GateError:
        return None
    word = "FAIL" if any(block.result == "FAIL" for block in gate.blocks) else gate.result
    sentence = " ".join(people.sentences()[:2]) if people.now_due else ""
    return loop, GateState(int(last), word, gate.summary, sentence)


def curves(store: AnyStore, found: Review) -> list[RunCurve]:
    """The runs of a review that a figure is drawn of: those that need a decision, judged."""
    wanted = [one.subject for one in found.changes if one.needs_decision]
    names = [run for run in dict.fromkeys(wanted) if _drawable(found.now.runs.get(run))]
    names = names[:MOST_FIGURES]
    rows = store.query("curves", runs=names).filter(pl.col("phase") == "train")
    whole = rows.partition_by("run_id", as_dict=True)
    kept = kept_rows(store, method(meaning), names)
    looks = {row["run_id"]: unpacked_looks(row["looks"]) for row in kept.to_dicts()}
    made = [
        RunCurve(
            run, found.now.runs[run].row["ordinal"], whole.get((run,), rows.clear()),
            looks.get(run, pl.DataFrame()), found.now.runs[run].verdict or {},
        )
        for run in names
    ]  # fmt: skip
    return [one for one in made if has_line(one, "step")]


def _drawable(run: RunState | None) -> bool:
    return run is not None and run.verdict is not None and bool(run.row["points"])


class Written(NamedTuple):
    """A review written down: HTML, Markdown, and its tables as one zip archive."""

    html: str
    markdown: str
    data: bytes


def written(store: AnyStore, found: Review, today: datetime.date, server: str = "") -> Written:
    """The documents of a review; server: where links lead, empty = nowhere."""
    notes = store.query("notes", runs=None, pin=None).to_dicts()
    drawn, span = curves(store, found), (found.since, found.until, today)
    judged = [one.verdict for _, one in sorted(found.now.runs.items()) if one.verdict]
    return Written(
        document.html(found.changes, *span, drawn, notes, server),
        document.markdown(found.changes, *span, notes, server),
        packed_tables(dictionary.tables(found.changes, judged, drawn)),
    )
