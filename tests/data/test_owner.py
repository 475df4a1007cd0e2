"""One process owns a store; every command answers alike with and without it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.applications import Starlette

import analytics.__main__
import data.__main__
from data import api, spool
from data.columns import ReadOptions
from data.database.sql import StoreError
from data.incoming.importing import import_paths
from data.owner import Owner, StoreOwned, read_owner
from data.remote import RemoteStore, StoreAccess
from tests import ready

ODD = "<img src=x onerror=alert(1)>"


def table(path: Path, runs: list[str], steps: int = 40) -> Path:
    """Runs whose gold peaks in the middle."""
    rows = [
        {"run_id": run, "step": i, "kl": i / 4, "proxy_reward": i / 10,
         "gold_reward": i / 20 - (i > steps / 2) * (i - steps / 2) / 10,
         "gold_reward_se": 0.02, "further": i * 1.5}
        for run in runs for i in range(steps)
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(path)
    return path


def command(*words: str, module: str = "data", status: int = 0) -> str:
    """A command as its own process would do it: it shares nothing with a server."""
    out, errors = io.StringIO(), io.StringIO()
    main = {"data": data.__main__.main, "analytics": analytics.__main__.main}[module]
    with redirect_stdout(out), redirect_stderr(errors):
        assert main(words) == status, errors.getvalue()
    return out.getvalue() if status == 0 or out.getvalue() else errors.getvalue()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that owns and serves the store of OVEROPT_HOME."""

    def __init__(self, kind: str, log: Path) -> None:
        self.kind, self.log, self.port = kind, log, free_port()

    def start(self) -> Server:
        port = str(self.port)
        words = {
            "serve": ["data", "serve", "--port", port],
            "streamlit": ["streamlit", "run", "app.py", "--server.port", port,
                          "--server.headless", "true"],
        }[self.kind]  # fmt: skip
        with self.log.open("ab") as out:
            self.process = ready.Started(*words, stdout=out.fileno(), server=True)
        end = time.monotonic() + 240
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)
        return self

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/api/health", timeout=5) as answer:
                return bool(json.load(answer)["status"] == "ok")
        except (OSError, ValueError):
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait(120)


@pytest.fixture
def serving(home: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    home.mkdir(exist_ok=True)
    started: list[Server] = []

    def start(kind: str = "serve") -> Server:
        started.append(Server(kind, tmp_path / f"log-{len(started)}.txt"))
        return started[-1].start()

    yield start
    for server in started:
        server.stop(signal.SIGKILL)


def answers(folder: Path) -> dict[str, Any]:
    """What every command that reads says, as JSON and as exported files."""
    folder.mkdir(exist_ok=True)
    given: dict[str, Any] = {
        "list": json.loads(command("list", "--json")),
        "list of a project": json.loads(command("list", "--project", "other", "--json")),
        "check": json.loads(command("check", "--json")),
        "verdict": json.loads(command("verdict", "--json", module="analytics")),
    }
    for kind in ("csv", "parquet"):
        out = folder / f"odd.{kind}"
        command("export", "--run", ODD, "--format", kind, "--out", str(out))
        given[kind] = out.read_bytes() if kind == "csv" else pl.read_parquet(out).to_dicts()
    given["export of nobody"] = command(
        "export", "--run", "nobody", "--out", str(folder / "none.csv"), status=1
    )
    assert not (folder / "none.csv").exists()
    return given


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["serve", "streamlit"])
def test_commands_answer_alike_with_and_without_a_server(
    serving: Callable[..., Server], home: Path, tmp_path: Path, kind: str
) -> None:
    first = table(tmp_path / "a.csv", [ODD, "plain"])
    second = table(tmp_path / "b.csv", ["other"])
    command("import", str(first), "--json")
    command("import", str(second), "--project", "other", "--json")
    alone = answers(tmp_path / "alone")
    assert {row["run"]: row["points"] for row in alone["list"]} == {
        ODD: 40, "other": 40, "plain": 40,
    }  # fmt: skip
    assert {row["status"] for row in alone["verdict"]} == {"overoptimized"}
    again = json.loads(command("import", str(first), "--json"))

    server = serving(kind)
    assert answers(tmp_path / "served") == alone
    assert json.loads(command("import", str(first), "--json")) == again
    third = table(tmp_path / "c.csv", ["third"])
    grown = json.loads(command("import", str(third), "--json"))
    assert grown["runs"][0]["points"] == 40
    assert json.loads(command("forget", "third", "nobody", "--json", status=1)) == [
        {"run": "third", "forgotten": True}, {"run": "nobody", "forgotten": False},
    ]  # fmt: skip
    assert answers(tmp_path / "served") == alone

    server.stop()
    assert answers(tmp_path / "after") == alone
    assert json.loads(command("import", str(third), "--json")) == grown
    assert json.loads(command("forget", "third", "nobody", "--json", status=1))[0]["forgotten"]
    assert "Traceback" not in server.log.read_text()


def test_an_import_is_visible_at_once(
    serving: Callable[..., Server], home: Path, tmp_path: Path
) -> None:
    serving()
    entry = read_owner(home)
    store = RemoteStore(home, entry["address"], entry["token"])
    before = store.generation
    for number in range(3):
        import_paths(home, [table(tmp_path / f"{number}.csv", [f"run-{number}"])], ReadOptions())
        runs = store.query("runs", project=None, runs=[f"run-{number}"])
        assert runs["points"].to_list() == [40]
    assert store.generation == before + 3
    assert not spool.waiting(home)


def test_a_segment_left_in_the_inbox_is_taken_in(
    serving: Callable[..., Server], home: Path, tmp_path: Path
) -> None:
    from data.incoming.importing import spool_paths

    serving()
    spool_paths(home, [table(tmp_path / "t.csv", ["dropped"])], ReadOptions())
    entry = read_owner(home)
    store = RemoteStore(home, entry["address"], entry["token"])
    end = time.monotonic() + 120
    while not store.query("runs", project=None, runs=["dropped"]).height:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("second", ["serve", "in process"])
def test_a_second_owner_refuses_and_names_the_first(
    serving: Callable[..., Server], home: Path, second: str
) -> None:
    server = serving()
    if second == "serve":
        done = command("serve", "--port", str(free_port()), status=1)
    else:
        with pytest.raises(StoreOwned) as refusal:
            Owner(home, wait=30)
        assert refusal.value.address == server.address
        done = str(refusal.value)
    assert server.address in done and str(home) in done and str(server.process.pid) in done
    assert server.answers()


def test_a_short_owner_is_waited_for(home: Path) -> None:
    home.mkdir()
    first = Owner(home)
    with pytest.raises(StoreOwned):
        Owner(home)
    threading.Timer(0.3, first.close).start()
    with closing(Owner(home, wait=60)) as second:
        assert second.store.generation == 0


def test_an_owner_file_left_by_a_crash_does_not_block(
    serving: Callable[..., Server], home: Path, tmp_path: Path
) -> None:
    server = serving()
    server.stop(signal.SIGKILL)
    assert read_owner(home)["address"] == server.address
    done = import_paths(home, [table(tmp_path / "t.csv", ["after"])], ReadOptions())
    assert done.runs[0]["points"] == 40
    assert not read_owner(home)
    (home / "owner.json").write_text("{half a docum")
    with StoreAccess(home) as store:
        assert store.query("counts")["runs"].item() == 1


def test_commands_wait_for_a_server_that_is_starting(home: Path) -> None:
    """It says its address before it answers there."""
    home.mkdir()
    import uvicorn

    port = free_port()
    with closing(Owner(home)) as owner:
        owner.serve(f"http://127.0.0.1:{port}")
        app = Starlette(routes=api.routes(lambda: owner))
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")
        server = uvicorn.Server(config)
        late = threading.Timer(1.0, server.run)
        late.start()
        try:
            with StoreAccess(home, wait=60) as store:
                assert isinstance(store, RemoteStore)
                assert store.query("counts")["runs"].item() == 0
        finally:
            server.should_exit = True
            late.join()


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[{", b"huh"])
def test_an_owner_killed_in_its_answer_is_a_sentence(home: Path, reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.recv(65_536)
                caller.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        store = RemoteStore(home, f"http://127.0.0.1:{listening.getsockname()[1]}", "token")
        with pytest.raises(StoreError, match="does not answer"):
            store.results(["segment"])


def test_an_owner_that_never_answers_is_named(home: Path) -> None:
    home.mkdir()
    with closing(Owner(home)) as owner:
        owner.serve(f"http://127.0.0.1:{free_port()}")
        started = time.monotonic()
        with pytest.raises(StoreError, match="already open in process"):
            StoreAccess(home, wait=0.5).__enter__()
        assert time.monotonic() - started < 60


@pytest.fixture(scope="module", name="owner")
def an_owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """One for all that ask it: a question changes nothing, and those refused do nothing."""
    home = tmp_path_factory.mktemp("owner")
    import_paths(home, [table(home / "t.csv", [ODD])], ReadOptions())
    with closing(Owner(home)) as owner:
        yield owner


def ask(
    owner: Owner | None, what: str, body: object, client: str = "127.0.0.1",
    token: str | None = None, method: str = "POST", path: str = "/api/store/",
) -> tuple[int, bytes]:  # fmt: skip
    """One request to the routes, as it would come from ``client``."""
    app = Starlette(routes=api.routes(lambda: owner))
    given = owner.token if owner and token is None else token or ""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return {"type": "http.request", "body": text, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": f"{path}{what}",
        "raw_path": f"{path}{what}".encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("127.0.0.1", 8501), "client": (client, 4711),
        "headers": [
            (b"host", b"localhost:8501"), (b"authorization", f"Bearer {given}".encode("latin-1")),
        ],
    }  # fmt: skip
    # In a thread of its own: a browser test before this one leaves an event loop running here.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, app(scope, receive, send)).result()
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:])


COUNTS = {"name": "counts", "params": {}}


def test_commands_on_this_machine_are_answered(owner: Owner) -> None:
    for client in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        status, body = ask(owner, "query", COUNTS, client=client)
        assert status == 200
        assert pl.read_ipc(io.BytesIO(body))["points"].item() == 40


@pytest.mark.parametrize(
    "client", ["10.0.0.7", "192.168.1.20", "::ffff:10.0.0.7", "2001:db8::1", "127.0.0.1.evil.org"]
)
@pytest.mark.parametrize("what", ["query", "drain", "results", "save_verdicts", "save_indicators"])
def test_other_machines_are_refused(owner: Owner, client: str, what: str) -> None:
    status, body = ask(owner, what, COUNTS, client=client)
    assert status == 403 and b"this machine" in body


@pytest.mark.parametrize("token", ["", "wrong", "tökén", "Bearer"])
def test_without_the_token_nothing_is_answered(owner: Owner, token: str) -> None:
    assert ask(owner, "query", COUNTS, token=token)[0] == (403)


def test_the_token_is_for_its_user_alone(owner: Owner) -> None:
    mode = (owner.home / "owner.json").stat().st_mode & 0o777
    assert mode == 0o600
    assert len(owner.token) >= 24


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("query", {"name": "../schema", "params": {}}, 400),
        ("query", {"name": "nothing", "params": {}}, 400),
        ("query", {"name": "metrics", "params": {}}, 400),
        ("query", {"name": "same_rows", "params": {"kept": "a", "incoming": "b"}}, 400),
        ("query", {"params": {}}, 400),
        ("query", [], 400),
        ("query", b"{half", 400), ("query", b"\xff\xfe", 400), ("query", b"[" * 100_000, 400),
        ("query", {"name": 3, "params": {}}, 400), ("query", {"name": "counts", "params": []}, 400),
        ("query", {"name": "counts", "params": None}, 400), ("query", "counts", 400),
        ("query", {"name": "runs", "params": {"project": [], "runs": 3}}, 400),
        ("results", {"segments": "a"}, 400), ("results", {"segments": [3]}, 400),
        ("results", {}, 400), ("save_verdicts", {"rows": {}}, 400),
        ("save_verdicts", {"rows": ["a"]}, 400), ("save_verdicts", {"rows": [{"run_id": 1}]}, 400),
        ("save_verdicts", {"rows": [{"run_id": 1}, {"run_id": {}}]}, 400),
        ("save_indicators", {"rows": [{"loop": "a"}]}, 400), ("drain", "x", 400),
        ("drop", {}, 404),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused_in_a_sentence(
    owner: Owner, what: str, body: object, status: int
) -> None:
    code, answer = ask(owner, what, body)
    error = json.loads(answer)["error"]
    assert code == status and error
    for python in ("object", "indices", "NoneType", "Candidate", "Traceback", "attribute"):
        assert python not in error.replace("an object", "").replace("no object", ""), error
    assert ask(owner, "query", COUNTS)[0] == 200


def test_parameters_are_bound(owner: Owner) -> None:
    hostile = "x'; drop table runs;--"
    body = {"name": "metrics", "params": {"runs": [hostile], "until": None}}
    status, answer = ask(owner, "query", body)
    assert status == 200 and pl.read_ipc(io.BytesIO(answer)).height == 0
    assert ask(owner, "query", COUNTS)[0] == 200


def test_health_is_open_and_says_when_it_starts(owner: Owner) -> None:
    status, body = ask(owner, "health", {}, client="10.0.0.7", token="", method="GET", path="/api/")
    assert (status, json.loads(body)["points"]) == (200, 40)
    assert owner.token.encode() not in body
    assert ask(None, "health", {}, method="GET", path="/api/")[0] == 503
    assert ask(None, "query", COUNTS)[0] == 503
