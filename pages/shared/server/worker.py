"""Judges runs in the background after each change of the store; pages show what is kept."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl

from analytics.kept_verdicts.verdicts import missing
from analytics.quality.made import MODULES, code_of
from data.database.kept_verdicts import KeptVerdict, kept_rows
from data.store import Store
from pages.shared.asking import loop_reads, paid_reads, shortcut_mining
from pages.shared.keeping import collapsing, judging

BATCH = 8
"""Verdicts kept at a time: a page sees the first ones while the rest are computed."""


def start(store: Store) -> Callable[[], None]:
    """Start judging; returns what stops it, also in the middle of a run.

    Raises:
        ValueError: the environment names a budget of memory or time that is none.
    """
    judging.judges()
    for topic in MODULES:  # here, where no other thread compiles anything yet
        code_of(topic)
    judging.method()
    stopping = threading.Event()
    thread = threading.Thread(target=_work, args=(store, stopping), daemon=True, name="verdicts")
    thread.start()

    def stop() -> None:
        stopping.set()
        judging.end()
        shortcut_mining.end()
        thread.join(10)

    return stop


def _work(store: Store, stopping: threading.Event) -> None:
    done_for = -1
    while not stopping.is_set():
        try:
            judging.keep_found(store)
            generation = store.generation
            if generation != done_for and judge_all(store, stopping):
                done_for = generation
                paid_reads.measure_lines(store, stopping)
                collapsing.measure_all(store, stopping)
                loop_reads.compare_all()
            paid_reads.measure_asked(store, stopping)
        except judging.JudgeClosed:
            return
        except Exception as error:
            print(f"Verdicts could not be computed: {error!r}", file=sys.stderr, flush=True)
            stopping.wait(5)
        stopping.wait(0.5)


def judge_all(store: Store, stopping: threading.Event) -> bool:
    """Judge every run whose kept verdict is not current; False when stopped before the end.

    A run that could not be judged is kept as such, with the reason: it is not tried again before
    the run or the method changes.
    """
    runs = judging.every_run(store)
    kept = kept_rows(store, judging.method())
    waiting = missing(runs, kept)
    for start_at in range(0, len(waiting), BATCH):
        batch = waiting[start_at : start_at + BATCH]
        rows = list(_judged(store, batch, stopping))
        store.save_verdicts(pl.DataFrame(rows))
        judging.keep_found(store)
        if stopping.is_set():
            return False
    return True


def _judged(
    store: Store, batch: Iterable[Mapping[str, Any]], stopping: threading.Event
) -> Iterable[KeptVerdict]:
    for run in batch:
        if stopping.is_set():
            return
        yield judging.judged(judging.judges().for_worker, store, run, None, None)
