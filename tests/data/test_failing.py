"""Full disks, damaged files, readers that go away: a sentence, never a traceback, nothing lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from data import spool
from data.columns import ReadOptions
from data.database.sql import StoreError
from data.incoming.importing import import_paths
from data.owner import Owner
from data.remote import StoreAccess
from data.upkeep.checking import check
from data.upkeep.damage import damaged
from tests import ready


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two runs, closed; copied before it is harmed."""
    folder = tmp_path_factory.mktemp("failing")
    rng = random.Random(1)
    rows = [
        f"{run},{step},{step / 10},{rng.random()},{'' if step % 500 else rng.random()}"
        for run in ("one", "two")
        for step in range(20_000)
    ]
    head = "run_id,step,kl,proxy_reward,gold_reward"
    (folder / "runs.csv").write_text("\n".join([head, *rows]) + "\n")
    (folder / "home").mkdir()
    import_paths(folder / "home", [folder / "runs.csv"], ReadOptions())
    return folder


def asked(
    home: Path, *words: str, most_bytes: int = 0, stdout: int | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; most_bytes: no file of it may get longer (disk full)."""
    env = {**os.environ, "OVEROPT_HOME": str(home)}
    return ready.run(*words, env=env, most_bytes=most_bytes, stdout=stdout)


def copied(filled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filled / "home", tmp_path / "home")


COMMANDS: Sequence[Sequence[str]] = (
    ("data", "list", "--json"), ("data", "check"), ("data", "export", "--run", "one", "--out"),
    ("data", "roles", "--json"), ("analytics", "verdict", "--json"),
    ("analytics", "hallucination"), ("analytics", "behaviours"), ("data", "list"),
    ("analytics", "verdict"), ("data", "roles"), ("data", "forget", "nobody"),
)  # fmt: skip


@pytest.mark.parametrize("most_bytes", [1, 10_000, 200_000, 2_000_000])
def test_a_full_disk_is_told_in_a_sentence_and_loses_nothing(
    filled: Path, tmp_path: Path, most_bytes: int
) -> None:
    home = copied(filled, tmp_path)
    more = tmp_path / "more.csv"
    more.write_text((filled / "runs.csv").read_text().replace("one,", "three,"))
    done = asked(home, "data", "import", str(more), most_bytes=most_bytes)
    assert "Traceback" not in done.stderr + done.stdout
    if done.returncode:
        assert "too large" in done.stderr and "room" in done.stderr, done.stderr
        assert "rollback" not in done.stderr.lower()
    again = asked(home, "data", "import", str(more), "--json")
    assert again.returncode == 0, again.stderr
    listed = json.loads(asked(home, "data", "list", "--json").stdout)
    assert {(row["run"], row["points"]) for row in listed} == {
        ("one", 20_000), ("two", 20_000), ("three", 20_000)
    }  # fmt: skip
    assert not spool.waiting(home)


@pytest.mark.parametrize("most_bytes", [1, 100_000])
def test_a_full_disk_under_every_command(filled: Path, tmp_path: Path, most_bytes: int) -> None:
    home = copied(filled, tmp_path)
    for words in COMMANDS:
        whole = [*words, str(tmp_path / "out.csv")] if words[-1] == "--out" else words
        done = asked(home, *whole, most_bytes=most_bytes)
        assert "Traceback" not in done.stderr + done.stdout, (words, done.stderr)
        assert done.returncode in (0, 1) and (not done.returncode or done.stderr.strip())


def scribbled(path: Path, seed: int) -> None:
    """As a disk that goes bad: 16 other bytes in most blocks behind the first ones."""
    rng, content = random.Random(seed), bytearray(path.read_bytes())
    for at in range(12_288, len(content), 262_144):
        content[at + 1_000 : at + 1_016] = rng.randbytes(16)
    path.write_bytes(content)


def test_damage_of_the_store_is_told_with_what_to_do(filled: Path, tmp_path: Path) -> None:
    home = copied(filled, tmp_path)
    scribbled(home / "store.duckdb", 1)
    for words in (("data", "list"), ("data", "check"), ("analytics", "verdict")):
        done = asked(home, *words)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "move it away" in done.stderr and "rebuilt from archive" in done.stderr
    (home / "store.duckdb").unlink()
    (home / "store.duckdb.wal").unlink(missing_ok=True)
    listed = json.loads(asked(home, "data", "list", "--json").stdout)
    assert {row["points"] for row in listed} == {20_000}


def test_damage_found_after_opening_is_told_likewise(filled: Path, tmp_path: Path) -> None:
    home = copied(filled, tmp_path)
    owner = Owner(home)
    asked = ("runs", {"project": None, "runs": None}), ("gaps", {"runs": None})
    reasons = []
    try:
        scribbled(home / "store.duckdb", 2)
        for name, named in (*asked, ("metrics", {"runs": None, "until": None})):
            try:
                owner.store.query(name, **named)
            except StoreError as error:
                reasons.append(str(error))
    finally:
        owner.close()
    assert reasons and all("is damaged: " in one and "move it away" in one for one in reasons)


def test_a_damaged_archive_is_found(filled: Path, tmp_path: Path) -> None:
    home = copied(filled, tmp_path)
    assert damaged(home) == damaged(home, whole=True) == []
    assert asked(home, "data", "check").returncode == 0
    (segment,) = spool.archived(home)
    metrics = segment / "metrics.parquet"
    content = bytearray(metrics.read_bytes())
    content[200] ^= 1  # inside: the footer still reads, and perhaps the numbers
    metrics.write_bytes(content)
    (found,) = damaged(home, whole=True)
    assert found["segment"] == str(segment) and found["file"] == "metrics.parquet"
    done = asked(home, "data", "check")
    assert done.returncode == 1 and "metrics.parquet" in done.stdout.replace("\n", "")
    metrics.write_bytes(content[:-50])
    (segment / "runs.parquet").unlink()
    with StoreAccess(home) as store:
        files = {one["file"] for one in check(store)["damaged"]}
    assert files == {"metrics.parquet", "runs.parquet"}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_goes_away_is_no_failure(filled: Path, words: Sequence[str]) -> None:
    whole = [*words, "/dev/fd/1"] if words[-1] == "--out" else words
    reading, writing = os.pipe()
    os.close(reading)
    done = asked(filled / "home", *whole, stdout=writing)
    os.close(writing)
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr, done.stderr
