"""What a browser sends is put down below one folder, under safe names, and is gone afterwards."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from data.columns import LogError
from data.incoming import uploads
from data.incoming.uploads import Sent, landed, safe_parts

MOST = 1 << 20
HOSTILE = [
    "../../etc/passwd", "/etc/passwd", "..\\..\\x.csv", "a/../../b", ".", "..", "", "/", "\x00.csv",
    "a\nb.csv", "n" * 400 + ".csv", "ü" * 200 + ".csv", ".ssh/authorized_keys", "\ud800.csv", " ",
    "a" + "/b" * 50 + "/c.csv", "CON", "x/", "~" + "/.bashrc", "$(rm -rf).csv", "<script>.csv",
]  # fmt: skip


def random_names(number: int) -> list[str]:
    source = random.Random(7)
    pieces = ["..", ".", "/", "\\", "a", "\x00", "é", " ", "\n", "~", "*", "tb", ".csv", "\u202e"]
    return ["".join(source.choices(pieces, k=source.randint(0, 12))) for _ in range(number)]


@pytest.mark.parametrize("names", [HOSTILE, random_names(400)], ids=["hostile", "random"])
def test_no_name_leads_out_of_the_folder(home: Path, names: list[str]) -> None:
    files = [Sent(name, str(i).encode()) for i, name in enumerate(names)]
    with landed(home, files, MOST) as there:
        written = [path for path in there.root.rglob("*") if path.is_file()]
        assert sorted(int(path.read_text()) for path in written) == list(range(len(names)))
        assert all(path.resolve().is_relative_to(there.root) for path in written)
        assert all(path.is_relative_to(there.root) for path in there.paths)
        assert not any(part.startswith(".") for path in written
                       for part in path.relative_to(there.root).parts)  # fmt: skip
    assert not list((home / "tmp").iterdir())


def test_a_folder_keeps_its_shape() -> None:
    assert safe_parts("run/tb/events.out.tfevents.1") == ["run", "tb", "events.out.tfevents.1"]
    assert safe_parts("run/.art/history.jsonl") == ["run", ".art", "history.jsonl"]


def test_it_is_gone_where_reading_fails(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), landed(home, [Sent("a.csv", b"1")], MOST):
        raise ZeroDivisionError
    assert not list((home / "tmp").iterdir())


def test_paths_are_told_by_content(home: Path) -> None:
    with (
        landed(home, [Sent("a.csv", b"1")], MOST) as one,
        landed(home, [Sent("a.csv", b"1")], MOST) as two,
    ):
        assert one.root != two.root and one.label == two.label
        assert one.with_label(f"{one.root}/a.csv is broken") == f"{one.label}/a.csv is broken"
    with landed(home, [Sent("a.csv", b"2")], MOST) as other:
        assert other.label != one.label


def test_too_many_or_too_large_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_FILES", 2)
    with (
        pytest.raises(LogError, match="at most 2 are taken"),
        landed(home, [Sent(str(i), b"") for i in range(3)], MOST),
    ):
        pass
    with (
        pytest.raises(LogError, match=r"at most 0\.000954 MB"),
        landed(home, [Sent("a", b"x" * 600), Sent("b", b"x" * 600)], 1000),
    ):
        pass
    assert not (home / "tmp").exists() or not list((home / "tmp").iterdir())
