"""Indicators of collapse, computed in a process of their own after each change of the store."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from analytics.collapse import kept
from data.questions import meaning
from data.store import Store

ROOT = Path(__file__).resolve().parents[2]


def method() -> str:
    """Fingerprint of what computes indicators now."""
    return kept.method(meaning)


def measure_all(store: Store, stopping: threading.Event) -> bool:
    """Have the indicators computed that do not hold; False when stopped before the end.

    The command asks this server for the texts and hands the rows back, at the lowest priority:
    pages and verdicts go first.
    """
    waiting = kept.missing(store.query, None, method())
    if not waiting:
        return True
    process = subprocess.Popen(
        [sys.executable, "-m", "analytics", "collapse", "--loop", *(w["loop"] for w in waiting)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | {"OVEROPT_HOME": str(store.home), "POLARS_MAX_THREADS": "1"},
    )  # fmt: skip
    os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    while process.poll() is None:
        if stopping.wait(0.2):
            process.kill()
            process.wait()
            return False
    return True
