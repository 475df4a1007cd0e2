"""Work that may take so long and no longer, however slowly the other side dribbles.

A timeout of a socket starts anew with every byte, so a receiver that sends a byte now and then
holds its caller for ever. Here the caller goes on after so many seconds in all.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any


class TooLong(Exception):
    """It was not done in time."""


def within(seconds: float, work: Callable[[], None], give_up: Callable[[], None]) -> None:
    """Do something in a thread of its own, for so many seconds at most.

    give_up: ends what still goes on.

    Raises:
        TooLong: it was not done in time. What ``work`` raises is raised here.
    """
    done: list[Exception | None] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            done.append(error)
        else:
            done.append(None)

    thread = threading.Thread(target=run, daemon=True, name="delivery")
    thread.start()
    thread.join(seconds)
    if not done:
        give_up()
        raise TooLong
    if done[0] is not None:
        raise done[0]


class Connections:
    """Handlers of urllib whose connections can be ended from another thread."""

    def __init__(self) -> None:
        """No connection is made yet."""
        self._sockets: list[socket.socket] = []
        self._ended = False
        self.handlers = (_Http(self._made), _Https(self._made))

    def end(self) -> None:
        """End every connection, and any that is made later: whoever reads from one goes on."""
        self._ended = True
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _made(self, made: http.client.HTTPConnection) -> None:
        self._sockets.append(made.sock)
        if self._ended:
            self.end()


class _Watched(http.client.HTTPConnection):
    def __init__(self, *args: Any, report: Callable[[Any], None], **more: Any) -> None:
        super().__init__(*args, **more)
        self._report = report

    def connect(self) -> None:
        super().connect()
        self._report(self)


class _WatchedSafe(http.client.HTTPSConnection):
    def __init__(self, *args: Any, report: Callable[[Any], None], **more: Any) -> None:
        super().__init__(*args, **more)
        self._report = report

    def connect(self) -> None:
        super().connect()
        self._report(self)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, report: Callable[[Any], None]) -> None:
        super().__init__()
        self._report = report

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Watched, report=self._report), request)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, report: Callable[[Any], None]) -> None:
        super().__init__()
        self._report = report

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_WatchedSafe, report=self._report), request)
