"""This process's ownership of the store: taken once, shared by pages, routes and the worker."""

from __future__ import annotations

import threading

from data.home import home
from data.owner import Owner

_lock = threading.Lock()
_held: list[Owner] = []


def owner() -> Owner:
    """The ownership, taken at the first call.

    Raises:
        StoreOwned: another process has it.
        StoreError: the store cannot be used.
    """
    with _lock:
        if not _held:
            _held.append(Owner(home(), wait=10))
        return _held[0]


def held_owner() -> Owner | None:
    """The ownership if it has been taken."""
    return _held[0] if _held else None


def release() -> None:
    """Give the ownership up."""
    with _lock:
        if _held:
            _held.pop().close()
