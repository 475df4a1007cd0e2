"""A figure as PDF, printed by the browser that is on this machine; none is fetched.

One at a time, each within PATIENCE seconds and in a process of its own that is ended then: a reader
who prints holds up nobody who reads. More than WAITING who want to print are asked to come again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0
WAITING = 4
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
         "microsoft-edge")  # fmt: skip
_room = threading.BoundedSemaphore(WAITING)
_turn = threading.Lock()


class NotPrinted(RuntimeError):
    """Why there is no PDF, in a sentence."""


def browser() -> str | None:
    """The browser that prints: $CHROME, or one on the path; None where there is none."""
    asked = os.environ.get("CHROME")
    if asked:
        return asked if os.access(asked, os.X_OK) else None
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def pdf(page: str, program: str, patience: float = PATIENCE) -> bytes:
    """A web page as PDF.

    Args:
        page: HTML that asks nothing of any machine.
        program: the browser.
        patience: seconds.

    Raises:
        NotPrinted: the browser could not, took too long, or too many wait.
    """
    if not _room.acquire(blocking=False):
        raise NotPrinted("Others are printing. Try again in a minute, or save SVG.")
    try:
        if not _turn.acquire(timeout=patience):
            raise NotPrinted("Others are printing. Try again in a minute, or save SVG.")
        try:
            with tempfile.TemporaryDirectory(prefix="figure-") as folder:
                return _printed(Path(folder), page, program, patience)
        finally:
            _turn.release()
    finally:
        _room.release()


def _printed(folder: Path, page: str, program: str, patience: float) -> bytes:
    source, target = folder / "figure.html", folder / "figure.pdf"
    source.write_text(page, encoding="utf-8")
    words = [
        program, "--headless", "--disable-gpu", "--no-pdf-header-footer",
        f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={target}",
        "--virtual-time-budget=10000", "--proxy-server=127.0.0.1:9", source.as_uri(),
    ]  # fmt: skip
    if os.geteuid() == 0:  # Chromium has no sandbox for root
        words.insert(1, "--no-sandbox")
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            words, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
    except OSError as why:
        raise NotPrinted(f"The browser on the server does not start: {why.strerror}.") from why
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired as late:
        raise NotPrinted("The browser took too long to print. Save SVG instead.") from late
    finally:
        _end(process)
    if not target.exists():
        raise NotPrinted("The browser on the server could not print. Save SVG instead.")
    return target.read_bytes()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the browser with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
