"""What a run is paid for, as pages ask it: kept by the run's own rows. data and analytics meet.

The line on a run's card is never waited for: a thread beside the pages computes it, and a page that
is opened before shows the card without it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analytics.figures.drawing.curves import RunCurve
from analytics.paid_for import length, report
from analytics.paid_for.budget import Budget
from analytics.paid_for.length_words import share_sentence
from data.store import Store
from pages.shared import reads
from pages.shared.keeping.caching import cached

MOST_LINES = 4096
RESTS = 20
"""A line is computed anew after so many times what it took: a run may grow every second."""
Key = tuple[str, str, int, int | None]
"""Folder of the store, run, generation of its rows, step at which it is frozen."""
_lines: dict[Key, str] = {}
_asked: deque[tuple[str, int | None]] = deque(maxlen=256)
_rested: dict[tuple[str, str, int | None], float] = {}
"""When the line of a run, whole or frozen, may be computed again: seconds, monotonic."""


@cached(8, reads.run_generation, shared=True)
def drawn(run: str, until: int | None) -> pl.DataFrame:
    """The responses of a run, without texts, ready to be compared."""
    query = reads.store().query
    return report.read(query, run, until, report.second_of(query, run))


@cached(64, reads.run_generation)
def responses(run: str, until: int | None) -> report.ResponsesRead:
    """How many responses were read, of how many."""
    return report.responses(reads.store().query, run, drawn(run, until), until)


@cached(64, reads.run_generation)
def of_length(run: str, until: int | None) -> report.OfLength:
    """What length explains, and what gold did at matched length."""
    return report.of_length(drawn(run, until))


@cached(64, reads.run_generation)
def of_judge(run: str, until: int | None) -> report.JudgeReport:
    """The judge over training."""
    return report.of_judge(reads.store().query, run, drawn(run, until), until)


def of_budget(curve: RunCurve, until: int | None) -> Budget:
    """Length as a second budget."""
    query = reads.store().query
    return report.of_budget(query, curve.run_id, until, curve.looks, curve.verdict)


def of_rivals(curve: RunCurve, until: int | None) -> report.RivalsReport | None:
    """Rival explanations beside an alarm; None where there is none."""
    return report.of_rivals(reads.store().query, curve.run_id, until, curve.verdict)


def of_signals(run: Mapping[str, Any], curve: RunCurve, until: int | None) -> report.SignalsReport:
    """Signals without gold."""
    frame = drawn(curve.run_id, until)
    return report.of_signals(reads.store().query, run, frame, until, curve.verdict)


def line(run: Mapping[str, Any], until: int | None) -> str:
    """What length explains of a run's gain in proxy, a sentence; "" until it is computed.

    run: a row of the query runs.
    """
    if not run["samples"]:
        return ""
    name = run["run_id"]
    known = _lines.get((str(reads.store().home), name, run["generation"], until))
    if known is None and (name, until) not in _asked:
        _asked.append((name, until))
    return known or ""


def measure_lines(store: Store, stopping: threading.Event) -> None:
    """Compute the line of every run that has none for its rows as they are, for `worker`."""
    runs = {row["run_id"]: row for row in store.query("runs", project=None, runs=None).to_dicts()}
    wanted = [(name, None) for name, row in runs.items() if row["samples"]]
    _compute(store, runs, wanted, stopping)


def measure_asked(store: Store, stopping: threading.Event) -> None:
    """Compute the lines that pages have asked for meanwhile, and those of runs that grew again."""
    if not _asked:
        return
    wanted = [_asked.popleft() for _ in range(len(_asked))]
    named = sorted({name for name, _ in wanted})
    runs = {row["run_id"]: row for row in store.query("runs", project=None, runs=named).to_dicts()}
    _compute(store, runs, wanted, stopping)


def _compute(
    store: Store, runs: Mapping[str, Mapping[str, Any]], wanted: Sequence[tuple[str, int | None]],
    stopping: threading.Event,
) -> None:  # fmt: skip
    for name, until in wanted:
        if stopping.is_set():
            return
        if name not in runs:
            continue
        key = (str(store.home), name, runs[name]["generation"], until)
        whose = (str(store.home), name, until)
        began = time.monotonic()
        if key in _lines:
            continue
        if began < _rested.get(whose, 0.0):
            _asked.append((name, until))
            continue
        _lines[key] = _line(store, name, until)
        _rested[whose] = (1 + RESTS) * time.monotonic() - RESTS * began
    for whose in [one for one, until_then in _rested.items() if until_then < time.monotonic()]:
        del _rested[whose]  # else one of each step that a reader ever looked at would stay
    while len(_lines) > MOST_LINES:
        _lines.pop(next(iter(_lines)), None)


def _line(store: Store, name: str, until: int | None) -> str:
    """The sentence; "" where nothing can be told, or the responses cannot be read."""
    try:
        return share_sentence(length.explained(report.read(store.query, name, until), "proxy"))
    except Exception as error:
        print(f"What length explains of {name!r} could not be computed: {error!r}", flush=True)
        return ""
