"""A server of answers on this machine, which counts what it is asked and can be told to refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Refusal:
    """An answer in place of the right one, to the next requests whose name begins so."""

    what: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """What is sent back: JSON, or bytes as they are."""

    body: Any
    status: int = 200


class Served:
    """What is asked goes to ``answer``; each request is kept by its name in ``asked``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.refusals: list[Refusal] = []
        self.url = ""

    def answer(self, path: str, given: dict[str, Any]) -> Answer:
        raise NotImplementedError

    def named(self, path: str, given: dict[str, Any]) -> str:
        """The name of a request, for ``asked`` and refusals."""
        return path

    def forget_asked(self) -> None:
        """Begin to count anew."""
        self.asked.clear()
        self.headers.clear()

    def names(self) -> list[str]:
        """The names of what was asked, in order."""
        return [name for name, _ in self.asked]

    def refused(self, name: str, given: dict[str, Any]) -> Refusal | None:
        for refusal in self.refusals:
            if refusal.times and name.startswith(refusal.what):
                refusal.times -= 1
                return refusal
        return None


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """The server, answering on a port of its own until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            self._asked(json.loads(self.rfile.read(size) or b"{}"))

        def do_GET(self) -> None:
            self._asked(dict(parse_qsl(urlsplit(self.path).query)))

        def _asked(self, given: dict[str, Any]) -> None:
            path = urlsplit(self.path).path
            name = served.named(path, given)
            served.asked.append((name, given))
            served.headers.append(dict(self.headers.items()))
            refusal = served.refused(name, given)
            if refusal:
                return self._send(refusal.status, b'{"message": "not now"}', refusal.headers)
            answer = served.answer(path, given)
            body = answer.body
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self._send(answer.status, sent, {})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
