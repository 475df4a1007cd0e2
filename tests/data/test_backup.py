"""Backup and restore: whole or not there, whoever writes or dies meanwhile."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import threading
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data import spool
from data.columns import ReadOptions
from data.database.sql import StoreError
from data.incoming.importing import import_paths, spool_paths
from data.owner import Owner
from data.people import policies
from data.people.project_roles import save
from data.roles.stated_roles import Roles
from data.upkeep.backup import back_up, restore
from tests import ready

TABLES = {"metrics": "run_id, phase, step", "run_summary": "run_id", "project_roles": "project"}


def table(path: Path, run: str, rows: int = 50) -> Path:
    lines = [f"{run},{step},{step / 10},{step / 5},{1 - step / 90}" for step in range(rows)]
    path.write_text("run_id,step,kl,proxy_reward,gold_reward\n" + "\n".join(lines) + "\n")
    return path


def contents(home: Path) -> dict[str, pl.DataFrame]:
    with duckdb.connect(str(home / "store.duckdb"), read_only=True) as store:
        return {
            name: store.sql(f"select * from {name} order by {key}").pl().drop(
                "imported_at", "generation", strict=False
            )
            for name, key in TABLES.items()
        }  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, one of them forgotten, and a choice of roles."""
    folder = tmp_path_factory.mktemp("first")
    home = folder / "home"
    home.mkdir()
    for run in ("a", "b", "c"):
        import_paths(home, [table(folder / f"{run}.csv", run)], ReadOptions(project="p"))
    spool.write_forget(home, ["b"])
    owner = Owner(home)
    save(owner.store, "p", Roles(gold_kind="rate"))
    owner.close()
    return home


@pytest.fixture
def filled(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "home"))


def brought_back(file: Path, home: Path) -> dict[str, pl.DataFrame]:
    home.mkdir()
    restore(file, home)
    Owner(home).close()
    return contents(home)


def test_what_comes_back_is_what_was_there(filled: Path, tmp_path: Path) -> None:
    written = back_up(filled, tmp_path / "store.tar")
    assert written["segments"] == 5 and written["bytes"] == (tmp_path / "store.tar").stat().st_size
    again = brought_back(tmp_path / "store.tar", tmp_path / "again")
    for name, frame in contents(filled).items():
        assert frame.height and frame.columns
        assert_frame_equal(frame, again[name])


def test_policies_come_back_with_their_first_use(filled: Path, tmp_path: Path) -> None:
    """By that time it is told whether one was loosened after its iteration's data arrived."""
    for text, at in (("name = 'old'\n", 1.6e9), ("name = 'new'\n", 1.7e9 + 0.25)):
        policies.keep(filled, text)
        name = next(f.name for f in policies.files(filled) if f.read_text() == text)
        policies.used(filled, name, at)
    (filled / "policies" / ".draft.toml.1").write_text("half")
    back_up(filled, tmp_path / "store.tar")
    (tmp_path / "again").mkdir()
    restore(tmp_path / "store.tar", tmp_path / "again")
    assert policies.kept(tmp_path / "again") == policies.kept(filled)
    assert [text for text, _ in policies.kept(filled)] == ["name = 'old'\n", "name = 'new'\n"]


def test_a_changed_policy_is_no_backup(filled: Path, tmp_path: Path) -> None:
    policies.keep(filled, "name = 'strict'\n")
    back_up(filled, tmp_path / "store.tar")
    whole = (tmp_path / "store.tar").read_bytes()
    (tmp_path / "bad.tar").write_bytes(whole.replace(b"'strict'", b"'looser'"))
    (tmp_path / "again").mkdir()
    with pytest.raises(StoreError, match="its policies are not as they were written"):
        restore(tmp_path / "bad.tar", tmp_path / "again")
    assert not (tmp_path / "again" / "policies").exists()
    # One from before policies were in it comes back as it did.
    with tarfile.open(tmp_path / "store.tar") as tar, tarfile.open(tmp_path / "o.tar", "w") as old:
        for entry in tar:
            content = tar.extractfile(entry).read()
            if entry.name == "backup.json":
                policy = json.loads(content)
                del policy["policies"]
                content = json.dumps(policy).encode()
            if not entry.name.startswith("policies/"):
                entry.size = len(content)
                old.addfile(entry, io.BytesIO(content))
    restore(tmp_path / "o.tar", tmp_path / "again")
    assert policies.kept(tmp_path / "again") == []


def test_nothing_is_overwritten(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "store.tar"
    back_up(filled, file)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="is there already"):
        back_up(filled, file)
    with pytest.raises(StoreError, match="holds a store already"):
        restore(file, filled)
    assert file.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".part") == []


def test_a_store_in_use_is_not_restored_into(filled: Path, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "store.tar")
    (tmp_path / "new").mkdir()
    owner = Owner(tmp_path / "new")
    try:
        with pytest.raises(Exception, match="already open"):
            restore(tmp_path / "store.tar", tmp_path / "new")
    finally:
        owner.close()


def test_a_backup_while_rows_come_in_holds_all_that_was_there_when_it_began(
    filled: Path, tmp_path: Path
) -> None:
    owner, stopping, written = Owner(filled), threading.Event(), []

    def write() -> None:
        while not stopping.is_set():
            run = f"run{len(written):03}"
            spool_paths(filled, [table(tmp_path / "more.csv", run, 3)], ReadOptions())
            written.append(run)
            owner.store.drain()

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[tuple[int, int, Path]] = []
    try:
        for number in range(4):
            while len(written) < 5 * number:
                stopping.wait(0.01)
            before = len(written)
            back_up(filled, tmp_path / f"{number}.tar")
            seen.append((before, len(written), tmp_path / f"{number}.tar"))
    finally:
        stopping.set()
        writer.join()
        owner.close()
    for number, (before, after, file) in enumerate(seen):
        runs = brought_back(file, tmp_path / f"back{number}")["run_summary"]["run_id"].to_list()
        came = [run for run in runs if run.startswith("run")]
        assert came == [f"run{n:03}" for n in range(len(came))], "a prefix: none is left out"
        assert before <= len(came) <= after + 1


DIES = """
import os, signal, sys
from pathlib import Path
from data import spool
from data.upkeep import backup
left = int(sys.argv[1])
def dying(does):
    def do(*args):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return does(*args)
    return do
backup._entry = dying(backup._entry)
spool.digest = dying(spool.digest)
os.link, os.rename = dying(os.link), dying(os.rename)
if sys.argv[2] == "backup":
    backup.back_up(Path(sys.argv[3]), Path(sys.argv[4]))
else:
    backup.restore(Path(sys.argv[4]), Path(sys.argv[3]))
"""


def killed(at: int, what: str, home: Path, file: Path) -> bool:
    """Whether the process died at its at-th step; else it came to its end."""
    code = ready.run("-c", DIES, str(at), what, str(home), str(file)).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


@pytest.mark.parametrize("at", [0, 7, 16, 26])
def test_a_killed_backup_is_none_and_a_killed_restore_neither(
    filled: Path, tmp_path: Path, at: int
) -> None:
    file, new = tmp_path / "store.tar", tmp_path / "new"
    assert killed(at, "backup", filled, file) == (not file.exists())
    if not file.exists():
        back_up(filled, file)
    new.mkdir()
    if killed(at, "restore", new, file):
        assert not (new / "archive").exists()
        restore(file, new)
    Owner(new).close()
    assert_frame_equal(contents(filled)["metrics"], contents(new)["metrics"])


def refusal(file: Path, home: Path) -> str:
    try:
        restore(file, home)
    except StoreError as error:
        return str(error)
    return ""


def test_a_damaged_backup_is_refused_whole(filled: Path, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "store.tar")
    content, rng = (tmp_path / "store.tar").read_bytes(), random.Random(3)
    inside = [at for at in rng.sample(range(len(content)), 60) if content[at]]
    versions = [content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :] for at in inside]
    versions += [content[: rng.randrange(len(content) // 2)] for _ in range(10)]
    versions += [b"", b"not a tar at all", json.dumps({"kind": "x"}).encode()]
    refused = 0
    for number, version in enumerate(versions):
        (tmp_path / "bad.tar").write_bytes(version)
        home = tmp_path / f"bad{number}"
        home.mkdir()
        sentence = refusal(tmp_path / "bad.tar", home)
        if sentence:
            assert "bad.tar" in sentence
            assert not (home / "archive").exists() and not list(home.glob("tmp/*"))
            refused += 1
        else:  # a byte that means nothing, such as an owner's name: then all is as it was
            Owner(home).close()
            assert_frame_equal(contents(filled)["metrics"], contents(home)["metrics"])
    assert refused >= 40


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil.json", tarfile.REGTYPE), ("/tmp/evil.json", tarfile.REGTYPE),
        ("00000000000000000001-ab.import/../../evil.json", tarfile.REGTYPE),
        ("00000000000000000001-ab.import/runs.parquet", tarfile.SYMTYPE),
        ("00000000000000000001-ab.import/runs.parquet", tarfile.FIFOTYPE),
        ("00000000000000000001-ab.import/evil.py", tarfile.REGTYPE),
    ],
)  # fmt: skip
def test_a_hostile_file_gets_nowhere(tmp_path: Path, name: str, kind: bytes) -> None:
    with tarfile.open(tmp_path / "hostile.tar", "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        entry.size = 2 if kind == tarfile.REGTYPE else 0
        tar.addfile(entry, io.BytesIO(b"{}"))
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(StoreError, match="is no backup of a store"):
        restore(tmp_path / "hostile.tar", home)
    assert not list(tmp_path.rglob("evil*"))
    assert sorted(p.name for p in home.iterdir()) == ["owner.lock", "tmp"]


def test_by_command(filled: Path, tmp_path: Path) -> None:
    def asked(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return ready.run("data", *words, env={**os.environ, "OVEROPT_HOME": str(home)})

    file = str(tmp_path / "store.tar")
    assert json.loads(asked(filled, "backup", file, "--json").stdout)["segments"] == 5
    answer = json.loads(asked(tmp_path / "again", "restore", file, "--json").stdout)
    assert answer["runs"] == 2
    refused = asked(tmp_path / "again", "restore", file)
    assert refused.returncode == 1 and "never overwrites" in refused.stderr
    missing = asked(tmp_path / "third", "restore", "nothing.tar")
    assert missing.returncode == 1 and "nothing.tar is not there" in missing.stderr
    other = asked(tmp_path / "third", "restore", str(Path(__file__)))
    assert other.returncode == 1 and "no backup of a store" in other.stderr
    assert "Traceback" not in missing.stderr + other.stderr and not (tmp_path / "third").exists()


def test_a_segment_that_told_nothing_new_and_went_meanwhile_is_not_missed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    segments = [spool.write_forget(home, ["a"])]
    monkeypatch.setattr(spool, "committed", lambda _: [*segments, f"{1:020d}-00000000.import"])
    assert back_up(home, tmp_path / "file.tar")["segments"] == len(segments)
