"""A browser, a server of the product, and pages opened in the one on the other."""

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
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Route, sync_playwright

from tests.browser import chromium
from tests.browser.stores import EXAMPLES, filled
from tests.browser.view import PATIENCE, View

ROOT = Path(__file__).resolve().parents[2]
HARMLESS_404 = ("/_stcore/health", "/_stcore/host-config")  # Streamlit asks under a page's path
LOCAL = ("localhost", "127.0.0.1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session."""
    found = chromium.find()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found.path,
            args=list(chromium.FLAGS),
            env=dict(os.environ | found.variables),
        )
        yield started
        started.close()


@dataclass
class Server:
    """`streamlit run` of one script over one store; `start` after `stop` keeps the address."""

    script: Path
    home: Path
    log_file: Path
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def log(self) -> str:
        """Everything it has printed, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self, patience: float = 240) -> "Server":
        """Start it and wait until it answers."""
        self.port = self.port or free_port()
        command = [sys.executable, "-m", "streamlit", "run", str(self.script)]
        command += ["--server.port", str(self.port), "--server.headless", "true"]
        command += ["--browser.gatherUsageStats", "false"]
        environment = os.environ | {"OVEROPT_HOME": str(self.home)} | self.variables
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + patience
        while not self.answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log()}")
            if time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"no answer from {self.url} in {patience:g} s: {self.log()}")
            time.sleep(0.1)
        return self

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM, patience: float = 60) -> None:
        """End it; `how=signal.SIGKILL` is the crash."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # what it started, or itself if it hangs
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def restart(self, how: signal.Signals = signal.SIGTERM) -> "Server":
        self.stop(how)
        return self.start()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def servers(folders: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """A function that starts servers; all that it started are stopped at the end."""
    started: list[Server] = []

    def start(
        script: str | Path = "app.py",
        home: Path | None = None,
        variables: dict[str, str] | None = None,
    ) -> Server:
        folder = folders.mktemp("server")
        made = Server(
            script=ROOT / script,
            home=home or folder / "home",
            log_file=folder / "log.txt",
            variables=variables or {},
        )
        started.append(made)
        return made.start()

    try:
        yield start
    finally:
        for made in started:
            made.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Call it for a started Server: `server()`, `server(home=folder)`, `server(script=file)`."""
    with servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product over the bundled runs; shared, so a test leaves the store as it was."""
    with servers(tmp_path_factory) as start:
        yield start(home=filled(tmp_path_factory.mktemp("bundled"), EXAMPLES))


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., View]]:
    """Call it with an address for a View; console errors and outside requests fail the test.

    `charts=False` for a page without one; `errors=True` where the test expects errors.
    """
    views: list[tuple[View, bool]] = []

    def open_one(
        url: str,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        charts: bool = True,
        errors: bool = False,
    ) -> View:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE * 1000)
        view = View(context.new_page())
        views.append((view, errors))

        def console(message: ConsoleMessage) -> None:
            harmless = "404" in message.text and urlsplit(message.location["url"]).path.endswith(
                HARMLESS_404
            )
            if message.type == "error" and not harmless:
                view.errors.append(f"console: {message.text} ({message.location['url']})")

        def outside(route: Route) -> None:
            view.errors.append(f"asked another machine: {route.request.url}")
            route.abort()

        view.page.on("console", console)
        view.page.on("pageerror", lambda error: view.errors.append(f"page: {error}"))
        context.route(lambda address: is_outside(address), outside)
        view.page.goto(url, wait_until="domcontentloaded")
        view.whole()
        if charts:
            view.charts()
        return view

    yield open_one
    found = [error for view, expected in views if not expected for error in view.errors]
    for view, _ in views:
        view.page.context.close()
    assert not found, "\n".join(found)


def is_outside(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme in ("http", "https") and address.hostname not in LOCAL
