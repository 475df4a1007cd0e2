"""A server that is asked to end ends, whatever its threads are stuck in, and loses nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.sessions import Session
from data.owner import Owner
from data.serving import ending
from pages.shared.keeping import collapsing
from tests import ready

ROOT = Path(__file__).resolve().parents[1]
SERVER = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from app import lifespan
from data.incoming import ingest
from pages.shared.keeping import ownership
app = st.App({page!r}, lifespan=lifespan, routes=ingest.routes(ownership.held_owner))
"""
STUCK = {
    "native code that holds the interpreter's lock": "ctypes.PyDLL(None).sleep(100_000)",
    "Python": "while True: pass",
    "a wait": "threading.Event().wait()",
}


@contextmanager
def server(folder: Path, home: Path, page: str) -> Iterator[tuple[ready.Started, str, Path]]:
    """The product's own server, with one page of a test's making."""
    (folder / "page.py").write_text(page)
    (folder / "stuck.py").write_text(
        SERVER.format(root=str(ROOT), page=str(folder / "page.py"))
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log"
    words = (
        "run",
        str(folder / "stuck.py"),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--server.address",
        "127.0.0.1",
        "--browser.gatherUsageStats",
        "false",
    )
    variables = {"OVEROPT_HOME": str(home), "OVEROPT_INGEST_TOKEN": "t", ending.GRACE: "2"}
    with log.open("wb") as written:
        process = ready.Started(
            "streamlit", *words, env=os.environ | variables, stdout=written.fileno(), server=True
        )
    try:
        yield process, f"http://127.0.0.1:{port}", log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(there: Callable[[], bool], process: ready.Started, log: Path) -> None:
    end = time.monotonic() + 90
    while not there():
        assert process.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "what"),
    [(signal.SIGTERM, what) for what in STUCK] + [(signal.SIGINT, next(iter(STUCK)))],
)
def test_a_server_whose_page_is_stuck_ends(
    how: signal.Signals, what: str, tmp_path: Path, home: Path
) -> None:
    page = f"import ctypes, threading\nprint('stuck', flush=True)\n{STUCK[what]}\n"
    with server(tmp_path, home, page) as (process, url, log):
        wait_for(lambda: answers(url), process, log)
        row = b'{"step": 1, "kl": 0.5, "proxy_reward": 0.1, "gold_reward": 0.2}'
        asked = urllib.request.Request(
            f"{url}/api/ingest?run=kept", row, {"Authorization": "Bearer t"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.status == 200
        with Session(url) as session:
            session.send("/")
            wait_for(lambda: "stuck" in log.read_text(), process, log)
            process.send_signal(how)
            process.wait(20)
            if "lock" in what:
                assert process.returncode == -signal.SIGKILL
                assert "did not end within 2 s of being asked to" in log.read_text()
    owner = Owner(home)
    assert owner.store.query("runs", project=None, runs=None)["run_id"].to_list() == ["kept"]
    owner.close()


@pytest.mark.parametrize("seconds", ["", "0.5", "30"])
def test_the_grace_is_what_the_environment_says(
    seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ending.GRACE, seconds)
    assert ending.grace() == float(seconds or ending.DEFAULT_GRACE)


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "inf"])
def test_a_grace_that_is_none_is_refused(seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ending.GRACE, seconds)
    with pytest.raises(ValueError, match=f"{ending.GRACE}='{seconds}': a number of seconds"):
        ending.grace()


def test_the_watching_process_ends_with_the_server() -> None:
    """Also where the server is killed: its end of the pipe closes."""
    code = "import time; from data.serving import ending; ending.end_within_grace()"
    code += "; print('up', flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("this system does not list a process's children")
    (watching,) = map(int, children.read_text().split())
    process.kill()
    process.wait()
    end = time.monotonic() + 30
    while Path(f"/proc/{watching}").exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_computes_indicators_ends_with_the_server(home: Path) -> None:
    """It would take the store for itself, and the server's next start would be refused."""
    home.mkdir()
    owner = Owner(home)  # for which the command waits
    process = collapsing.started(home, ["loop"])
    assert process.stdin is not None
    process.stdin.close()  # as a crash does
    assert process.wait(300) == collapsing.SERVER_GONE
    owner.close()
