"""Little memory: a sentence before the libraries are loaded that would end the process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from data import address_space
from data.database.sql import StoreError
from data.home import home as begin
from data.store import Store

ROOT = Path(__file__).resolve().parents[2]
LEAST = sum(
    part * (address_space.CORES if at else 1) for at, part in enumerate(address_space.STARTS)
)
WANTED = sum(
    part * (address_space.CORES if at else 1) for at, part in enumerate(address_space.WORKS)
)


def limited(megabytes: float, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    most = int(megabytes * 2**20)
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, "OVEROPT_HOME": str(home)},
        capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
    )  # fmt: skip


@pytest.mark.parametrize("megabytes", [200, 0.99 * LEAST])
@pytest.mark.parametrize("module", ["data list", "analytics verdict"])
def test_too_little_is_said_with_what_is_asked(home: Path, megabytes: float, module: str) -> None:
    done = limited(megabytes, home, "-m", *module.split(), "--json")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    for sentence in (done.stderr.strip(), json.loads(done.stdout)["error"]):
        assert sentence.startswith("Too little memory") and "ulimit -v unlimited" in sentence
        assert f"{WANTED:,.0f} MB" in sentence and f"{megabytes:,.0f} MB" in sentence
        assert "\n" not in sentence


def test_the_server_says_so_too(home: Path) -> None:
    done = limited(0.99 * LEAST, home, "app.py")
    assert done.returncode == 1 and done.stderr.startswith("Too little memory")


def test_little_is_a_warning_and_what_fits_is_done(home: Path) -> None:
    begin()
    done = limited(0.99 * WANTED, home, "-m", "data", "list", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == []
    assert done.stderr.startswith("Little memory")


def test_what_is_asked_for_is_enough(home: Path) -> None:
    done = limited(WANTED, home, "-m", "data", "import", "data/examples", "--json")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert len(json.loads(done.stdout)["runs"]) > 5


@pytest.mark.parametrize(
    ("content", "megabytes"),
    [("max\n", None), ("9223372036854771712\n", None), ("536870912\n", 512.0), ("", None)],
)
def test_the_limit_of_a_container(tmp_path: Path, content: str, megabytes: float | None) -> None:
    (tmp_path / "limit").write_text(content)
    assert address_space.contained((tmp_path / "none", tmp_path / "limit")) == megabytes


def test_a_small_container_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(address_space, "contained", lambda: 256.0)
    address_space.enough()
    assert "this container has 256 MB, 600 are asked for" in capsys.readouterr().err


def test_memory_that_runs_out_is_no_damage(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    def fails(*_: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: Failed to allocate block")

    home.mkdir()
    monkeypatch.setattr(Store, "_migrate", fails)
    with pytest.raises(StoreError, match="Memory ran out"):
        Store(home)
