"""Judges runs in the background after each change of the store; pages show what is kept."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import polars as pl

from analytics.verdicts import judge, method, missing, packed
from data.store import Store

BATCH = 8
"""Verdicts kept at a time: a page sees the first ones while the rest are computed."""


def start(store: Store) -> Callable[[], None]:
    """Start judging; returns what stops it."""
    stopping = threading.Event()
    thread = threading.Thread(target=_work, args=(store, stopping), daemon=True, name="verdicts")
    thread.start()

    def stop() -> None:
        stopping.set()
        thread.join(10)

    return stop


def _work(store: Store, stopping: threading.Event) -> None:
    done_for = -1
    while not stopping.is_set():
        try:
            generation = store.generation
            if generation != done_for and judge_all(store, stopping):
                done_for = generation
        except Exception as error:
            print(f"Verdicts could not be computed: {error!r}", file=sys.stderr, flush=True)
            stopping.wait(5)
        stopping.wait(0.5)


def judge_all(store: Store, stopping: threading.Event) -> bool:
    """Judge every run whose kept verdict is not current; False when stopped before the end."""
    runs = store.query("runs", project=None, runs=None)
    kept = store.query("verdicts", runs=None, until=-1, source="", method=method())
    waiting = missing(runs, kept)
    for start_at in range(0, len(waiting), BATCH):
        rows = []
        for run in waiting[start_at : start_at + BATCH]:
            if stopping.is_set():
                return False
            rows.append(packed(judge(store.query, run, runs=runs), run, None, None))
        store.save_verdicts(pl.DataFrame(rows))
    return True
