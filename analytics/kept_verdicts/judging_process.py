"""The other end of ``judging``: ``python -m analytics.kept_verdicts.judging_process FD``.

Reads runs from the pipe, asks back for their rows, answers with verdicts. It ends with its caller,
also where that is killed: a thread waits for the pipe to close, and the system's own limit on CPU
seconds ends native code that never gives the interpreter's lock back.
"""

from __future__ import annotations

import os
import resource
import select
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

import polars as pl

from analytics.kept_verdicts.verdicts import judge


def main(descriptor: int) -> None:
    """Judge what comes through the pipe until it closes."""
    pipe = Connection(descriptor)
    threading.Thread(target=_end_with, args=(descriptor,), daemon=True).start()

    def query(name: str | None, **asked: Any) -> pl.DataFrame:
        pipe.send(("query", name, asked))
        answer: pl.DataFrame = pipe.recv()
        return answer

    while True:
        try:
            run, until, source, with_siblings, seconds = pipe.recv()
        except (EOFError, OSError):
            return
        _limit_cpu(seconds)
        try:
            made = judge(
                query, run, until, source, (lambda: query(None)) if with_siblings else None
            )
            answer: tuple[Any, ...] = ("verdict", made.row, made.looks)
        except (EOFError, OSError):
            return
        except MemoryError as error:
            answer = ("failed", f"the memory that it asked for was not there ({error})")
        except Exception as error:
            traceback.print_exc()
            answer = ("failed", f"the judgement failed ({type(error).__name__}: {error})")
        pipe.send(answer)


def _end_with(descriptor: int) -> None:
    """End this process once the other end is gone, whatever it is doing."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLHUP)
    while not any(event & select.POLLHUP for _, event in waiting.poll()):
        time.sleep(0.1)
    os._exit(0)


def _limit_cpu(seconds: float) -> None:
    """For a run of which the caller, who keeps the time, is gone."""
    used = int(time.process_time()) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = used + int(8 * seconds) + 60  # several threads
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]))
