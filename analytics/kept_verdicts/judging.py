"""Judges in a process of its own, within a budget of memory and time, so that no run can take its
caller along: a run whose judgement takes too much, or dies, gets a sentence instead of a verdict.

The process asks back for the rows of the run it judges; it opens nothing itself. It is started at
the first run, serves many, is replaced after a failure, and ends when it is idle or its caller
is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import polars as pl

from analytics.comparing.verdict_frames import Query
from analytics.kept_verdicts.verdicts import not_judged
from analytics.onset.judging.judged import Verdict
from analytics.wording import number

OTHER_END = "analytics.kept_verdicts.judging_process"

MEMORY, SECONDS = "OVEROPT_JUDGE_MEMORY_MB", "OVEROPT_JUDGE_SECONDS"
IDLE = 120.0
"""Seconds without a run after which the process ends: it holds some 200 MB."""
_LISTED = Path("/proc/self/statm").exists()
_LOOK_EVERY = 0.05 if _LISTED else 0.5


@dataclass(frozen=True)
class Budget:
    """What one run may take: memory of the whole process in MB, seconds on the clock."""

    megabytes: float = 2_000
    seconds: float = 120

    @staticmethod
    def named() -> Budget:
        """The budget that the environment names, the usual one where it names none.

        Raises:
            ValueError: a variable is no number above 0.
        """
        return Budget(
            _number(MEMORY, Budget.megabytes), _number(SECONDS, Budget.seconds)
        )  # fmt: skip


class Judge:
    """One judging process and its caller's end; any thread may call, one run at a time."""

    def __init__(self, budget: Budget | None = None) -> None:
        """Nothing is started before the first run. budget: None = as the environment says."""
        self.budget = budget or Budget.named()
        self._turn = threading.Lock()
        self._process: _Process | None = None
        self._idle: threading.Timer | None = None
        self._closed = False

    def judge(
        self, query: Query, run: Mapping[str, Any], until: int | None = None,
        source: str | None = None, runs: Callable[[], pl.DataFrame] | None = None,
    ) -> Verdict:  # fmt: skip
        """The verdict of one run, as ``verdicts.judge`` makes it, or why there is none.

        Raises:
            JudgeClosed: the judge was closed meanwhile.
            Exception: whatever ``query`` raises.
        """
        with self._turn:
            if self._closed:
                raise JudgeClosed
            if self._idle is not None:
                self._idle.cancel()
            try:
                return self._judged(query, run, until, source, runs)
            finally:
                self._idle = threading.Timer(IDLE, self._end_idle)
                self._idle.daemon = True
                self._idle.start()

    def close(self) -> None:
        """End the process, also in the middle of a run."""
        self._closed = True
        if self._process is not None:
            self._process.end()
        if self._idle is not None:
            self._idle.cancel()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The judging process, None where there is none."""
        return self._process.pid if self._process is not None else None

    def _judged(
        self, query: Query, run: Mapping[str, Any], until: int | None, source: str | None,
        runs: Callable[[], pl.DataFrame] | None,
    ) -> Verdict:  # fmt: skip
        if self._process is None:
            self._process = _Process()
        process = self._process
        guard = _Guard(process, self.budget)
        try:
            task = (dict(run), until, source, runs is not None, self.budget.seconds)
            answer = process.asked(task, query, runs)
            if isinstance(answer, Verdict):
                if process.megabytes() > self.budget.megabytes / 2:
                    process.end()  # what it keeps of this run is not held against the next one
                return answer
            why = str(answer)
        except (EOFError, OSError):
            process.end()
            why = guard.broken or process.death()
        except BaseException:  # of the query: what was asked meanwhile is not answered any more
            process.end()
            raise
        finally:
            guard.done()
            if process.ended:
                self._process = None
        if self._closed:
            raise JudgeClosed
        return not_judged(run, why)

    def _end_idle(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                if self._process is not None:
                    self._process.end()
                    self._process = None
            finally:
                self._turn.release()


class JudgeClosed(Exception):
    """The judge was closed while a run was being judged: nothing is known of the run."""


class _Process:
    """The process at the other end of a pipe."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        few = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"}
        with theirs:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", OTHER_END, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
                env=os.environ | few | {"PYTHONPATH": os.pathsep.join(paths)},
            )  # fmt: skip
        self.pid, self.ended = self._popen.pid, False

    def asked(
        self, run: tuple[object, ...], query: Query, runs: Callable[[], pl.DataFrame] | None
    ) -> Verdict | str:
        """Have a run judged, answering the process's own questions meanwhile; a string = why not.

        Raises:
            EOFError, OSError: the process is gone.
        """
        self._pipe.send(run)
        while True:
            kind, *request = self._pipe.recv()
            if kind == "query":
                name, asked = request
                answer = runs() if name is None and runs is not None else query(name, **asked)
                self._pipe.send(answer)
            elif kind == "verdict":
                return Verdict(*request)
            else:
                return str(request[0])

    def megabytes(self) -> float:
        """Memory that the process holds, 0 where the system does not say."""
        try:
            if _LISTED:
                pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
                return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
            ps = ["ps", "-o", "rss=", "-p", str(self.pid)]
            return int(subprocess.run(ps, capture_output=True, check=True).stdout) / 1e3
        except (OSError, ValueError, IndexError, subprocess.CalledProcessError):
            return 0.0

    def end(self) -> None:
        """Kill it; nothing of its own is lost."""
        self.ended = True
        with contextlib.suppress(OSError):
            self._popen.kill()
        self._popen.wait()

    def death(self) -> str:
        """How it died, as a part of a sentence."""
        code = self._popen.wait()
        if code >= 0:
            return f"its process ended with {code}, see the log of the server"
        name = signal.Signals(-code).name
        out = ", as where the machine runs out of memory" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{out}"


class _Guard:
    """Ends a process that goes beyond the budget of the run at hand; ``broken`` says how."""

    def __init__(self, process: _Process, budget: Budget) -> None:
        self._process, self._budget = process, budget
        self.broken = ""
        self._done = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="budget").start()

    def done(self) -> None:
        self._done.set()

    def _watch(self) -> None:
        end = time.monotonic() + self._budget.seconds
        while not self._done.wait(_LOOK_EVERY):
            if self._process.megabytes() > self._budget.megabytes:
                self.broken = (
                    f"it took more than {number(self._budget.megabytes)} MB of memory ({MEMORY})"
                )
            elif time.monotonic() > end:
                self.broken = f"it took more than {number(self._budget.seconds)} s ({SECONDS})"
            if self.broken:
                self._process.end()
                return


def _number(variable: str, usual: float) -> float:
    named = os.environ.get(variable, "")
    with contextlib.suppress(ValueError):
        value = float(named) if named else usual
        if 0 < value < float("inf"):
            return value
    raise ValueError(
        f"{variable}={named!r}: a number above 0 was expected, for example {number(usual)}"
    )
