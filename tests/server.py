"""Servers of the product in processes of their own, for tests that ask them from outside."""

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

import pytest

from tests import ready

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Server:
    """`streamlit run` of one script over one store; `start` after `stop` keeps the address."""

    script: Path
    home: Path
    log_file: Path
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    folder: Path = ROOT
    process: subprocess.Popen[bytes] | ready.Started | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def words(self) -> list[str]:
        """What Python is started with."""
        command = ["-m", "streamlit", "run", str(self.script), "--server.port", str(self.port)]
        return [*command, "--server.headless", "true", *self.options]

    @property
    def probe(self) -> str:
        """Where a server that is up answers 200."""
        return "/_stcore/health"

    def log(self) -> str:
        """Everything it has printed, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self, patience: float = 240) -> "Server":
        """Start it and wait until it answers."""
        self.port = self.port or free_port()
        environment = os.environ | {"OVEROPT_HOME": str(self.home)} | self.variables
        with self.log_file.open("ab") as log:
            if self.folder == ROOT:
                module, *words = self.words[self.words[0] == "-m" :]
                self.process = ready.Started(
                    module, *words, env=environment, stdout=log.fileno(), server=True
                )
            else:
                self.process = subprocess.Popen(
                    [sys.executable, *self.words],
                    cwd=self.folder,
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
            with urllib.request.urlopen(f"{self.url}{self.probe}", timeout=5) as answer:
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


class StoreServer(Server):
    """`python -m data serve`: the store without pages."""

    @property
    def words(self) -> list[str]:
        return ["-m", "data", "serve", "--port", str(self.port)]

    @property
    def probe(self) -> str:
        return "/api/ready"


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
        kind: type[Server] = Server,
        **more: object,
    ) -> Server:
        folder = folders.mktemp("server")
        made = kind(
            script=ROOT / script,
            home=home or folder / "home",
            log_file=folder / "log.txt",
            variables=variables or {},
            **more,
        )
        started.append(made)
        return made.start()

    try:
        yield start
    finally:
        for made in started:
            made.stop()
