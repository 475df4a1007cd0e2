"""Which paths a reader of the pages may import: nothing outside the folders that are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.columns import LogError
from data.incoming import import_places
from data.incoming.import_places import checked, offered

TABLE = "step,kl,proxy_reward\n0,0,1\n1,1,2\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An open folder with a log, and a secret beside it."""
    for name in ("open/run", "secret"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "log.csv").write_text(TABLE)
    monkeypatch.setenv("OVEROPT_IMPORT_PATHS", str(tmp_path / "open"))
    return tmp_path


def refused(text: str | Path, reachable: bool = True) -> str:
    with pytest.raises(LogError) as error:
        checked(str(text), reachable)
    return str(error.value)


def test_paths_are_off_where_others_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OVEROPT_IMPORT_PATHS", raising=False)
    assert offered(reachable=False) and not offered(reachable=True)
    assert "OVEROPT_IMPORT_PATHS" in refused(tmp_path)
    assert checked(str(tmp_path), reachable=False) == tmp_path.resolve()


def test_named_folders_are_open(place: Path) -> None:
    assert offered(reachable=True)
    for path in (place / "open", place / "open" / "run", place / "open" / "run" / "log.csv"):
        assert checked(str(path), reachable=True) == path.resolve()
    assert checked(str(place / "open" / "run" / ".." / "run"), True).name == "run"


@pytest.mark.parametrize("reachable", [True, False])
def test_nothing_outside_is_read(place: Path, reachable: bool) -> None:
    """Named folders bind on this machine as well; what is there outside is not told."""
    out = [place / "secret", place / "secret" / "log.csv", place / "open/../secret",
           place, "/", "/etc/passwd", place / "open-not/log.csv", place / "none", ""]  # fmt: skip
    sentences = {refused(path, reachable) for path in out}
    assert len(sentences) == 1 and "only paths in these folders" in sentences.pop()


def test_links_that_lead_out_are_refused(place: Path) -> None:
    run = place / "open" / "run"
    (place / "open" / "out").symlink_to(place / "secret")
    assert "only paths" in refused(place / "open" / "out" / "log.csv")
    assert "leads out" in refused(place / "open")
    (place / "open" / "out").unlink()
    (run / "args.json").symlink_to(place / "secret" / "log.csv")  # no log: read beside one
    assert "leads out" in refused(run)
    (run / "args.json").unlink()
    (run / "inner").symlink_to(run / "log.csv")
    assert checked(str(run), True) == run.resolve()


def test_a_folder_inside_a_closed_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event files in ``tb`` are of the run above, whose settings would be read with them."""
    events = Path(__file__).resolve().parents[2] / "data/examples/r6_grpo_resume/tb"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tb").mkdir()
    for file in events.iterdir():
        (tmp_path / "run" / "tb" / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("OVEROPT_IMPORT_PATHS", str(tmp_path / "run" / "tb"))
    assert "outside" in refused(tmp_path / "run" / "tb")
    monkeypatch.setenv("OVEROPT_IMPORT_PATHS", str(tmp_path / "run"))
    assert checked(str(tmp_path / "run" / "tb"), True)


def test_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b c"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("OVEROPT_IMPORT_PATHS", f"{tmp_path}/a{os.pathsep}{tmp_path}/b c")
    assert checked(f" {tmp_path}/b c ", True).name == "b c"


@pytest.mark.parametrize("text", ["\0", "x" * 5000, "~nobody-of-that-name/x"])
def test_what_is_no_path_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.delenv("OVEROPT_IMPORT_PATHS", raising=False)
    assert "is not there" in refused(text, reachable=False)


def test_a_page_does_not_read_what_is_too_large(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_places, "MOST_BYTES", 10)
    assert "python -m data import" in refused(place / "open")
    monkeypatch.setattr(import_places, "MOST_ENTRIES", 1)
    assert "too many for a page" in refused(place / "open")
    monkeypatch.delenv("OVEROPT_IMPORT_PATHS")
    assert "too many for a page" in refused(place, reachable=False)
