"""This process's ownership of the store: taken once, shared by pages, routes and the worker."""

from __future__ import annotations

import threading

from data.home import home
from data.owner import Owner

_lock = threading.Lock()
_owners: list[Owner] = []


def owner() -> Owner:
    """The ownership, taken at the first call.

    Raises:
        StoreOwned: another process has it.
        StoreError: the store cannot be used.
    """
    with _lock:
        if not _owners:
            _owners.append(Owner(home(), wait=10))
        return _owners[0]


def held_owner() -> Owner | None:
    """The ownership if it has been taken."""
    return _owners[0] if _owners else None


def release() -> None:
    """Give the ownership up."""
    with _lock:
        if _owners:
            _owners.pop().close()
