"""Who gets in over the network: asked over raw sockets, as no well-behaved client would."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from data import api
from data.owner import Owner
from data.serving.guard import POLICY
from data.serving.hosts import BadAddress, listed, split_host, split_origin
from pages.shared.links import page_link
from tests.outside import Outside, outside
from tests.server import Server, StoreServer, servers

NAMES = "http://monitor.example:8501, https://Other.example/reward"
ROW = json.dumps({"run_id": "secret-run", "step": 1, "kl": 0.5, "proxy_reward": 0.1})
TOKEN = "Authorization: Bearer sesame"

RIGHT = [
    "localhost", "localhost:1", "LOCALHOST:65535", "localhost.", "localhost.:8501", "127.0.0.1",
    "127.0.0.1:9999", "127.0.0.1.", "[::1]", "[::1]:8501", "[0:0:0:0:0:0:0:1]",
    "monitor.example:8501", "Monitor.Example", "monitor.example.", "other.example",
    "other.example:443",
]  # fmt: skip
WRONG = [
    "evil.example", "evil.example:8501", "localhost.evil.example", "evil-localhost", "localhost..",
    "localhost@evil.example", "evil.example@localhost", "user:word@localhost:8501",
    "127.1", "0x7f000001", "2130706433", "0.0.0.0", "127.0.0.2", "[::]", "[::2]", "::1", "[::1",
    "[::ffff:127.0.0.1]", "[::1%25lo]", "localhost:", "localhost:99999", "localhost:8501:8501",
    "localhost:-1", "localhost:85O1", "localhost/", "localhost#", "localhost evil.example",
    "localhost,evil.example", "http://localhost", "sub.monitor.example", "monitor.example.evil.org",
    "", " ", ".", "localhost\\", "*", "%6cocalhost", "ſocalhost",
]  # fmt: skip


@dataclass
class Answer:
    """What came back over the wire."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def ask(port: int, *lines: str, target: str = "GET /", body: str = "") -> Answer:
    """Send a request of exactly these header lines; a server that hangs up has refused (400)."""
    head = [f"{target} HTTP/1.1", *lines, "Connection: close", f"Content-Length: {len(body)}"]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        wire.sendall(("\r\n".join([*head, "", ""]) + body).encode())
        return received(wire)


def received(wire: socket.socket) -> Answer:
    """Everything up to the end, or the head alone where a websocket is opened."""
    got = b""
    while part := wire.recv(65_536):
        got += part
        if got.startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in got:
            break
    head, _, body = got.decode(errors="replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]) if got else 400, headers, body)


def websocket(port: int, *lines: str) -> Answer:
    """Ask for Streamlit's websocket."""
    more = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        wire.sendall("\r\n".join(["GET /_stcore/stream HTTP/1.1", *lines, *more, "", ""]).encode())
        return received(wire)


@pytest.fixture(scope="module")
def world() -> Iterator[Outside]:
    with outside() as listening:
        yield listening


@pytest.fixture(scope="module")
def started(
    world: Outside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """Pages, started as the README says but from another folder, and the store without pages."""
    named = {"OVEROPT_URL": NAMES, "OVEROPT_INGEST_TOKEN": "sesame"} | world.variables
    with servers(tmp_path_factory) as start:
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        yield {
            "pages": start(variables=named, folder=elsewhere),
            "store": start(variables=named, kind=StoreServer),
        }


@pytest.fixture(params=["pages", "store"])
def port(started: dict[str, Server], request: pytest.FixtureRequest) -> int:
    return started[request.param].port


@pytest.fixture
def pages(started: dict[str, Server]) -> Server:
    return started["pages"]


def test_only_this_machine_can_connect(port: int) -> None:
    with pytest.raises((ConnectionError, TimeoutError)):
        socket.create_connection(("127.0.0.2", port), timeout=10).close()


def test_a_server_opened_to_others_says_what_it_still_needs(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OVEROPT_URL", raising=False)
    with servers(tmp_path_factory) as start:
        open_to_all = start(options=("--server.address", "0.0.0.0"))
        socket.create_connection(("127.0.0.2", open_to_all.port), timeout=10).close()
        assert ask(open_to_all.port, "Host: monitor.example").status == 421
        log = open_to_all.log()
    assert "answers to localhost only: set OVEROPT_URL to the address that others open" in log


@pytest.mark.parametrize("host", RIGHT)
def test_right_names_are_answered(port: int, host: str) -> None:
    answer = ask(port, f"Host: {host}", target="GET /api/health")
    assert answer.status == 200 and "runs" in json.loads(answer.body)


@pytest.mark.parametrize("host", WRONG)
def test_other_names_get_a_sentence(port: int, host: str) -> None:
    answer = ask(port, f"Host: {host}", TOKEN, target="POST /api/ingest?run=x", body=ROW)
    assert answer.status in (400, 421)
    if answer.status == 421:
        assert "OVEROPT_URL=http://HOST:PORT" in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Host: localhost", "Host: evil.example"),
        ("Host: evil.example", "Host: localhost"),
        ("Host: localhost", "Host: localhost"),
        ("Host: evil.example", "X-Forwarded-Host: localhost"),
        ("Host: evil.example", "Forwarded: host=localhost"),
        ("Host: evil.example", "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1"),
    ],
    ids=str,
)
def test_one_host_and_nobody_else_says_it(port: int, lines: tuple[str, ...]) -> None:
    assert ask(port, *lines, target="POST /api/ingest?run=x", body=ROW).status in (400, 421)


def test_a_forwarded_host_takes_no_right_away(port: int) -> None:
    lines = ("Host: localhost", "X-Forwarded-Host: evil.example")
    assert ask(port, *lines, target="GET /api/health").status == 200


EVERYTHING = (
    "GET /", "GET /overoptimization", "GET /favicon.png", "GET /static/js/x.js", "GET /media/x.png",
    "GET /_stcore/health", "GET /_stcore/host-config", "GET /_stcore/agent/openapi.json",
    "POST /_stcore/agent/mcp", "PUT /_stcore/upload_file/a/b", "GET /component/x/y",
    "GET /api/verdicts", "POST /api/store/query", "POST /api/ingest", "GET /api/health/",
    "GET //api/health", "GET /api/../api/verdicts", "OPTIONS /api/ingest", "GET /nothing",
)  # fmt: skip


@pytest.mark.parametrize("target", EVERYTHING)
def test_every_route_is_behind_the_door(port: int, target: str) -> None:
    answer = ask(port, "Host: evil.example", TOKEN, target=target)
    assert answer.status == 421 and "evil.example" in answer.body
    answer = ask(port, "Host: localhost", "Origin: https://evil.example", TOKEN, target=target)
    assert answer.status == 403 and "web page of another server" in answer.body


@pytest.mark.parametrize("path", ["/api/health", "/api/ready"])
@pytest.mark.parametrize(
    "lines",
    [("Host: evil.example",), ("Host: 10.0.0.7:8501",), ("Host: a b",),
     ("Host: localhost", "Origin: https://evil.example")],
    ids=str,
)  # fmt: skip
def test_probes_answer_any_name_without_data(port: int, path: str, lines: tuple[str, ...]) -> None:
    answer = ask(port, *lines, target=f"GET {path}")
    assert answer.status == 200
    assert json.loads(answer.body) == {"status": {"/api/health": "ok", "/api/ready": "ready"}[path]}


ORIGINS = {
    ("localhost:8501", "http://localhost:8501"): True,
    ("localhost:8501", "http://127.0.0.1:3000"): True,
    ("localhost:8501", "http://[::1]:8501"): True,
    ("localhost:9999", "https://localhost:9999"): True,
    ("monitor.example:8501", "http://monitor.example:8501"): True,
    ("other.example", "https://other.example"): True,
    ("localhost:8501", "https://other.example"): True,  # a reverse proxy that writes its own Host
    ("localhost:8501", "https://OTHER.example:443"): True,
    ("localhost:8501", "http://other.example"): False,
    ("monitor.example:8501", "http://monitor.example:9000"): False,
    ("monitor.example:8501", "http://localhost:3000"): False,
    ("localhost:8501", "https://evil.example"): False,
    ("localhost:8501", "http://localhost.evil.example"): False,
    ("localhost:8501", "http://localhost@evil.example"): False,
    ("localhost:8501", "http://evil.example@localhost:8501"): False,
    ("localhost:8501", "null"): False,
    ("localhost:8501", "file://"): False,
    ("localhost:8501", ""): False,
    ("localhost:8501", "chrome-extension://localhost:8501"): False,
    ("localhost:8501", "http://[::1"): False,
    ("evil.example", "http://evil.example"): False,
    ("evil.example", "http://localhost:8501"): False,
}


@pytest.mark.parametrize(("host", "origin"), ORIGINS)
def test_websockets_and_posts_of_other_pages_are_refused(
    pages: Server, host: str, origin: str
) -> None:
    lines = (f"Host: {host}", f"Origin: {origin}")
    opened = websocket(pages.port, *lines)
    posted = ask(pages.port, *lines, TOKEN, target="POST /api/ingest?run=origins", body=ROW)
    if ORIGINS[host, origin]:
        assert (opened.status, posted.status) == (101, 200)
    else:
        assert opened.status in (403, 421) and posted.status in (403, 421)
        assert "OVEROPT_URL" in opened.body and "OVEROPT_URL" in posted.body


def test_the_server_asks_no_other_machine_who_it_is(pages: Server, world: Outside) -> None:
    """Streamlit looks its address up at the start, and where Origin is not Host."""
    lines = ("Host: localhost", "Origin: https://other.example")
    assert websocket(pages.port, *lines).status == 101
    assert ask(pages.port, *lines, target="GET /_stcore/host-config").status == 200
    assert world.drained() == []
    code = "from streamlit import net_util; net_util.get_external_ip()"
    environment = os.environ | world.variables
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert "checkip" in " ".join(world.drained())  # it would have been seen


def test_copied_links_name_where_the_reader_is_or_else_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for listed_urls, base in (
        (NAMES, "http://monitor.example:8501"),
        ("https://other.example/reward/ http://a.example", "https://other.example/reward"),
        ("http://a.example, http://localhost:8501/", "http://localhost:8501"),
        ("", "http://localhost:8501"),
    ):
        monkeypatch.setenv("OVEROPT_URL", listed_urls)
        assert page_link("/scaling", [("run", "a b")]) == f"{base}/scaling?run=a+b"


def test_two_origins_are_none(pages: Server) -> None:
    lines = ("Host: localhost", "Origin: http://localhost", "Origin: https://evil.example")
    assert websocket(pages.port, *lines).status in (400, 403)
    assert ask(pages.port, *lines, TOKEN, target="POST /api/ingest?run=x", body=ROW).status == 403


def test_a_websocket_of_a_program_needs_the_right_host_only(pages: Server) -> None:
    assert websocket(pages.port, "Host: localhost").status == 101
    assert websocket(pages.port, "Host: evil.example").status == 421


def test_a_trainer_on_another_machine_posts_by_the_servers_name(port: int) -> None:
    answer = ask(
        port, "Host: monitor.example:8501", TOKEN, target="POST /api/ingest?run=far", body=ROW
    )
    assert answer.status == 200, answer.body
    assert [run["run"] for run in json.loads(answer.body)["runs"]] == ["far"]


@pytest.mark.parametrize("target", ["GET /", "GET /api/health", "GET /api/nothing", "POST /x"])
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_forbids_other_hosts(port: int, host: str, target: str) -> None:
    headers = ask(port, f"Host: {host}", target=target).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"


def test_the_policy_names_no_other_host() -> None:
    allowed = {word for part in POLICY.split("; ") for word in part.split()[1:]}
    quoted = {"'self'", "'none'", "'unsafe-inline'"}
    assert allowed <= quoted | {"data:", "blob:"}


def test_addresses_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVEROPT_URL", " http://A.example:8501/ ,https://b.example\nhttp://[::2]:9 ")
    assert [(one.url, one.name, one.port) for one in listed()] == [
        ("http://A.example:8501", "a.example", 8501),
        ("https://b.example", "b.example", 443),
        ("http://[::2]:9", "::2", 9),
    ]
    for nothing in ("", "  ", ", ,"):
        monkeypatch.setenv("OVEROPT_URL", nothing)
        assert listed() == []


@pytest.mark.parametrize(
    "url", ["monitor.example", "monitor.example:8501", "ftp://a", "http://", "http://u@a", "*"]
)
def test_what_is_no_address_is_said_at_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from data.__main__ import main

    monkeypatch.setenv("OVEROPT_URL", f"http://good.example {url}")
    with pytest.raises(BadAddress):
        listed()
    assert main(["serve", "--port", "1"]) == 1
    assert f"OVEROPT_URL holds {url!r}, which is no address" in capsys.readouterr().err


def test_forms_of_one_name() -> None:
    assert split_host("LOCALHOST.:8501") == ("localhost", 8501)
    assert split_host("[0:0::1]") == ("::1", None)
    assert split_origin("https://Monitor.example") == ("monitor.example", 443)
    assert split_origin("null") is None


@pytest.fixture(name="owner")
def an_owner(home: Path) -> Iterator[Owner]:
    home.mkdir()
    owner = Owner(home)
    yield owner
    owner.close()


def ready(owner: Owner | None) -> tuple[int, dict[str, str]]:
    with TestClient(Starlette(routes=api.routes(lambda: owner))) as client:
        answer = client.get("/api/ready")
        return answer.status_code, answer.json()


def test_ready_says_whether_the_store_answers(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ready(None) == (503, {"status": "starting"})
    assert ready(owner) == (200, {"status": "ready"})
    monkeypatch.setattr(api, "READY_SECONDS", 0.05)
    busy = threading.Event()
    monkeypatch.setattr(owner.store, "query", lambda _: busy.wait(60))
    assert ready(owner) == (503, {"status": "store busy"})
    busy.set()

    def fails(_: str) -> None:
        raise OSError("the disk /secret is gone")

    monkeypatch.setattr(owner.store, "query", fails)
    monkeypatch.setattr(api, "READY_SECONDS", 60.0)
    assert ready(owner) == (503, {"status": "store failing"})
