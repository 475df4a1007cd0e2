"""A store that another process owns, asked over HTTP: the same questions, the same answers."""

from __future__ import annotations

import http.client
import io
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import polars as pl

from data.database.any_store import AnyStore
from data.database.results import SegmentResult
from data.database.sql import StoreError
from data.owner import Owner, StoreOwned, read_owner


class RemoteStore:
    """Asks the owner of a store; see ``Store`` for what the methods mean."""

    def __init__(self, home: Path, address: str, token: str) -> None:
        """Nothing is sent until the first question."""
        self.home = home
        self._address = address.rstrip("/")
        self._token = token

    def query(self, name: str, **params: Any) -> pl.DataFrame:
        """Answer one question of ``data/queries``.

        Raises:
            StoreError: the owner refused or did not answer.
        """
        return pl.read_ipc(io.BytesIO(self._post("query", {"name": name, "params": params})))

    @property
    def generation(self) -> int:
        """Counts up with every change."""
        return int(self.query("counts")["generation"][0])

    def drain(self) -> list[SegmentResult]:
        """Have the owner import what waits in the inbox."""
        return list(json.loads(self._post("drain", {})))

    def results(self, segments: list[str]) -> list[SegmentResult]:
        """What came of segments by name."""
        return list(json.loads(self._post("results", {"segments": segments})))

    @property
    def refused(self) -> dict[str, str]:
        """Why segments of the inbox could not be imported, by their names."""
        return dict(json.loads(self._post("refused", {})))

    def save_verdicts(self, rows: pl.DataFrame) -> None:
        """Hand computed verdicts to the owner."""
        self._post("save_verdicts", {"rows": rows.to_dicts()})

    def save_indicators(self, rows: pl.DataFrame) -> None:
        """Hand computed indicators to the owner."""
        self._post("save_indicators", {"rows": rows.to_dicts()})

    def answers(self) -> bool:
        """Whether the owner is there and lets us ask."""
        try:
            self._post("results", {"segments": []}, patience=15)
        except StoreError:
            return False
        return True

    def close(self) -> None:
        """Nothing is held."""

    def _post(self, what: str, body: dict[str, Any], patience: float = 600) -> bytes:
        request = urllib.request.Request(
            f"{self._address}/api/store/{what}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
        )
        # The owner is on this machine: a proxy from the environment would only be in the way.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=patience) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")[:500]
            raise StoreError(f"the owner at {self._address} refused: {reason}") from error
        except (OSError, http.client.HTTPException) as error:  # killed, perhaps mid-answer
            raise StoreError(
                f"the owner of {self.home} at {self._address} does not answer: {error}"
            ) from error


class StoreAccess:
    """``with StoreAccess(home) as store``: the owner's store, or our own while nobody owns it."""

    def __init__(self, home: Path, wait: float = 60.0) -> None:
        """Nothing is opened before the ``with``."""
        self._home, self._wait = home, wait
        self._owner: Owner | None = None

    def __enter__(self) -> AnyStore:
        """Ask a serving owner, else take the ownership.

        An owner that is starting, or that was just killed, is waited for.

        Raises:
            StoreError: a process keeps the store for longer than ``wait`` and does not answer.
        """
        deadline = time.monotonic() + self._wait
        while True:
            try:
                self._owner = Owner(self._home, wait=max(0.0, deadline - time.monotonic()))
                return self._owner.store
            except StoreOwned as owned:
                entry = read_owner(self._home)
                if entry.get("address"):
                    remote = RemoteStore(self._home, str(entry["address"]), str(entry.get("token")))
                    if remote.answers():
                        return remote
                if time.monotonic() > deadline:
                    raise StoreError(str(owned)) from owned
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        """Give our own ownership up."""
        if self._owner:
            self._owner.close()
