"""``python -m analytics shortcuts``: found, none, cannot tell; patterns and a rubric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import analytics.__main__
from analytics.simulated_responses import Plan, simulate_responses
from data.columns import ReadOptions
from data.incoming.importing import import_paths

SMALL: dict[str, Any] = {"steps": 40, "a_step": 10, "samples": 6, "prompts": 50, "pay": 2.0}


def table(folder: Path) -> Path:
    """Runs with a planted phrase, with none, of one step, and one whose texts steer a terminal."""
    planted = simulate_responses(Plan("phrase", 0.8, **SMALL), 5)[0]
    honest = simulate_responses(Plan(**SMALL), 6)[0]
    odd = planted.with_columns(
        pl.col("completion").str.replace("rest assured", "rest \u202eassured\x1b[2J")
    )
    runs = {"planted": planted, "honest": honest, "once": planted.filter(step=39), "odd": odd}
    pl.concat(one.with_columns(run_id=pl.lit(name)) for name, one in runs.items()).write_parquet(
        folder / "responses.parquet"
    )
    return folder / "responses.parquet"


def asked(*words: str) -> int:
    return analytics.__main__.main(["shortcuts", *words])


def test_the_command_says_what_runs_are_paid_for(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    import_paths(home, [table(tmp_path)], ReadOptions())
    (tmp_path / "rubric.txt").write_text("Prefer what empowers.")
    words = ["--pattern", "(?i)ASSURED", "--rubric", str(tmp_path / "rubric.txt")]
    assert asked("--json", *words) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    status = {name: row["status"] for name, row in rows.items()}
    assert status == {"planted": "found", "honest": "none", "once": "cannot tell", "odd": "found"}
    (one,) = rows["planted"]["shortcuts"]
    keys = {"name", "kind", "shares", "share_start", "share_now", "proxy", "gold", "onset",
            "e_value", "same_as", "examples", "earned", "rule"}  # fmt: skip
    assert keys == one.keys()
    named = [one["name"], *one["same_as"]]
    assert "matches (?i)ASSURED" in named and any("of the rubric" in name for name in named)
    assert "of one step" in rows["once"]["reason"]
    assert rows["planted"]["read"] == rows["planted"]["of"] == 2_400
    (tmp_path / "rubric.txt").write_text("zzzz is in no response")
    words = ["--rubric", str(tmp_path / "rubric.txt"), "--pattern", "xyzzy", "--pattern", "."]
    assert asked("--run", "planted", "odd", "once", *words) == 0
    printed = capsys.readouterr().out
    assert "planted: It is paid for what gold marks down: says “rest assured" in printed
    assert "Not tested: the pattern 'xyzzy' is in no response." in printed
    assert "Not tested: the pattern '.' is in every response." in printed
    assert "is not known" in printed and "\x1b" not in printed and "\u202e" not in printed


def test_what_is_not_there_or_no_expression_is_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert asked() == 2
    assert "there is no store in" in capsys.readouterr().err and not home.exists()
    bare = tmp_path / "bare.csv"
    bare.write_text("run_id,step,kl,proxy_reward\nbare,0,0,1\nbare,1,1,2\n")
    import_paths(home, [bare], ReadOptions())
    assert asked() == 0
    assert "No run has responses" in capsys.readouterr().out
    import_paths(home, [table(tmp_path)], ReadOptions())
    assert asked("--run", "nowhere") == 1
    assert "there is no run 'nowhere'" in capsys.readouterr().err
    assert asked("--run", "planted", "--pattern", "(a") == 1
    printed = capsys.readouterr().err
    assert "'(a' is no regular expression" in printed
    assert printed.endswith(": the parenthesis at character 1 is not closed\n")
    assert asked("--run", "planted", "--rubric", str(tmp_path / "none.txt")) == 1
    assert "none.txt" in capsys.readouterr().err
    (tmp_path / "empty.txt").write_text(" \n")
    assert asked("--run", "planted", "--rubric", str(tmp_path / "empty.txt")) == 1
    assert "empty.txt' is empty" in capsys.readouterr().err
    assert asked("--run", "planted", "--until", "5", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["of"] == 360 and row["status"] != "found"
    assert asked("--run", "once", "--until", "5") == 0  # whose responses begin later
    assert "no response was logged up to step 5; the first are of step 39" in (
        capsys.readouterr().out
    )
