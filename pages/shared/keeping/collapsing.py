"""Indicators of collapse, computed in a process of their own after each change of the store."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from analytics.collapse import kept
from data.database.questions import meaning
from data.store import Store

ROOT = Path(__file__).resolve().parents[3]
SERVER_GONE = 75
COMMAND = f"""
import os, sys, threading

def end_with_the_server():
    while os.read(0, 1 << 16):  # not through a buffer, whose lock would be held at the end
        pass
    os._exit({SERVER_GONE})

threading.Thread(target=end_with_the_server, daemon=True).start()
from analytics.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
"""``python -m analytics``, until the other end of standard input closes. After a server's crash it
would take the store for itself, and a server started then would be refused."""


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
    with started(store.home, [w["loop"] for w in waiting]) as process:
        while process.poll() is None:
            if stopping.wait(0.2):
                process.kill()
                return False
    return True


def started(home: Path, loops: list[str]) -> subprocess.Popen[bytes]:
    """The command on these loops, in a process that ends with this one."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "collapse", "--loop", *loops],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | {"OVEROPT_HOME": str(home), "POLARS_MAX_THREADS": "1"},
    )  # fmt: skip
    os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    return process
