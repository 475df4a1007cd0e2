"""``python -m analytics collapse``: rows as DESIGN has them, kept until something changes."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

import analytics.__main__
from analytics.collapse import report
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.owner import Owner

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "tests" / "data" / "logs" / "loop"


def texts(folder: Path, more: str = "") -> Path:
    """A loop of two iterations; the second says the same again and again."""
    rows = []
    for iteration in range(2):
        for prompt in range(40):
            words = [f"w{(prompt * 7 + k * k) % 211}" for k in range(30)]
            text = " ".join(words) if not iteration else "the same words again " * 7
            rows.append({
                "loop": "l", "iteration": iteration, "text_id": f"{iteration}-{prompt}",
                "prompt": f"p{prompt}", "text": text + more, "kept": True,
            })  # fmt: skip
    path = folder / "generations.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


def asked(*words: str) -> tuple[int, str]:
    return analytics.__main__.main(["collapse", *words]), " ".join(words)


def test_rows_are_those_of_the_design(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    import_paths(home, [texts(tmp_path)], ReadOptions())
    assert asked("--loop", "l", "--json")[0] == 0
    rows = json.loads(capsys.readouterr().out)
    keys = {"loop", "iteration", "indicator", "value", "low", "high", "n", "from_first",
            "from_previous"}  # fmt: skip
    assert all(keys <= row.keys() for row in rows) and {row["loop"] for row in rows} == {"l"}
    (last,) = [r for r in rows if r["indicator"] == "distinct_2" and r["iteration"] == 1]
    assert last["from_first"]["difference"] == last["from_previous"]["difference"] < -0.5
    assert last["from_first"]["high"] < 0 and last["from_first"]["p"] < 0.001
    assert asked("--loop", "l")[0] == 0
    printed = capsys.readouterr().out
    assert "distinct-2" in printed and "worse since iteration 1" in printed


def test_kept_rows_hold_until_the_texts_change(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_paths(home, [texts(tmp_path)], ReadOptions())
    assert asked("--json")[0] == 0
    first = json.loads(capsys.readouterr().out)

    def never(*_: object, **__: object) -> list:
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(report, "rows", never)
        assert asked("--json")[0] == 0
        assert json.loads(capsys.readouterr().out) == first
    import_paths(home, [texts(tmp_path, " and some more")], ReadOptions())
    assert asked("--json")[0] == 0
    assert json.loads(capsys.readouterr().out) != first
    with closing(Owner(home)) as owner:
        assert owner.store.query("indicators", loops=None)["loop"].to_list() == ["l"]


def test_a_loop_without_texts_says_so(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    import_paths(home, [LOGS / "metrics.csv"], ReadOptions())
    assert asked("--loop", "replies", "--json")[0] == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == [] and "replies has no texts" in printed.err
    assert asked("--loop", "nobody")[0] == 1
    assert "nobody is not there" in capsys.readouterr().err


def test_what_was_logged_is_told_as_logged(home: Path, capsys: pytest.CaptureFixture) -> None:
    import_paths(home, [LOGS / "loop.toml"], ReadOptions())
    asked("--loop", "replies", "--json")
    rows = json.loads(capsys.readouterr().out)
    logged = [row["value"] for row in rows if row["indicator"] == "heldout_nll"]
    assert logged == [1.9, 1.93, 2.04]
