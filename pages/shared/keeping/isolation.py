"""The border between one run's data and what is made of it: a fault stays at its run.

A page draws, judges and reads through here, run by run. What goes wrong is logged with its
traceback, said in the place of the run, and everything else is shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

LONGEST = 160
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """What could not be done with a run (``what``: drawn, judged, read, ...), and why."""

    run: str
    what: str
    reason: str

    @property
    def sentence(self) -> str:
        """For the place where the run's name stands already."""
        return f"could not be {self.what}: {self.reason}"


def attempt(run: str, what: str, make: Callable[[], T]) -> T | Fault:
    """What ``make`` returns, or the fault that it met."""
    try:
        return make()
    except Exception as error:
        return fault(run, what, error)


def fault(run: str, what: str, error: Exception) -> Fault:
    """The fault in words; its traceback goes to the server's log."""
    _log.error("Run %r could not be %s", run, what, exc_info=error)
    message = " ".join(f"{type(error).__name__}: {error}".split())
    message = message if len(message) <= LONGEST else message[: LONGEST - 1] + "…"
    return Fault(run, what, f"{message} (the server's log says where)")
