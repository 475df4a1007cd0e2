"""A browser prints a figure within its bounds, and what it cannot do is a sentence."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from pages.shared.page_parts import printing


def program(folder: Path, does: str) -> str:
    file = folder / "browser"
    file.write_text(f"#!/bin/sh\n{does}\n")
    file.chmod(0o755)
    return str(file)


WRITES = 'for w in "$@"; do case $w in --print-to-pdf=*) echo %PDF > "${w#*=}";; esac; done'


def test_what_the_browser_writes_comes_back(tmp_path: Path) -> None:
    assert printing.pdf("<p>", program(tmp_path, WRITES)) == b"%PDF\n"


def test_a_browser_that_does_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(printing.NotPrinted, match="could not print"):
        printing.pdf("<p>", program(tmp_path, "exit 1"))
    with pytest.raises(printing.NotPrinted, match="does not start"):
        printing.pdf("<p>", str(tmp_path / "none"))


def test_a_browser_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    slow = program(tmp_path, f"sleep 600 & echo $! > {pid_file}; wait")
    with pytest.raises(printing.NotPrinted, match="too long"):
        printing.pdf("<p>", slow, patience=0.5)
    child = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    for _ in range(200):
        if not child.exists() or child.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        raise AssertionError("what it started runs on")


def test_no_more_than_a_few_wait(tmp_path: Path) -> None:
    taken = [printing._room.acquire(blocking=False) for _ in range(printing.WAITING)]
    try:
        assert all(taken)
        with pytest.raises(printing.NotPrinted, match="Others are printing"):
            printing.pdf("<p>", program(tmp_path, WRITES))
    finally:
        for _ in taken:
            printing._room.release()
    assert printing.pdf("<p>", program(tmp_path, WRITES))


def test_one_prints_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    browser = program(tmp_path, f"echo in >> {log}; sleep .1; echo out >> {log}; {WRITES}")
    readers = [threading.Thread(target=printing.pdf, args=("<p>", browser)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert log.read_text().split() == ["in", "out"] * 3


def test_the_browser_is_the_named_one_or_none(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("CHROME", program(tmp_path, ""))
    assert printing.browser() == os.environ["CHROME"]
    monkeypatch.setenv("CHROME", str(tmp_path / "none"))
    assert printing.browser() is None
    monkeypatch.delenv("CHROME")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert printing.browser() is None
