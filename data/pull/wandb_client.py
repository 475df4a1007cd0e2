"""W&B's own client, which the user has installed and logged in: the few calls that a pull makes.

It waits and tries again by itself where the server asks for patience (429 with Retry-After, 5xx).
"""

from __future__ import annotations

import inspect
import os
import re
import socket
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data.declared.foreign import JsonObject
from data.pull.outcome import NotThere, PullError, clean
from data.readers.raw.scalars import as_step

TRIES = "8"  # about four minutes; the client's own is 20, a quarter of an hour without a word
TIMEOUT = 900  # seconds for one answer, its repetitions included
CONNECT = 10  # seconds until the server must have taken a connection
_LOGIN = ("401", "403", "api key", "api_key", "credential", "log in", "login", "authentication")
_GONE = ("could not find", "not found", "404", "no history found", "list index out of range")
"""How the client says that there is none; the last, of a run's file."""


@dataclass(frozen=True)
class RemoteRun:
    """A run in W&B, of which nothing more is fetched before it is asked for.

    ``started`` is in seconds since 1970, ``state`` W&B's word for it (running, finished …).
    """

    id: str
    name: str
    started: int
    state: str
    client: Any

    def config(self) -> JsonObject:
        """The run's settings."""
        with _explained(f"the settings of {self.name}"):
            return dict(self.client.config or {})

    def last_step(self) -> int:
        """W&B's own count of the last log call; -1 before the first."""
        with _explained(f"the history of {self.name}"):
            last = self.client.lastHistoryStep
            return -1 if last is None else int(last)

    def history(self, first: int) -> Iterator[JsonObject]:
        """Every logged row from the log call ``first`` on, in order; never W&B's sample."""
        with _explained(f"the history of {self.name}"):
            scan = self.client.scan_history
            fresh = (
                {"use_cache": False} if "use_cache" in inspect.signature(scan).parameters else {}
            )
            rows = iter(scan(min_step=first, **fresh))
        while True:
            with _explained(f"the history of {self.name}"):
                row = next(rows, None)
            if row is None:
                return
            if as_step(row.get("_step")) is not None:
                yield row

    def table(self, name: str, folder: Path) -> Path:
        """Fetch a file of the run into a folder.

        Raises:
            NotThere: W&B does not hold it (any more).
        """
        with _explained(f"{name} of {self.name}"):
            self.client.file(name).download(root=str(folder), replace=True).close()
        return folder / name


class WandbClient:
    """``wandb.Api`` of the user.

    Raises:
        PullError: wandb is not installed, nobody is logged in, or the server does not answer.
    """

    def __init__(self) -> None:
        """Logs in; asks for nothing on the terminal."""
        os.environ.setdefault("WANDB__GRAPHQL_RETRY_MAX", TRIES)
        os.environ.setdefault("WANDB_SILENT", "true")
        try:
            self._wandb: Any = import_module("wandb")
        except ImportError:
            raise PullError(
                "wandb, W&B's own client, is not installed. Install it and log in: "
                f"{sys.executable} -m pip install wandb && wandb login"
            ) from None
        self.address = str(self._wandb.setup().settings.base_url).rstrip("/")
        _reached(self.address)
        terminal = sys.stdin
        with open(os.devnull) as nobody:
            sys.stdin = nobody  # else the client asks for a key
            try:
                with _explained("the login"):
                    self._api = self._wandb.Api(timeout=TIMEOUT)
            finally:
                sys.stdin = terminal

    def runs(self, entity: str, project: str, name: str | None = None) -> list[RemoteRun]:
        """The runs of a project, the first begun first; with ``name`` those called so.

        Raises:
            NotThere: there is no such project, or it is not the login's to read.
        """
        filters = {} if name is None else {"displayName": name}
        with _explained(f"the project {entity}/{project}"):
            found = self._api.runs(f"{entity}/{project}", filters=filters, order="+created_at")
            return [_remote(run) for run in found]

    def run(self, entity: str, project: str, run_id: str) -> RemoteRun:
        """The run of an id.

        Raises:
            NotThere: there is none, or it was deleted.
        """
        with _explained(f"the run {run_id}"):
            return _remote(self._api.run(f"{entity}/{project}/{run_id}"))


class _explained:
    """``with _told(what)``: what the client raises becomes a sentence."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if error is None or isinstance(error, PullError) or not isinstance(error, Exception):
            return
        message = clean(error)
        low = message.lower()
        if _has(low, _GONE):
            raise NotThere(f"{self.what} is not in W&B, or your login may not read it") from error
        if _has(low, _LOGIN if self.what == "the login" else ("401",)):
            raise PullError(
                f"W&B does not take the login ({message}). Log in with: wandb login (or set "
                "WANDB_API_KEY; WANDB_BASE_URL for a server of your own)"
            ) from error
        raise PullError(f"W&B gave no answer on {self.what}: {message}") from error


def _has(text: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands in it by itself: 404 is no part of a port's number.

    >>> _has("http error at :40467", ["404"]), _has("status 404: not there", ["404"])
    (False, True)
    """
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)


def _remote(run: Any) -> RemoteRun:
    return RemoteRun(
        id=str(run.id),
        name=str(run.name or run.id),
        started=_seconds(run.created_at),
        state=str(run.state),
        client=run,
    )


def _seconds(stated: Any) -> int:
    """Seconds since 1970 of a time as W&B writes it, in UTC; 0 where it is none."""
    try:
        at = datetime.fromisoformat(str(stated).replace("Z", "+00:00"))
    except ValueError:
        return 0
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _reached(address: str) -> None:
    """Fail at once where nothing answers: the client itself would try for minutes."""
    parts = urlsplit(address)
    if urllib.request.getproxies().get(parts.scheme) and not urllib.request.proxy_bypass(
        parts.hostname or ""
    ):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT).close()
    except OSError as error:
        raise PullError(
            f"{clean(address)} cannot be reached ({clean(error.strerror or error)}). Check the "
            "network, or WANDB_BASE_URL for a server of your own"
        ) from error
