"""One process at a time owns a store.

DuckDB lets one process open a file for writing and then nobody else, not even to read. The owner
holds ``owner.lock``; when it also serves, ``owner.json`` says where, so that other processes ask
it over HTTP (data.remote) instead of opening the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast

from data import spool
from data.store import Store


class Entry(TypedDict, total=False):
    """What the owner of a store writes down; address: null when it does not serve."""

    pid: int
    address: str | None
    token: str


class StoreOwned(Exception):
    """Another process owns the store; ``address`` is where it answers, if it serves."""

    def __init__(self, home: Path, owner: Entry) -> None:
        """Compose the message from what the owner wrote down."""
        self.address = owner.get("address")
        who = f"process {owner.get('pid', 'unknown')}"
        where = f", at {self.address}" if self.address else ""
        super().__init__(
            f"the store {home} is already open in {who}{where}. Use that one, stop it, or set "
            "OVEROPT_HOME to another folder."
        )


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Nobody owns the store in ``home`` meanwhile, and nothing is opened.

    Raises:
        StoreOwned: a process has it.
    """
    with open(home / "owner.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreOwned(home, read_owner(home)) from None
        yield


class Owner:
    """Ownership of the store in one folder, held until ``close``."""

    def __init__(self, home: Path, wait: float = 0.0) -> None:
        """Take the ownership, waiting up to ``wait`` seconds for a short-lived owner.

        Raises:
            StoreOwned: another process has it.
            StoreError: the store cannot be used.
        """
        self.home = home
        self._lock = open(home / "owner.lock", "a+")  # noqa: SIM115 - held for the owner's life
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                owner = read_owner(home)
                if owner.get("address") or time.monotonic() > deadline:
                    self._lock.close()
                    raise StoreOwned(home, owner) from None
                time.sleep(0.05)
        self.token = secrets.token_urlsafe(24)
        self._write(None)
        try:
            spool.clear_unfinished(home)
            self.store = Store(home)
            self.store.drain()
        except BaseException:
            self.close()
            raise
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def serve(self, address: str) -> None:
        """Say where this owner answers, and import whatever arrives in the inbox from now on."""
        self._write(address)
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="inbox")
        self._watcher.start()

    def close(self) -> None:
        """Give the store up."""
        if getattr(self, "_watcher", None):
            self._stop.set()
            self._watcher.join(5)  # type: ignore[union-attr]
        if getattr(self, "store", None):
            self.store.close()
        with contextlib.suppress(OSError):
            (self.home / "owner.json").unlink()
        self._lock.close()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            if self.store.waiting():
                try:
                    self.store.drain()
                except Exception as error:
                    print(f"The inbox could not be imported: {error}", flush=True)
                    self._stop.wait(5)

    def _write(self, address: str | None) -> None:
        entry = {"pid": os.getpid(), "address": address, "token": self.token}
        draft = self.home / f"owner.json.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(entry))
        os.replace(draft, self.home / "owner.json")


def read_owner(home: Path) -> Entry:
    """What the owner of a store wrote down: pid, address (null when it does not serve), token."""
    try:
        entry = json.loads((home / "owner.json").read_text())
    except (OSError, ValueError):
        return {}
    return cast("Entry", entry) if isinstance(entry, dict) else {}
