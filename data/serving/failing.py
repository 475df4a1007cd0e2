"""What a command says and exits with when its surroundings fail: a sentence, no traceback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

import duckdb

from data.address_space import RAN_OUT
from data.columns import LogError
from data.database.sql import StoreError
from data.home import NoStore
from data.owner import StoreOwned
from data.serving.hosts import BadAddress
from data.words.terminal import shown

NO_ROOM = ("No space left on device", "File too large", "Disk quota exceeded")
FULL = (
    "Free some room, or set OVEROPT_HOME to a disk that has it. What was acknowledged is not lost: "
    "it waits in inbox/ for the next command or server."
)


def ended(do: Callable[[], int], as_json: bool = False) -> int:
    """Do a command's work; its exit code, or 1 after a sentence on stderr (and one JSON document).

    2 where there is no store at the place that was named.

    A reader that went away, as ``| head`` does, is no failure: silence, and 141 as a shell says it.
    """
    with shown():
        return _ended(do, as_json)


def _ended(do: Callable[[], int], as_json: bool) -> int:
    try:
        code = do()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 141
    except (StoreError, StoreOwned, LogError, BadAddress, OSError, duckdb.Error, MemoryError) as it:
        message, code = sentence(it), 2 if isinstance(it, NoStore) else 1
    print(message, file=sys.stderr)
    if as_json:
        print(json.dumps({"error": message}))
    return code


def sentence(error: Exception) -> str:
    """What went wrong, and what to do where we know it."""
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return RAN_OUT
    return advised(str(error).splitlines()[0] if str(error) else type(error).__name__)


def advised(reason: str) -> str:
    """A reason, and what to do about it where it is a full disk."""
    if FULL in reason or not any(words in reason for words in NO_ROOM):
        return reason
    return f"{reason}. {FULL}"
