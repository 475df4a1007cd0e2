"""Half requests: the server ends them by itself, and answers others meanwhile."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server import Server, StoreServer, servers

ROOT = Path(__file__).resolve().parents[1]
IMPATIENT = """
import sys
sys.path.insert(0, {root!r})
from data.serving import half_open
half_open.HEAD_SECONDS = half_open.SILENT_SECONDS = 1.0
"""
PAGES = (
    IMPATIENT
    + """
import streamlit as st
from starlette.middleware import Middleware
from app import lifespan
from data import api
from data.incoming import ingest
from data.serving.guard import Guard
from pages.shared.keeping import ownership
app = st.App({root!r} + "/pages/shared/menu.py", lifespan=lifespan, middleware=[Middleware(Guard)],
             routes=[*api.routes(ownership.held_owner), *ingest.routes(ownership.held_owner)])
"""
)
STORE = IMPATIENT + "from data.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"
AUTHORIZED = b"Authorization: Bearer t\r\n"
HALVES = {
    "nothing": b"", "a word": b"GE", "a line": b"GET / HTTP/1.1\r\n",
    "a head without its end": b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    "half a body": b"POST /api/ingest?run=r HTTP/1.1\r\nHost: localhost\r\n" + AUTHORIZED
    + b'Content-Length: 100\r\n\r\n{"step": 1',
    "half a chunk": b"POST /api/ingest?run=r HTTP/1.1\r\nHost: localhost\r\n" + AUTHORIZED
    + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "half a question": b"POST /api/store/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
    b"Bearer TOKEN\r\nContent-Length: 100\r\n\r\n{",
    "half of the second": b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT",
}  # fmt: skip


@dataclass
class ImpatientStore(StoreServer):
    @property
    def words(self) -> list[str]:
        return ["-c", self.script.read_text(), "serve", "--port", str(self.port)]


@pytest.fixture(scope="module", params=["pages", "store"])
def served(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Server]:
    script = tmp_path_factory.mktemp("script") / "impatient.py"
    script.write_text((PAGES if request.param == "pages" else STORE).format(root=str(ROOT)))
    kind = Server if request.param == "pages" else ImpatientStore
    with servers(tmp_path_factory) as start:
        yield start(script, kind=kind, variables={"OVEROPT_INGEST_TOKEN": "t"})


def half(served: Server, sent: bytes) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    token = (served.home / "owner.json").read_text().split('"token": "')[1].split('"')[0]
    wire.sendall(sent.replace(b"TOKEN", token.encode()))
    return wire


def until_closed(wire: socket.socket) -> bytes:
    """What came before the server closed; a timeout fails the test."""
    parts = []
    with wire:
        try:
            while part := wire.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
    return b"".join(parts)


def test_half_a_request_ends_by_itself(served: Server) -> None:
    """All kinds at once, many of each: others are answered meanwhile."""
    wires = {what: [half(served, sent) for _ in range(30)] for what, sent in HALVES.items()}
    began = time.monotonic()
    with urllib.request.urlopen(f"{served.url}/api/ready", timeout=30) as answer:
        assert answer.status == 200
    assert time.monotonic() - began < 10
    for what, several in wires.items():
        for answer in map(until_closed, several):
            if "body" in what or "chunk" in what or "question" in what:
                assert b" 408 " in answer and b"did not come within 1 s" in answer, what
            elif "second" in what:
                assert answer.count(b"HTTP/1.1 200") == 1, what
            else:
                assert answer == b"", what
    assert "Traceback" not in served.log()


def test_a_slow_body_that_goes_on_is_taken(served: Server) -> None:
    """Longer than the limit as a whole, never silent for so long."""
    body = b'{"step": 1, "kl": 0.5, "proxy_reward": 0.1, "gold_reward": 0.2}\n'
    head = (
        f"POST /api/ingest?run=slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    )
    wire = half(served, head.encode() + AUTHORIZED + b"Connection: close\r\n\r\n")
    for at in range(0, len(body), 8):
        time.sleep(0.25)  # the slow sender itself
        wire.sendall(body[at : at + 8])
    assert b"HTTP/1.1 200" in until_closed(wire)
