"""Behaviours from tables and from Inspect Scout's scans, into the store and out of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import data.__main__
from data.columns import ReadOptions, RunLog, Skip
from data.incoming.importing import import_paths
from data.owner import Owner
from data.readers import read

ROOT = Path(__file__).resolve().parents[2]
SCANS = ROOT / "tests" / "data" / "logs" / "scout"
HEAD = "run_id,step,trajectory_id,environment,behaviour,value,source"
ROWS = ["r,10,a,shell,edits tests,0,monitor", "r,10,b,shell,edits tests,1,monitor",
        "r,20,a,web,edits tests,0,monitor"]  # fmt: skip


def written(folder: Path, rows: list[str], head: str = HEAD, name: str = "behaviours.csv") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def the_run(path: Path, **options: object) -> RunLog:
    (log,) = read([path], ReadOptions(**options))
    assert isinstance(log, RunLog), log
    return log


def kept(home: Path) -> list[tuple[object, ...]]:
    owner = Owner(home)
    try:
        with owner.store._db.cursor() as cursor:
            return cursor.execute("from behaviours order by all").fetchall()
    finally:
        owner.close()


def test_a_table_is_stored_as_it_is(tmp_path: Path, home: Path) -> None:
    done = import_paths(home, [written(tmp_path, ROWS)], ReadOptions())
    assert [(run["run"], run["behaviours"], run["points"]) for run in done.runs] == [("r", 3, 0)]
    assert kept(home) == [
        ("r", 10, "a", "shell", "edits tests", 0, "monitor"),
        ("r", 10, "b", "shell", "edits tests", 1, "monitor"),
        ("r", 20, "a", "web", "edits tests", 0, "monitor"),
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_kind_of_table_gives_the_same(kind: str, tmp_path: Path) -> None:
    frame = pl.read_csv(written(tmp_path / "as", ROWS))
    path = tmp_path / f"b.{kind}"
    write = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}
    write[kind](path)
    assert (
        the_run(path).behaviours.rows() == the_run(tmp_path / "as/behaviours.csv").behaviours.rows()
    )


@pytest.mark.parametrize(
    "head",
    ["Run ID,Step,Trajectory ID,Environment,Behaviour,Value,Source",
     "loop,iteration,transcript_id,env,behavior,hit,judge",
     "run,global_step,rollout_id,env_name,monitor,flagged,monitor_name"],
)  # fmt: skip
def test_columns_are_known_by_other_words(head: str, tmp_path: Path) -> None:
    plain = the_run(written(tmp_path / "a", ROWS)).behaviours
    assert the_run(written(tmp_path / "b", ROWS, head)).behaviours.equals(plain)


@pytest.mark.parametrize(("word", "value"), [("True", 1), ("no", 0), ("1.0", 1), ("0", 0)])
def test_yes_and_no_are_one_and_zero(word: str, value: int, tmp_path: Path) -> None:
    row = f"r,1,a,shell,b,{word},m"
    assert the_run(written(tmp_path, [row])).behaviours["value"].to_list() == [value]


def test_a_grade_is_named_with_its_line_and_left_out(tmp_path: Path) -> None:
    log = the_run(
        written(tmp_path, [*ROWS, "r,30,c,web,edits tests,0.4,monitor", "r,30,d,web,x,,m"])
    )
    assert log.behaviours.height == 3
    text = " ".join(log.warnings)
    assert "line 5, column value: '0.4' is neither 0 nor 1" in text
    assert "1 rows say neither 0 nor 1: not measured, left out" in text


def test_a_table_without_a_readable_value_is_refused(tmp_path: Path) -> None:
    rows = [row.replace(",1,monitor", ",0.9,monitor").replace(",0,monitor", ",5,monitor")
            for row in ROWS]  # fmt: skip
    (skip,) = read([written(tmp_path, rows)], ReadOptions())
    assert "says 0 or 1" in skip.reason and "is neither 0 nor 1" in skip.reason


def test_visible_tests_passed_and_hidden_failed_is_a_behaviour(tmp_path: Path) -> None:
    head = "run_id,step,trajectory_id,environment,visible_tests_passed,hidden_tests_passed"
    rows = ["r,1,a,e,1,0", "r,1,b,e,1,1", "r,1,c,e,0,0", "r,1,d,e,true,false"]
    found = the_run(written(tmp_path, rows, head)).behaviours
    assert found["behaviour"].unique().to_list() == ["visible tests passed, hidden failed"]
    assert found["value"].to_list() == [1, 0, 0, 1]


def test_trajectories_without_an_id_are_all_kept(tmp_path: Path, home: Path) -> None:
    path = written(tmp_path, ["r,1,e,b,1", "r,1,e,b,1", "r,1,e,b,0"],
                   "run_id,step,environment,behaviour,value")  # fmt: skip
    import_paths(home, [path], ReadOptions())
    again = import_paths(home, [path], ReadOptions())
    assert again.runs[0]["behaviours"] == 0
    assert [row[5] for row in kept(home)] == [1, 1, 0]


def test_a_repeated_trajectory_is_counted_once_and_told(tmp_path: Path) -> None:
    log = the_run(written(tmp_path, [*ROWS, "r,10,a,shell,edits tests,1,monitor"]))
    assert log.behaviours.height == 3
    assert "1 rows repeat a trajectory and behaviour: the last is kept" in log.warnings


def test_import_again_adds_nothing_and_a_changed_value_is_replaced(
    tmp_path: Path, home: Path
) -> None:
    import_paths(home, [written(tmp_path, ROWS)], ReadOptions())
    again = import_paths(home, [written(tmp_path, ROWS)], ReadOptions()).runs[0]
    assert (again["behaviours"], again["replaced"]) == (0, 0)
    changed = [ROWS[0].replace(",0,monitor", ",1,monitor"), *ROWS[1:], "r,30,z,web,edits tests,1,m"]
    imported = import_paths(home, [written(tmp_path, changed)], ReadOptions()).runs[0]
    assert (imported["behaviours"], imported["replaced"]) == (1, 1)
    assert [row[5] for row in kept(home)] == [1, 1, 0, 1]


def test_they_go_with_their_run_and_come_back_from_the_archive(tmp_path: Path, home: Path) -> None:
    import_paths(home, [written(tmp_path, ROWS)], ReadOptions())
    before = kept(home)
    (home / "store.duckdb").unlink()
    assert kept(home) == before
    assert data.__main__.main(["forget", "r"]) == 0
    assert kept(home) == []


def test_they_join_the_metrics_of_their_run(tmp_path: Path, home: Path) -> None:
    curve = written(tmp_path, ["r,10,0.1,1,0.5", "r,20,0.2,2,0.4"],
                    "run_id,step,kl,proxy_reward,gold_reward", "curve.csv")  # fmt: skip
    import_paths(home, [curve], ReadOptions())
    import_paths(home, [written(tmp_path, ROWS)], ReadOptions())
    owner = Owner(home)
    try:
        (run,) = owner.store.query("runs", project=None, runs=None).to_dicts()
        assert (run["run_id"], run["points"], run["format"]) == ("r", 2, "table")
        counts = owner.store.query("behaviour_counts", runs=None, until=None)
        assert counts.select("environment", "step", "n", "seen").rows() == [
            ("shell", 10, 2, 1), ("web", 20, 1, 0),
        ]  # fmt: skip
        assert owner.store.query("behaviour_counts", runs=["r"], until=10).height == 1
    finally:
        owner.close()


def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    shutil.copytree(SCANS / "scans", folder)
    return next(folder.glob("scan_id=*"))


def rates(logs: list[RunLog]) -> dict[tuple[object, ...], tuple[int, int]]:
    rows = pl.concat([log.behaviours for log in logs])
    keys = ("behaviour", "environment", "step")
    found = rows.group_by(keys).agg(pl.len(), pl.col("value").sum())
    return {row[:3]: row[3:] for row in found.iter_rows()}


def test_scans_of_inspect_scout_are_read_as_they_are() -> None:
    logs = [log for log in read([SCANS], ReadOptions()) if isinstance(log, RunLog)]
    assert {(log.run, log.format) for log in logs} == {("policy", "behaviours")}
    found = rates(logs)
    assert found["edits_tests", "shell", 100] == (6, 2)
    assert found["edits_tests", "shell", 200] == (6, 3)
    assert found["edits_tests", "web", 100] == (5, 0)  # it failed on one, which is not measured
    for label in ("edits", "asserts"):  # a label that was not given was not seen
        assert found[f"labelled: {label}", "web", 200] == (6, 0)
        assert found[f"labelled: {label}", "shell", 200] == (6, 3)
    warnings = " ".join(text for log in logs for text in log.warnings)
    assert "edits_tests failed on 1 transcripts" in warnings
    assert "the scan is not complete" in warnings


def changed(scan: Path, name: str, **columns: object) -> Path:
    """One scanner's results, alone in their folder, with other columns."""
    frame = pl.read_parquet(scan / f"{name}.parquet").with_columns(
        **{key: pl.lit(value) if not isinstance(value, pl.Expr) else value
           for key, value in columns.items()}
    )  # fmt: skip
    for path in scan.glob("*.parquet"):
        path.unlink()
    frame.write_parquet(scan / f"{name}.parquet")
    return scan


def test_grades_are_refused_with_what_to_do(tmp_path: Path) -> None:
    scan = changed(scans(tmp_path), "edits_tests", value="7", value_type="number")
    (skip,) = read([scan], ReadOptions())
    assert isinstance(skip, Skip)
    assert "'7', a grade, a count or a text" in skip.reason and "behaviour, value" in skip.reason


def test_scouts_own_counts_are_hits(tmp_path: Path) -> None:
    scan = changed(scans(tmp_path), "assertions", scanner_name="grep_scanner", value="3")
    (log,) = read([scan], ReadOptions())
    assert isinstance(log, RunLog)
    assert log.behaviours["value"].to_list() == [1] * 24


def test_labels_of_hits_are_their_behaviours_and_a_plain_no_is_a_no_to_each(tmp_path: Path) -> None:
    hit = pl.col("value") == "true"
    label = pl.when(hit).then(pl.lit("tampering"))
    (log,) = read([changed(scans(tmp_path), "edits_tests", label=label)], ReadOptions())
    assert isinstance(log, RunLog)
    assert log.behaviours["behaviour"].unique().to_list() == ["edits_tests: tampering"]
    assert (log.behaviours.height, log.behaviours["value"].sum()) == (23, 5)


@pytest.mark.parametrize(
    ("metadata", "model", "options", "run", "step"),
    [
        ({"run_id": "a", "step": 30}, "m", {}, "a", 30),
        ({"eval_metadata": {"loop": "l", "iteration": 2}}, "m", {}, "l", 2),
        ({}, "lab/policy/checkpoint-200", {}, "lab-policy", 200),
        ({"at": 5, "who": "w"}, "m", {"step": "at", "run_column": "who"}, "w", 5),
        ({"run_id": "a", "step": 30}, "m", {"run": "named"}, "named", 30),
        ({}, "lab/policy", {}, "lab-policy", 0),
    ],
)
def test_run_and_step_of_a_transcript(
    metadata: dict[str, object], model: str, options: dict[str, str], run: str, step: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    scan = changed(scans(tmp_path), "edits_tests", transcript_metadata=json.dumps(metadata),
                   transcript_model=model)  # fmt: skip
    (log,) = read([scan], ReadOptions(**options))
    assert isinstance(log, RunLog)
    assert (log.run, log.behaviours["step"].unique().to_list()) == (run, [step])
    assert any("name no step" in text for text in log.warnings) == (step == 0)
