"""Trackers' stores of TRL runs: the same curve from each, one run, nothing left beside them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.columns import ReadOptions, RunLog, Skip
from data.readers import read
from data.readers.raw.scalars import Scalars
from data.readers.trackers import trackio, wandb
from tests.untar import untar

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path(__file__).resolve().parent / "logs"
EXAMPLES = ROOT / "data" / "examples"
TRACKERS = Path(__file__).resolve().parent / "trackers"
RUNS = ("r3_grpo_bigrm", "r5_rloo", "r6_grpo_resume")


@pytest.fixture(scope="module")
def trl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundled runs with all that their trainer left: the trackers' stores beside the rest."""
    folder = tmp_path_factory.mktemp("trl")
    for run in RUNS:
        shutil.copytree(EXAMPLES / run, folder / run)
        untar(TRACKERS / f"{run}.tar.xz", folder / run)
    return folder


def one(*paths: Path, **options: object) -> RunLog:
    found = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    assert len(found) == 1, found
    assert isinstance(found[0], RunLog), found[0]
    return found[0]


@cache
def read_once(path: Path) -> RunLog:
    """As ``one``, of what no test changes."""
    return one(path)


def all_of(*paths: Path, **options: object) -> tuple[dict[str, RunLog], list[Skip]]:
    items = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    runs = {item.run: item for item in items if isinstance(item, RunLog)}
    return runs, [item for item in items if isinstance(item, Skip)]


def history(trl: Path, run: str) -> list[dict[str, Any]]:
    state = json.loads((trl / run / "trainer_state.json").read_text())
    return [row for row in state["log_history"] if "train_runtime" not in row]


def of_store(trl: Path, run: str, store: str) -> Scalars:
    if store == "trackio":
        (found,) = trackio.runs(next((trl / run / "trackio").glob("*.db")))
        return found.scalars()
    logs = sorted(
        (wandb.run(p) for p in (trl / run).glob("wandb/*/*.wandb")), key=lambda r: r.started
    )
    scalars = logs[0].scalars()
    for log in logs[1:]:
        scalars.overtake(log.scalars())
    return scalars


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("store", ["trackio", "wandb"])
def test_every_number_of_the_state_stands_in_the_store(trl: Path, run: str, store: str) -> None:
    scalars = of_store(trl, run, store)
    compared = 0
    for row in history(trl, run):
        evaluation = any(key.startswith("eval_") for key in row)
        mine = scalars.rows["eval" if evaluation else "train"][row["step"]]
        for key, value in row.items():
            if key in ("step", "epoch") or value is None:
                continue
            assert mine[key.removeprefix("eval_")] == value, (row["step"], key)
            compared += 1
    assert compared == {"r3_grpo_bigrm": 5800, "r5_rloo": 4350, "r6_grpo_resume": 2552}[run]
    assert scalars.count() == len(history(trl, run))


@pytest.mark.parametrize("run", RUNS)
def test_the_five_stores_of_a_run_agree_row_for_row(trl: Path, run: str) -> None:
    state = read_once(trl / run / "trainer_state.json")
    for part in ("trackio", "wandb", "tb", "."):
        other = read_once(trl / run / part)
        assert other.run == run
        assert other.format == {"tb": "tensorboard", ".": "trl"}.get(part, part)
        assert (other.facts.proxy_key, other.facts.gold_key) == (
            state.facts.proxy_key,
            state.facts.gold_key,
        )
        assert other.facts.kl_estimator == state.facts.kl_estimator
        assert other.metrics.select("phase", "step").equals(state.metrics.select("phase", "step"))
        limit = 1.2e-7 if part == "tb" else 0.0  # event files hold float32
        for column in state.metrics.columns:
            if column in ("run_id", "phase", "step", "n_responses"):
                continue
            if column in ("epoch",) and other.metrics.get_column(column).null_count():
                continue  # the trackers log an evaluation's epoch under train/
            a, b = (m.get_column(column).cast(pl.Float64) for m in (state.metrics, other.metrics))
            assert (a.is_null() == b.is_null()).all(), (part, column)
            assert ((a - b).abs() <= 2 * limit * a.abs().clip(1e-3)).all(), (part, column)


@pytest.mark.parametrize("part", ["trackio", "wandb"])
def test_tables_of_a_tracker_are_the_completions(trl: Path, part: str) -> None:
    run = "r3_grpo_bigrm"
    ours, theirs = read_once(trl / run).samples, read_once(trl / run / part).samples
    order = ["step", "prompt_id", "sample_id"]
    assert ours.sort(order).equals(theirs.select(ours.columns).sort(order))


def test_rloo_has_its_completions_only_in_the_trackers(trl: Path) -> None:
    run = read_once(trl / "r5_rloo")
    assert run.samples.height == 150 * 48
    assert {s["format"]: s["rows"] for s in run.facts.sources} == {
        "trainer_state": 150, "trackio": 150, "wandb": 150, "tensorboard": 150,
        "trackio tables": 7200,
    }  # fmt: skip
    last = run.samples.filter(step=300)
    assert last.get_column("gold_reward").mean() == pytest.approx(-4.5657, abs=0.6)


@pytest.mark.parametrize("part", ["trackio", "wandb"])
def test_trap_09_10_steps_are_the_trainers_not_the_trackers(trl: Path, part: str) -> None:
    """Both count log calls (wandb 3601 for 400 steps); profiles and tables are no metrics."""
    run = read_once(trl / "r3_grpo_bigrm" / part)
    assert run.metrics.height == 200
    assert run.metrics.get_column("step").to_list() == list(range(2, 401, 2))
    assert not [c for c in run.metrics.columns if c.startswith(("profiling", "_", "completions."))]
    drifted = read_once(trl / "r6_grpo_resume" / part)
    assert drifted.metrics.filter(phase="train").get_column("step").max() == 160


def test_trap_06_the_trackers_config_says_which_reward_is_trained_on(trl: Path) -> None:
    run = read_once(trl / "r5_rloo" / "trackio")
    assert run.facts.config["reward_weights"] == [1.0, 0.0]
    assert run.facts.config["beta"] == 0.01
    assert run.facts.trainer == "TRL RLOO"


def test_trap_14_a_resume_is_one_run_in_every_store(trl: Path) -> None:
    replaced = {
        part: read_once(trl / "r6_grpo_resume" / part).facts.steps_replaced
        for part in ("trackio", "wandb", "tb", "trainer_state.json")
    }
    # The killed wandb run ends at step 112: four steps were lost with it.
    assert replaced == {"trackio": 8, "wandb": 6, "tb": 8, "trainer_state.json": 0}


def test_trap_14_the_link_to_the_latest_run_is_not_counted_twice(trl: Path, tmp_path: Path) -> None:
    run = tmp_path / "r6"
    shutil.copytree(trl / "r6_grpo_resume" / "wandb", run / "wandb")
    before = one(run)
    os.chmod(run / "wandb", 0o755)
    newest = sorted((run / "wandb").iterdir())[-1]
    (run / "wandb" / "latest-run").symlink_to(newest.name)
    after = one(run, run / "wandb" / "latest-run")
    assert after.metrics.equals(before.metrics)
    assert after.facts.steps_replaced == before.facts.steps_replaced == 6
    assert len([s for s in after.facts.sources if s["format"] == "wandb"]) == 2


def test_trap_14b_the_trackers_tell_training_rows_from_evaluation_rows(trl: Path) -> None:
    """The parquet of an evaluated step is overwritten; the trackers kept the table before it."""
    run = read_once(trl / "r6_grpo_resume" / "trackio")
    at_20 = run.samples.filter(step=20)
    assert at_20.get_column("phase").unique().to_list() == ["train"]
    assert at_20.get_column("prompt_id").n_unique() == 4
    assert at_20.get_column("gold_reward").mean() == pytest.approx(0.12, abs=0.2)


# A small genuine database, written by trackio itself (make_trackio.py).
DB = LOGS / "trackio" / "small-lab.db"


def test_several_runs_in_one_database(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    shutil.copy(DB, tmp_path / "db" / "lab.db")
    runs, skipped = all_of(tmp_path)
    assert skipped == []
    assert set(runs) == {"run-a", "run-b"}
    a = runs["run-a"]
    assert (a.parent, a.format, a.facts.steps_replaced) == ("lab", "trackio", 1)
    assert a.facts.config["beta"] == 0.04
    assert a.metrics.filter(phase="train").get_column("step").to_list() == [1, 2, 3]
    row = a.metrics.filter(phase="train", step=2).row(0, named=True)
    assert (row["kl_logged"], row["response_length"]) == (0.25, 20.0)  # logged again: the later
    assert row["kl"] == 5.0
    assert a.metrics.filter(phase="eval").get_column("gold_reward").to_list() == [0.75]
    assert a.facts.nan_rows == 1  # trackio writes NaN as a text
    b = runs["run-b"]
    assert b.metrics.get_column("step").to_list() == [0, 1]  # no global_step: trackio's count


def test_trackio_leaves_no_file_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "lab" / "trackio"
    folder.mkdir(parents=True)
    shutil.copy(DB, folder)
    os.chmod(folder, 0o555)
    try:
        runs, skipped = all_of(tmp_path)
        assert (len(runs), skipped) == (2, [])
        assert [p.name for p in folder.iterdir()] == [DB.name]
    finally:
        os.chmod(folder, 0o755)


def test_trap_10_rows_of_a_live_database_are_read(tmp_path: Path) -> None:
    """While a run lives its latest rows are in the -wal; it is neither changed nor removed."""
    folder = tmp_path / "live" / "trackio"
    folder.mkdir(parents=True)
    shutil.copy(DB, folder / "lab.db")
    writer = sqlite3.connect(folder / "lab.db")
    writer.execute("pragma journal_mode = wal")
    (run_id,) = writer.execute("select run_id from metrics where run_name = 'run-b'").fetchone()
    content = json.dumps({"kl": 0.5, "reward": 2.0}).encode()
    writer.execute(
        "insert into metrics (run_id, timestamp, run_name, step, metrics) values (?, 't', ?, ?, ?)",
        (run_id, "run-b", 7, content),
    )
    writer.commit()
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert set(before) == {"lab.db", "lab.db-wal", "lab.db-shm"}
    runs, skipped = all_of(tmp_path)
    assert skipped == []
    assert runs["run-b"].metrics.get_column("step").to_list() == [0, 1, 7]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    writer.close()


def test_a_foreign_database_counts_only_when_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("create table metrics (a, b)")
    connection.close()
    (tmp_path / "t.csv").write_text("step,kl,proxy_reward,gold_reward\n1,0.5,1.5,0.25\n")
    runs, skipped = all_of(tmp_path)
    assert (list(runs), skipped) == (["t"], [])
    _, (skip,) = all_of(tmp_path / "other.db")
    assert "neither trackio's nor MLflow's" in skip.reason


def test_a_view_under_the_name_of_the_table_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "trackio"
    folder.mkdir()
    with sqlite3.connect(folder / "lab.db") as connection:
        connection.execute(
            "create view metrics as with recursive t(run_name, step, metrics) as "
            "(select 'a', 1, '{}' union all select 'a', step + 1, '{}' from t) select * from t"
        )
    connection.close()
    runs, (skip,) = all_of(tmp_path)
    assert (runs, "neither" in skip.reason) == ({}, True)


# A genuine offline run, written by wandb itself (make_wandb.py).
WANDB = LOGS / "r12_wandb"


def test_wandb_offline_run(tmp_path: Path) -> None:
    run = one(WANDB)
    assert (run.run, run.parent, run.format) == ("r12_wandb", "logs", "wandb")
    assert run.metrics.filter(phase="train").get_column("step").to_list() == list(range(2, 25, 2))
    row = run.metrics.filter(phase="train", step=24).row(0, named=True)
    assert row["kl_logged"] == 0.24
    assert row["kl"] == pytest.approx(0.24 * 16)
    assert row["gold_reward"] == -1.0
    assert run.facts.config["beta"] == 0.04
    assert run.facts.nan_rows == 1
    assert run.metrics.filter(phase="eval").get_column("step").to_list() == [12, 24]
    assert run.samples.height == 8
    assert run.samples.get_column("proxy_reward").to_list() == [1.0, 2.0, 1.5, 2.5] * 2


def test_half_written_wandb_log_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    (source,) = WANDB.rglob("*.wandb")
    whole = source.read_bytes()
    path = tmp_path / "x" / "run-abc.wandb"
    path.parent.mkdir()
    seen = []
    for size in (len(whole), len(whole) - 500, len(whole) // 2):
        path.write_bytes(whole[:size])
        seen.append(one(path).metrics.height)
    assert seen[0] == 14
    assert seen == sorted(seen, reverse=True)
    path.write_bytes(whole[:7])
    _, (skip,) = all_of(path)
    assert "no metrics" in skip.reason


def test_damaged_wandb_chunk_costs_its_block_only(tmp_path: Path) -> None:
    (source,) = WANDB.rglob("*.wandb")
    raw = bytearray(source.read_bytes())
    raw[len(raw) // 2] ^= 1
    path = tmp_path / "x" / "run-abc.wandb"
    path.parent.mkdir()
    path.write_bytes(raw)
    run = one(path)
    assert 0 < run.metrics.height <= 14
    assert any("damaged" in warning for warning in run.warnings)


def test_wandb_runs_of_several_names_are_several_runs(tmp_path: Path) -> None:
    shutil.copytree(WANDB / "wandb", tmp_path / "lab" / "wandb")
    second = tmp_path / "lab" / "wandb" / "offline-run-20260101_000000-zzz"
    first = next(p for p in (tmp_path / "lab" / "wandb").iterdir() if p.is_dir())
    shutil.copytree(first, second)
    (log,) = second.glob("*.wandb")
    raw = log.read_bytes()
    log.write_bytes(raw)  # the same name: a start at the same step in one folder overtakes
    assert set(all_of(tmp_path)[0]) == {"lab"}


def test_the_readers_import_no_package_of_a_trainer_or_tracker() -> None:
    code = (
        "import sys, data.readers; bad = {'trackio', 'wandb', 'mlflow', 'tensorboard', 'torch', "
        "'trl', 'verl', 'openrlhf', 'transformers', 'yaml', 'google.protobuf'}; "
        "print(sorted(bad & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stderr


@cache
def exported(trl: Path, run: str) -> pl.DataFrame:
    """The history of a run as wandb exports it: every key a column, every log call a row."""
    (log,) = (trl / run / "wandb").glob("*/*.wandb")
    rows = []
    for record in wandb._records(log, []):
        row = {k: v for k, v in wandb._history(record).items() if not k.startswith("completions.")}
        if row:
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "json"])
def test_exported_wandb_history(trl: Path, tmp_path: Path, kind: str) -> None:
    frame = exported(trl, "r3_grpo_bigrm")
    path = tmp_path / f"wandb_export_r3.{kind}"
    {
        "csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson,
        "json": frame.write_json,
    }[kind](path)  # fmt: skip
    for start in (path, tmp_path):
        run = one(start)
        assert (run.run, run.format) == ("wandb_export_r3", "wandb")
        log = read_once(trl / "r3_grpo_bigrm" / "wandb")
        same = ["phase", "step", "kl", "proxy_reward", "gold_reward", "response_length", "entropy"]
        assert run.metrics.select(same).equals(log.metrics.select(same))
        assert run.facts.kl_estimator == "k3"


def test_exported_wandb_history_by_column(tmp_path: Path) -> None:
    """pandas' DataFrame.to_json: an object of columns."""
    columns = {"_step": [0, 1], "_runtime": [1, 2], "train/global_step": [5, 5]}
    columns |= {"train/reward": [1.5, None], "train/num_tokens": [3, None]}
    text = json.dumps({k: {str(i): x for i, x in enumerate(v)} for k, v in columns.items()})
    (tmp_path / "h.json").write_text(text)
    run = one(tmp_path / "h.json")
    assert run.metrics.select("step", "proxy_reward").rows() == [(5, 1.5)]
