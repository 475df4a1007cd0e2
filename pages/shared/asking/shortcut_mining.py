"""Shortcuts of runs for pages: mined in a process of its own, kept until the run changes.

Here data and analytics meet. No page waits: it gets what is there, and how far the rest is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analytics.shortcuts import Mined
from analytics.shortcuts.of_run import responses
from analytics.wording import whole
from data.spool import scratch
from data.store import Store
from pages.shared import reads

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 600.0
"""A run that takes longer is given up, and said so."""
REST = 30.0
"""Seconds between two minings of one run: a live one changes every second."""
MOST_KEPT = 64


@dataclass
class Mining:
    """What is known of a run's shortcuts.

    ``mined``: the last result; ``at``: the run's generation that it is of; ``progress``: what is
    being done now, "" where nothing is; ``fault``: why there is no result.
    """

    mined: Mined | None = None
    at: object = None
    progress: str = ""
    fault: str = ""
    began: float = -REST


Key = tuple[str, str, int | None]


@dataclass
class Miner:
    """Mines one run at a time; any thread may ask."""

    kept: dict[Key, Mining] = field(default_factory=dict)
    processes: set[subprocess.Popen[str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def mined(self, store: Store, run: str, until: int | None, generation: object) -> Mining:
        """What is known now; what is missing or older than the run is begun."""
        key = str(store.home), run, until
        with self.lock:
            known = self.kept.pop(key, None) or Mining()
            self.kept[key] = known
            while len(self.kept) > MOST_KEPT:
                self.kept.pop(next(iter(self.kept)))
            now = time.monotonic()
            if not known.progress and known.at != generation and now - known.began >= REST:
                known.progress, known.began = "waiting", now
                threading.Thread(
                    target=self._mine, args=(store, key, known, generation), daemon=True,
                    name="shortcuts",
                ).start()  # fmt: skip
            return replace(known)

    def end(self) -> None:
        """End the processes, also in the middle of a run."""
        with self.lock:
            for process in self.processes:
                process.kill()

    def _mine(self, store: Store, key: Key, known: Mining, generation: object) -> None:
        def progress(what: str) -> None:
            known.progress = what

        with self.turn:
            try:
                known.mined, known.fault = self._found(store, key, progress), ""
            except Exception as error:
                known.fault = f"{type(error).__name__}: {error}"[:300]
            known.at, known.progress = generation, ""

    def _found(self, store: Store, key: Key, progress: Callable[[str], None]) -> Mined:
        _, run, until = key
        progress("reading")
        with scratch(store.home) as folder:
            file = Path(folder) / "responses.parquet"
            read = responses(store.query, run, until)
            of = read.of
            read.frame.write_parquet(file, compression="lz4")
            del read
            return replace(self._asked(file, progress), of=of)

    def _asked(self, file: Path, progress: Callable[[str], None]) -> Mined:
        few = {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2", "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-m", "analytics.shortcuts.process", str(file)], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | few,
        ) as process:  # fmt: skip
            os.setpriority(os.PRIO_PROCESS, process.pid, 15)
            with self.lock:
                self.processes.add(process)
            guard = threading.Timer(SECONDS, process.kill)
            guard.start()
            try:
                return _result(process, progress)
            finally:
                guard.cancel()
                process.kill()
                with self.lock:
                    self.processes.discard(process)


def _result(process: subprocess.Popen[str], progress: Callable[[str], None]) -> Mined:
    """What the process finds; what it does meanwhile is told.

    Raises:
        RuntimeError: it ended without a result.
    """
    for line in process.stdout or ():
        answer: dict[str, Any] = json.loads(line)
        if "mined" in answer:
            return Mined.from_dict(answer["mined"])
        progress(f"{answer['what']} ({answer['done'] + 1} of {answer['of']})")
    raise RuntimeError(
        f"its process ended with {process.wait()}; it may take {whole(SECONDS)} s (the server's "
        "log may say more)"
    )


_miner = Miner()


def mined(run: str, until: int | None) -> Mining:
    """What is known of a run's shortcuts now, up to a step."""
    return _miner.mined(reads.store(), run, until, reads.run_generation(run))


def end() -> None:
    """End what is being mined."""
    _miner.end()
