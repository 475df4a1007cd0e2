"""A server that is asked to end does end, whatever its threads are stuck in.

A deadlock around the interpreter's lock leaves no Python to handle a signal, so that SIGTERM alone
would never end the process. A small process beside it waits for the notice that
faulthandler writes from the signal handler itself, without that lock, and ends the server
when it is still there after the grace. Nothing is lost: what was acknowledged is in the spool, and
a transaction that was not committed is imported again.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE = "OVEROPT_GRACE_SECONDS"
"""Environment variable: seconds that an orderly shutdown may take after SIGTERM or SIGINT."""
DEFAULT_GRACE = 10.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def end_within_grace() -> None:
    """From now on SIGTERM and SIGINT end this process within the grace.

    Call it once the server's own handlers are in place: they are called first. The watching
    process ends with this one.

    Raises:
        ValueError: OVEROPT_GRACE_SECONDS is no number above 0.
    """
    ended, writes = os.pipe()
    subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__)), str(grace())],
        stdin=ended, start_new_session=True,
    )  # fmt: skip
    os.close(ended)
    os.set_blocking(writes, False)
    for number in SIGNALS:
        faulthandler.register(number, file=writes, all_threads=False, chain=True)


def grace() -> float:
    """The grace in seconds, as the environment has it.

    Raises:
        ValueError: it is no number above 0.
    """
    named = os.environ.get(GRACE, "")
    with contextlib.suppress(ValueError):
        seconds = float(named) if named else DEFAULT_GRACE
        if 0 < seconds < float("inf"):
            return seconds
    raise ValueError(f"{GRACE}={named!r}: a number of seconds above 0 was expected, for example 10")


def _watch(server: int, seconds: float) -> None:
    """Wait for a notice of a signal on standard input, then for its end within the grace."""
    if not os.read(0, 65536):
        return  # the server is gone without having been asked
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([0], [], [], left)[0] and not os.read(0, 65536):
            return
    if os.getppid() == server:
        print(
            f"The server did not end within {seconds:g} s of being asked to, so it is ended now. "
            f"What it had acknowledged is kept. {GRACE} sets the time.",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        os.kill(server, signal.SIGKILL)


if __name__ == "__main__":
    _watch(os.getppid(), float(sys.argv[1]))
