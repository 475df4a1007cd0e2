"""Commands in processes of their own that are forked from one which has loaded the product.

Starting Python and loading its libraries takes .7 to 1.2 s of CPU; what a command does then takes a
tenth of that. A process forked here is the command's own in all that follows: arguments,
environment, limits, standard streams, signals, and how the interpreter ends. What is tested by
starting (memory that does not suffice, what is imported when) starts Python itself.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import gc
import json
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOADED = ("data.__main__", "analytics.__main__")
"""What is loaded before a command is asked for."""
SERVES = ("streamlit.web.cli", "starlette.middleware", "pyarrow", "PIL.Image", "plotly.io")
"""What is loaded before ``streamlit`` is, with all that pages import of other rooms (pages
themselves find Streamlit running when they are loaded)."""
DISPENSABLE = ("python", "jemalloc_bg", "polars-ooc")
"""Threads that loading starts and a fork does without: they give memory and spilled files back."""


class Started:
    """A command's process; as ``subprocess.Popen``, as far as it goes."""

    def __init__(
        self, module: str, *words: str, env: Mapping[str, str] | None = None,
        stdout: int | None = None, most_bytes: int = 0, cwd: Path = ROOT, server: bool = False,
    ) -> None:  # fmt: skip
        """``python -m module words``.

        Args:
            module: whose command it is; "-c": the first of ``words`` is the code itself.
            words: its arguments.
            env: the whole environment; None: that of this process.
            stdout: where it prints to; None: it is kept for ``communicate``.
            most_bytes: no file of it may get longer, as on a full disk; 0: any may.
            cwd: where it is started.
            server: it leads a session of its own, and ``stdout`` takes its errors as well.
        """
        self.returncode: int | None = None
        self._out, out = os.pipe()
        self._err, err = os.pipe()
        self._ended, ended = os.pipe()
        asked = {
            "module": module, "words": words, "most_bytes": most_bytes,
            "env": dict(os.environ if env is None else env), "cwd": str(cwd), "server": server,
        }  # fmt: skip
        with open(os.devnull, "rb") as nothing:
            wire = _loaded("pages" if module == "streamlit" else "commands")
            printed = out if stdout is None else stdout
            fds = [nothing.fileno(), printed, printed if server else err, ended]
            message = json.dumps(asked).encode()
            socket.send_fds(wire, [b"%10d" % len(message)], fds)
            wire.sendall(message)
            self.pid = int(wire.recv(100))
        for fd in (out, err, ended):
            os.close(fd)

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float = 400) -> int:
        """How it ended, as soon as it has: the number of a signal is negative."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                self.kill()
                raise subprocess.TimeoutExpired("a command", timeout)
            self.returncode = int(os.read(self._ended, 100))
            os.close(self._ended)
        return self.returncode

    def communicate(self, timeout: float = 400) -> tuple[str, str]:
        """What it printed, when it has ended."""
        printed: dict[int, bytes] = {self._out: b"", self._err: b""}
        end, open_ones = time.monotonic() + timeout, list(printed)
        while open_ones:
            ready, _, _ = select.select(open_ones, [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self.kill()
                raise subprocess.TimeoutExpired("a command", timeout)
            for fd in ready:
                part = os.read(fd, 1 << 16)
                printed[fd] += part
                if not part:
                    open_ones.remove(fd)
                    os.close(fd)
        self.wait(timeout)
        return printed[self._out].decode(), printed[self._err].decode()

    def send_signal(self, which: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, which)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(module: str, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """A command to its end; ``how`` as of ``Started``."""
    started = Started(module, *words, **how)
    out, err = started.communicate()
    assert started.returncode is not None
    return subprocess.CompletedProcess([module, *words], started.returncode, out, err)


@cache
def _loaded(what: str) -> socket.socket:
    """The way to the process that has loaded everything; it ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno()), what], cwd=ROOT, stdout=output,
            stderr=output, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
        )  # fmt: skip
        theirs.close()
        up = ours.recv(100)
        output.seek(0)
        printed = output.read().decode()
        assert up and not printed, f"what is printed when the product is loaded: {printed}"
    atexit.register(lambda: (ours.close(), process.wait()))
    return ours


def _serve(wire: socket.socket) -> dict[str, Any]:
    """Fork as often as it is asked for; each fork comes back with what it shall be."""
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    waited_for: dict[int, int] = {}
    wire.send(b"up")
    while True:
        ready, _, _ = select.select([wire, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            while waited_for:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                code = os.waitstatus_to_exitcode(status)
                with open(waited_for.pop(pid), "wb") as end, contextlib.suppress(OSError):
                    end.write(b"%d" % code)
        if wire in ready:
            head, fds, _, _ = socket.recv_fds(wire, 10, 4)
            if not head:
                sys.exit()
            message = wire.recv(int(head), socket.MSG_WAITALL)
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for stream, fd in enumerate(fds[:3]):
                    os.dup2(fd, stream)
                for fd in (*fds, *waited_for.values(), wire.detach(), woken, wakes):
                    os.close(fd)
                return dict(json.loads(message))
            for fd in fds[:3]:
                os.close(fd)
            waited_for[pid] = fds[3]
            wire.send(b"%d" % pid)


def _become(asked: dict[str, Any]) -> None:
    if asked["server"]:
        os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    if most := asked["most_bytes"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if asked["module"] == "-c":
        code, *words = asked["words"]
        sys.argv = ["-c", *words]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = [asked["module"], *asked["words"]]
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


def _of_other_rooms() -> set[str]:
    """The modules of data and analytics that pages import."""
    return {
        node.module
        for file in (ROOT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        if node.module.startswith(("data", "analytics"))
    }


if __name__ == "__main__":
    for name in LOADED if sys.argv[2] == "commands" else (*SERVES, *sorted(_of_other_rooms())):
        import_module(name)
        if name.endswith("__main__"):
            del sys.modules[name]  # it is run afresh
    threads = {file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")}
    working = {name for name in threads if not name.startswith(DISPENSABLE)}
    assert not working, f"loading starts threads, which a fork would not have: {working}"
    gc.freeze()
    _become(_serve(socket.socket(fileno=int(sys.argv[1]))))
