"""The commands as a user types them: what they print, where, and how they end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import analytics.__main__
import data.__main__
from tests import ready

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
R5 = EXAMPLES / "r5_rloo"
HEADER = "run_id,step,kl,proxy_reward,gold_reward"


@dataclass
class Done:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """A command in this process (a process of its own costs a second)."""

    def run(*words: object, module: str = "data") -> Done:
        main = {"data": data.__main__.main, "analytics": analytics.__main__.main}[module]
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as left:
            status = int(left.code or 0)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return run


def typed(*words: object, module: str = "data") -> Done:
    """A command in a process of its own."""
    done = ready.run(module, *map(str, words))
    return Done(done.returncode, done.stdout, done.stderr)


def table(path: Path, run: str = "r", steps: int = 12) -> Path:
    rows = [f'"{run}",{i},{i / 4},{i / 10},{i / 20}' for i in range(steps)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_json_is_one_document_and_nothing_else(home: Path, tmp_path: Path) -> None:
    """In real processes: a stray print or progress bar anywhere would show."""
    good, bad = table(tmp_path / "good.csv"), tmp_path / "bad.csv"
    bad.write_text("")
    done = typed("import", good, bad, "--json")
    assert done.status == 1
    assert list(done.json) == ["runs", "skipped"]
    (run,) = done.json["runs"]
    assert run.keys() >= {
        "run", "format", "points", "gold_evaluations", "samples", "answers", "kl_estimator",
        "kl_logged_unit", "kl_reference", "warnings",
    }  # fmt: skip
    assert [skip.keys() for skip in done.json["skipped"]] == [{"path", "reason"}]
    listed = typed("list", "--json")
    assert (listed.status, listed.err) == (0, "")
    assert listed.json == [{
        "run": "r", "project": "default", "format": "table", "points": 12, "gold_evaluations": 12,
        "samples": 0, "answers": 0, "step_end": 11, "kl_end": 2.75,
    }]  # fmt: skip
    judged = typed("verdict", "--json", module="analytics")
    assert (judged.status, judged.err) == (0, "")
    assert [row["run"] for row in judged.json] == ["r"]
    forgotten = typed("forget", "r", "--json")
    assert (forgotten.status, forgotten.err, forgotten.json) == (
        0, "", [{"run": "r", "forgotten": True}],
    )  # fmt: skip
    assert typed("list", "--json").json == []


def test_exit_codes_of_import(command: Callable[..., Done], tmp_path: Path) -> None:
    good = table(tmp_path / "good.csv")
    (tmp_path / "bad.csv").write_text("")
    assert command("import", good).status == 0
    assert command("import", good, tmp_path / "bad.csv").status == 1
    assert command("import", tmp_path / "bad.csv", "--json").status == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["import"],
        ["imprt", "x"],
        ["import", "x", "--format", "xlsx"],
        ["import", "x", "--kl-estimator", "k4"],
        ["import", "x", "--unknown"],
        ["export", "--run", "r"],
        ["export", "--run", "r", "--out", "f", "--format", "xlsx"],
        ["forget"],
        ["serve", "--port", "http"],
    ],
)
def test_wrong_usage_ends_with_2(command: Callable[..., Done], words: list[str]) -> None:
    done = command(*words)
    assert (done.status, done.out) == (2, "") and "usage:" in done.err


def test_refusals_end_with_1(command: Callable[..., Done], tmp_path: Path) -> None:
    command("import", table(tmp_path / "t.csv"))
    nobody = command("forget", "nobody")
    assert nobody.status == 1 and "nobody: there is no such run" in nobody.out
    out = tmp_path / "out.csv"
    unknown = command("export", "--run", "nobody", "--out", out)
    assert unknown.status == 1 and "there is no run 'nobody'" in unknown.err and not out.exists()
    folder = command("export", "--run", "r", "--out", tmp_path / "no" / "folder" / "x.csv")
    assert folder.status == 1 and "No such file or directory" in folder.err
    judged = command("verdict", "--run", "nobody", "--json", module="analytics")
    assert judged.status == 1 and judged.json == [] and "nobody" in judged.err


def test_errors_are_json_too(command: Callable[..., Done], home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "store.duckdb").write_bytes(b"no database " * 1000)
    done = command("list", "--json")
    assert done.status == 1
    assert "cannot be opened" in done.json["error"] and "Traceback" not in done.err


def test_a_table_for_people(command: Callable[..., Done], tmp_path: Path) -> None:
    done = command("import", table(tmp_path / "t.csv", "<b>[red]x[/red]"), tmp_path / "gone.csv")
    assert "<b>[red]x[/red]" in done.out
    assert "skipped" in done.out and "gone.csv" in "".join(done.out.split())
    assert "<b>[red]x[/red]" in command("list").out


def skipped(done: Done) -> str:
    """The one sentence of a log that was not read."""
    assert done.status == 1, done.out
    assert done.json["runs"] == []
    (skip,) = done.json["skipped"]
    assert "\n" not in skip["reason"] and "Traceback" not in done.err
    return str(skip["reason"])


def state_of(log: Path) -> dict[str, Any]:
    return dict(json.loads((log / "trainer_state.json").read_text()))


def saved(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trainer_state.json").write_text(text)
    return folder


def test_truncated_and_mutated_files(command: Callable[..., Done], tmp_path: Path) -> None:
    whole = (R5 / "trainer_state.json").read_text()
    cut = saved(tmp_path / "cut", whole[: len(whole) // 2])
    reason = skipped(command("import", cut, "--json"))
    assert "trainer_state.json" in reason and "line" in reason
    mutated = saved(tmp_path / "mutated", whole.replace(":", ";", 1))
    reason = skipped(command("import", mutated, "--json"))
    assert "trainer_state.json" in reason and "line" in reason
    flipped = table(tmp_path / "flipped.csv")
    flipped.write_text(flipped.read_text().replace("0.25", "0.2x"))
    done = command("import", flipped, "--json")
    assert done.status == 0
    (warning,) = [w for w in done.json["runs"][0]["warnings"] if "0.2x" in w]
    assert "flipped.csv" in warning and "line 3" in warning and "column kl" in warning
    parquet = tmp_path / "half.parquet"
    pl.DataFrame({"step": range(5_000), "kl": 0.5, "gold_reward": 1.0}).write_parquet(parquet)
    parquet.write_bytes(parquet.read_bytes()[:-200])
    assert "half.parquet" in skipped(command("import", parquet, "--json"))


def test_a_log_without_kl(command: Callable[..., Done], tmp_path: Path) -> None:
    log = tmp_path / "t.csv"
    log.write_text("step,proxy_reward,gold_reward\n0,1,0.5\n1,2,0.6\n")
    (run,) = command("import", log, "--json").json["runs"]
    assert run["kl_estimator"] is None and any("KL" in w for w in run["warnings"])
    (row,) = command("list", "--json").json
    assert (row["points"], row["kl_end"]) == (2, None)
    (verdict,) = command("verdict", "--json", module="analytics").json
    assert "kl_missing" in verdict["flags"] and verdict["axis"] == "step"


def test_a_log_without_gold(command: Callable[..., Done], tmp_path: Path) -> None:
    log = tmp_path / "t.csv"
    log.write_text("step,kl,proxy_reward\n0,0,0.5\n1,2,0.6\n")
    (run,) = command("import", log, "--json").json["runs"]
    assert run["gold_evaluations"] == 0 and any("--gold" in w for w in run["warnings"])
    (verdict,) = command("verdict", "--json", module="analytics").json
    assert (verdict["status"], verdict["peak"]) == ("unmeasured", None)


def test_nan_and_infinity_are_missing(command: Callable[..., Done], tmp_path: Path) -> None:
    log = table(tmp_path / "t.csv", steps=40)
    lines = log.read_text().splitlines()
    lines[5], lines[7], lines[40] = '"r",4,NaN,0.1,0.2', '"r",6,1.5,inf,-inf', '"r",39,nan,nan,nan'
    log.write_text("\n".join(lines))
    assert command("import", log, "--json").status == 0
    (row,) = command("list", "--json").json
    assert (row["points"], row["gold_evaluations"], row["kl_end"]) == (40, 38, 38 / 4)
    done = command("verdict", "--json", module="analytics")
    assert "NaN" not in done.out and "Infinity" not in done.out
    assert command("check", "--json").json["runs"][0]["nan_rows"] == 3
    out = tmp_path / "out.csv"
    assert command("export", "--run", "r", "--out", out).status == 0
    assert "nan" not in out.read_text().lower() and "inf" not in out.read_text().lower()


def test_one_row(command: Callable[..., Done], tmp_path: Path) -> None:
    assert command("import", table(tmp_path / "t.csv", steps=1)).status == 0
    assert command("list", "--json").json[0]["points"] == 1
    (verdict,) = command("verdict", "--json", module="analytics").json
    assert verdict["status"] == "too_little_gold" and verdict["reasons"]


def test_an_unknown_format(command: Callable[..., Done], tmp_path: Path) -> None:
    log = tmp_path / "log.docx"
    log.write_bytes(b"PK\x03\x04")
    reason = skipped(command("import", log, "--json"))
    assert "log.docx is of no known format" in reason and "trainer_state.json" in reason
    (tmp_path / "empty").mkdir()
    reason = skipped(command("import", tmp_path / "empty", "--json"))
    assert "no log" in reason


def test_a_path_that_is_not_there(command: Callable[..., Done], tmp_path: Path) -> None:
    good = table(tmp_path / "t.csv")
    done = command("import", tmp_path / "gone", good, "--json")
    assert done.status == 1
    assert [run["run"] for run in done.json["runs"]] == ["r"]
    (skip,) = done.json["skipped"]
    assert skip["path"].endswith("gone") and "No such file" in skip["reason"]


def test_strict_imports_nothing_of_a_bad_set(command: Callable[..., Done], tmp_path: Path) -> None:
    good = table(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("")
    done = command("import", good, tmp_path / "b.csv", "--strict", "--json")
    assert done.status == 1
    assert "b.csv" in done.err and "b.csv" in done.json["error"]
    assert command("list", "--json").json == []
    assert command("import", good, "--strict", "--json").status == 0


def test_skips_are_told_once(command: Callable[..., Done], tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("")
    for _ in range(2):
        assert command("import", bad).status == 1
    (skip,) = command("check", "--json").json["skipped"]
    assert skip["path"].endswith("bad.csv")
    table(bad)
    assert command("import", bad).status == 0
    assert command("check", "--json").json["skipped"] == []


@pytest.mark.parametrize("count", [150, pytest.param(1_000, marks=pytest.mark.long)])
def test_a_folder_of_many_files(command: Callable[..., Done], tmp_path: Path, count: int) -> None:
    folder = tmp_path / "many"
    half_written = (3, count // 2, count - 1)
    for number in range(count):
        path = table(folder / f"sub-{number % 10}" / f"log-{number:03d}.csv", f"run-{number:03d}")
        if number in half_written:
            path.write_text(path.read_text()[:20])  # not even a whole header
    began = time.process_time()
    done = command("import", folder, "--json")
    spent = time.process_time() - began
    assert done.status == 1
    assert len(done.json["runs"]) == count - 3
    assert {run["points"] for run in done.json["runs"]} == {12}
    broken = sorted(Path(skip["path"]).name for skip in done.json["skipped"])
    assert broken == [f"log-{number:03d}.csv" for number in half_written]
    assert all(skip["reason"] for skip in done.json["skipped"])
    assert len(command("list", "--json").json) == count - 3
    again = command("import", folder, "--json")
    assert {(run["points"], run["replaced"]) for run in again.json["runs"]} == {(0, 0)}
    assert spent < 0.2 * count, f"{spent:.1f} CPU seconds for {count} small files"


@pytest.mark.parametrize("name", ["r3_grpo_bigrm", "r5_rloo"])
def test_a_bundled_run_says_what_it_is(
    command: Callable[..., Done], tmp_path: Path, name: str
) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    (run,) = command("import", tmp_path / name, "--json").json["runs"]
    estimator = {"r3_grpo_bigrm": "k3", "r5_rloo": "k1"}[name]
    assert (run["run"], run["format"], run["kl_estimator"]) == (name, "trl", estimator)
    assert run["kl_reference"] == "initial_policy"
    assert run["points"] > 100
    assert (run["samples"] > 0) == (EXAMPLES / name / "completions").is_dir()
