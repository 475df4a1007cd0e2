"""The store: what it says of itself, what an import changes, what survives."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data import spool
from data.columns import METRIC_COLUMNS, ReadOptions
from data.database.sql import StoreError
from data.home import home as made_home
from data.incoming.importing import Imported, import_paths, spool_paths
from data.outgoing.exporting import run_rows, write_rows
from data.owner import Owner
from data.store import SCHEMA_VERSION, Store

ROOT = Path(__file__).resolve().parents[2]
R3 = ROOT / "data" / "examples" / "r3_grpo_bigrm"
ROWS = {
    "metrics": "run_id, phase, step",
    "scalars": "run_id, phase, step, key",
    "samples": "run_id, phase, step, prompt_id, sample_id",
    "prompt_rewards": "run_id, step, prompt_id",
    "pooled_curve": "run_id, phase, bin",
    "run_summary": "run_id",
}
"""The tables that hold rows of runs, each with its key."""


def brought(*paths: Path, **options: object) -> Imported:
    return import_paths(made_home(), list(paths), ReadOptions(**options))  # type: ignore[arg-type]


def contents(tables: dict[str, str] = ROWS) -> dict[str, pl.DataFrame]:
    """Every row of the store, sorted by key (nobody owns it meanwhile)."""
    with duckdb.connect(str(made_home() / "store.duckdb"), read_only=True) as store:
        return {
            table: store.sql(f"select * from {table} order by {key}").pl()
            for table, key in tables.items()
        }


def assert_same(a: dict[str, pl.DataFrame], b: dict[str, pl.DataFrame]) -> None:
    assert a.keys() == b.keys()
    for table in a:
        shown = [frame[table].drop("extra", strict=False) for frame in (a, b)]
        assert_frame_equal(*shown, rel_tol=1e-9, abs_tol=1e-12)
        if "extra" in a[table].columns:
            assert a[table]["extra"].to_list() == b[table]["extra"].to_list()


def owned() -> AbstractContextManager[Owner]:
    return closing(Owner(made_home()))


def generation() -> int:
    with owned() as owner:
        return owner.store.generation


@pytest.fixture
def opened(home: Path):
    """Call it for an open store, `close_it` gives it up before the end."""
    with ExitStack() as stack:

        def open_one() -> Store:
            return stack.enter_context(owned()).store

        open_one.close_it = stack.close  # type: ignore[attr-defined]
        yield open_one


def table(path: Path, runs: list[str], steps: int = 12, shift: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"run_id": run, "step": i, "kl": i / 4, "proxy_reward": i / 10 + shift,
         "gold_reward": i / 20 - shift, "temperature_logged": i * 1.5}
        for run in runs for i in range(steps)
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(path)
    return path


def shortened(log: Path, target: Path, last: int | None) -> Path:
    """The run's log as it was at an earlier step (None: whole), without completions."""
    state = json.loads((log / "trainer_state.json").read_text())
    if last is not None:
        rows = [row for row in state["log_history"] if row["step"] <= last and "reward" in row]
        state |= {"log_history": rows, "global_step": last}
    target.mkdir(parents=True)
    (target / "trainer_state.json").write_text(json.dumps(state))
    return target


def test_every_table_and_column_says_what_it_is(home: Path) -> None:
    with owned():
        pass
    with duckdb.connect(str(made_home() / "store.duckdb")) as store:
        tables = store.sql("select table_name, comment from duckdb_tables()").fetchall()
        columns = store.sql(
            "select table_name, column_name, data_type, comment from duckdb_columns() "
            "where not internal"
        ).fetchall()
    assert {name for name, _ in tables} >= {*ROWS, "runs", "segments", "verdicts"}
    silent = [name for name, comment in tables if not comment]
    silent += [f"{t}.{c}" for t, c, _, comment in columns if not comment]
    assert not silent
    quantities = ("reward", "kl", "length", "entropy", "share", "logprob")
    units = ("units", "nats", "tokens", "0..1")
    for name, column, kind, comment in columns:
        if kind == "DOUBLE" and any(word in column for word in quantities):
            assert any(unit in comment for unit in units), f"{name}.{column} has no unit"


def test_schema_version_is_recorded_and_a_newer_one_refused(home: Path) -> None:
    with owned():
        pass
    file = made_home() / "store.duckdb"
    with duckdb.connect(str(file)) as store:
        assert store.sql("select max(version) from store_version").fetchall() == [(SCHEMA_VERSION,)]
        store.execute("insert into store_version (version) values ($v)", {"v": SCHEMA_VERSION + 1})
    with pytest.raises(StoreError) as refusal:
        Store(made_home())
    message = str(refusal.value)
    assert (
        str(file) in message and f"version {SCHEMA_VERSION + 1}" in message and "newer" in message
    )


def test_a_file_that_is_no_store_is_refused(home: Path) -> None:
    file = made_home() / "store.duckdb"
    with duckdb.connect(str(file)) as other:
        other.execute("create table t (i integer)")
    with pytest.raises(StoreError, match="not a store of this program"):
        Store(made_home())
    file.write_bytes(b"no database at all " * 500)
    with pytest.raises(StoreError, match=r"cannot be opened.*rebuilt from archive"):
        Store(made_home())


def test_a_refused_store_is_not_left_owned(home: Path) -> None:
    (made_home() / "store.duckdb").write_bytes(b"no database at all " * 500)
    for _ in range(2):
        with pytest.raises(StoreError):
            Owner(made_home())


@pytest.fixture
def three_logs(tmp_path: Path) -> list[Path]:
    return [
        shortened(R3, tmp_path / "a" / "r3", 200),
        table(tmp_path / "b.csv", ["one", "two"]),
        shortened(R3, tmp_path / "c" / "r3", None),
    ]


def test_a_lost_store_is_rebuilt_from_the_archive(home: Path, three_logs: list[Path]) -> None:
    for log in three_logs:
        brought(log)
    with owned() as owner:
        owner.store.drain()
    spool.write_forget(made_home(), ["two"])
    with owned():
        pass
    tables = ROWS | {"runs": "run_id", "segments": "segment"}
    before = contents(tables)
    assert set(before["runs"]["run_id"]) == {"r3", "one"}
    (made_home() / "store.duckdb").unlink()
    with owned():
        pass
    after = contents(tables)
    for frames in (before, after):
        frames["runs"] = frames["runs"].drop("imported_at")
        frames["segments"] = frames["segments"].drop("done_at")
    assert_same(before, after)


def test_a_rebuild_that_was_killed_goes_on(
    home: Path, three_logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for log in three_logs:
        brought(log)
    before = contents()
    (made_home() / "store.duckdb").unlink()
    whole = Store.import_segment
    left = [2]

    def dies(store: Store, segment: Path) -> dict:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return whole(store, segment)

    monkeypatch.setattr(Store, "import_segment", dies)
    with pytest.raises(KeyboardInterrupt):
        Owner(made_home())
    monkeypatch.undo()
    monkeypatch.setenv("OVEROPT_HOME", str(home))
    with owned():
        pass
    assert_same(before, contents())


@pytest.mark.parametrize("what", ["trl", "folder", "table"])
def test_the_same_log_again_changes_nothing(home: Path, tmp_path: Path, what: str) -> None:
    log = {
        "trl": lambda: shortened(R3, tmp_path / "r3", None),
        "folder": lambda: R3,
        "table": lambda: table(tmp_path / "t.csv", ["a", "b"]),
    }[what]()
    brought(log)
    tables = ROWS | {"runs": "run_id"}
    before, counted = contents(tables), generation()
    again = brought(log)
    assert generation() == counted
    assert_same(before, contents(tables))
    assert all(run["points"] == run["replaced"] == run["samples"] == 0 for run in again.runs)


def test_a_copy_elsewhere_changes_no_verdict(home: Path, tmp_path: Path) -> None:
    first = shortened(R3, tmp_path / "a" / "r3", None)
    second = shortened(R3, tmp_path / "b" / "r3", None)
    brought(first)
    brought(second)
    counted = generation()
    before = contents({"runs": "run_id"})["runs"]
    brought(first)
    after = contents({"runs": "run_id"})["runs"]
    assert generation() == counted
    assert before["run_id"].to_list() == ["r3"]
    assert after["generation"].to_list() == before["generation"].to_list()


@pytest.mark.parametrize("parents", [("here", "here"), ("then", "now")])
def test_a_grown_log_equals_one_import(
    home: Path, tmp_path: Path, parents: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    early = shortened(R3, tmp_path / parents[0] / "r3", 200)
    (run,) = brought(early).runs
    assert run["points"] == 100
    if parents[0] == parents[1]:
        shutil.rmtree(early)
    late = shortened(R3, tmp_path / parents[1] / "r3", 400)
    (run,) = brought(late).runs
    assert (run["run"], run["points"], run["replaced"]) == ("r3", 100, 0)
    grown = contents()
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "fresh"))
    brought(late)
    assert_same(grown, contents())
    assert grown["metrics"].height == 200


def test_an_older_log_after_the_newer_changes_nothing(home: Path, tmp_path: Path) -> None:
    late = shortened(R3, tmp_path / "now" / "r3", 400)
    brought(late)
    before = contents()
    brought(shortened(R3, tmp_path / "then" / "r3", 200))
    assert_same(before, contents())


def test_the_order_of_stores_does_not_matter(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = shortened(R3, tmp_path / "a" / "r3", None)
    board = tmp_path / "b" / "r3"
    shutil.copytree(R3 / "tb", board / "tb")
    found = []
    for order in ((state, board), (board, state)):
        monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / f"home-{order[0].parent.name}"))
        names = [run["run"] for log in order for run in brought(log).runs]
        assert names == ["r3", "r3"]
        found.append(contents())
    assert_same(*found)
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "home-state"))
    brought(state)
    for column in METRIC_COLUMNS:  # the trainer's own file is the richer: its values stand
        alone = contents()["metrics"][column]
        there = alone.is_not_null()
        both = found[0]["metrics"][column]
        assert both.filter(there).to_list() == alone.filter(there).to_list(), column
    assert found[0]["metrics"]["n_responses"].null_count() == 0  # only the event file says it


def test_two_runs_of_one_folder_name_become_two(home: Path, tmp_path: Path) -> None:
    first = shortened(R3, tmp_path / "mon" / "run", None)
    second = shortened(
        ROOT / "data" / "examples" / "r2_grpo_highkl", tmp_path / "tue" / "run", None
    )
    assert [run["run"] for run in brought(first).runs] == ["run"]
    (other,) = brought(second).runs
    assert other["run"] == "tue-run"
    assert any("'run'" in warning and "'tue-run'" in warning for warning in other["warnings"])
    counted = generation()
    assert [run["run"] for run in brought(first, second).runs] == ["run", "tue-run"]
    assert generation() == counted
    summary = contents()["run_summary"]
    assert dict(summary.select("run_id", "points").iter_rows()) == {"run": 200, "tue-run": 200}


def test_a_new_name_is_never_the_name_of_another_run(home: Path, tmp_path: Path) -> None:
    r2 = ROOT / "data" / "examples" / "r2_grpo_highkl"
    brought(shortened(R3, tmp_path / "mon" / "run", None))
    shortened(r2, tmp_path / "tue" / "run", None)  # would become tue-run, but there is one
    shortened(R3, tmp_path / "tue" / "tue-run", 300)
    names = [run["run"] for run in brought(tmp_path / "tue").runs]
    assert sorted(names) == ["tue-run", "tue-run-2"]
    points = dict(contents()["run_summary"].select("run_id", "points").iter_rows())
    assert points == {"run": 200, "tue-run": 150, "tue-run-2": 200}


NAMES = ["<img src=x onerror=alert(1)>", "'; drop table runs;--", "../../etc", "a\nb", "%s {} $run"]


def test_names_are_kept_verbatim(home: Path, tmp_path: Path, opened) -> None:
    log = table(tmp_path / "t.csv", NAMES)
    assert [run["run"] for run in brought(log).runs] == NAMES
    store = opened()
    assert store.query("runs", project=None, runs=None)["run_id"].sort().to_list() == sorted(NAMES)
    for name in NAMES:
        assert run_rows(store, name)["run_id"].unique().to_list() == [name]
        assert store.query("trajectory", run=name, until=None).height == 12


def test_forget_and_import_again(home: Path, tmp_path: Path, opened) -> None:
    log = table(tmp_path / "t.csv", [NAMES[1], "kept"])
    brought(log)
    before = contents()
    name = spool.write_forget(made_home(), [NAMES[1], "nobody"])
    store = opened()
    assert store.results([name])[0]["runs"] == [
        {"run": NAMES[1], "forgotten": True},
        {"run": "nobody", "forgotten": False},
    ]
    opened.close_it()
    after = contents(ROWS | {"runs": "run_id"})
    for frame in after.values():
        assert not frame.height or set(frame["run_id"]) == {"kept"}
    (run, kept) = brought(log).runs
    assert (run["points"], kept["points"]) == (12, 0)
    assert_same(before, contents())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("run", ["r3", NAMES[0]])
def test_an_export_imports_to_the_same_rows(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, run: str
) -> None:
    brought(shortened(R3, tmp_path / "r3", None), table(tmp_path / "t.csv", [NAMES[0]]))
    out = tmp_path / f"out.{kind}"
    with owned() as owner:
        rows = run_rows(owner.store, run)
    write_rows(rows, out, kind)
    back = pl.read_csv(out) if kind == "csv" else pl.read_parquet(out)
    assert back.height == rows.height and back.columns == rows.columns
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "second"))
    (again,) = brought(out).runs
    assert (again["run"], again["points"]) == (run, rows.height)
    with owned() as owner:
        second = run_rows(owner.store, run)
    assert_frame_equal(
        second.select(list(METRIC_COLUMNS)), rows.select(list(METRIC_COLUMNS)), rel_tol=1e-12
    )
    # kl_logged is the log's own KL before conversion: an export has ours, nothing to convert.
    assert set(rows.columns) - {"kl_logged"} <= set(second.columns)


def test_an_export_of_nobody_names_who_is_there(home: Path, tmp_path: Path, opened) -> None:
    brought(table(tmp_path / "t.csv", ["one"]))
    with pytest.raises(StoreError, match=r"no run 'nobody'; there are: one"):
        run_rows(opened(), "nobody")


def broken_segment(name: str, file: str = "metrics.parquet") -> Path:
    """A segment in the inbox with one file damaged, older than every other."""
    template = spool.archived(made_home())[0]
    target = made_home() / "inbox" / name
    shutil.copytree(template, target)
    (target / file).write_bytes(b"PAR1 not parquet at all")
    return target


@pytest.mark.parametrize("file", ["metrics.parquet", "runs.parquet", "scalars.parquet"])
def test_a_damaged_segment_does_not_block_others(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], file: str
) -> None:
    brought(table(tmp_path / "a.csv", ["a"]))
    damaged = broken_segment("00000000000000000001-dead.import", file)
    (made_home() / "inbox" / "00000000000000000002-empty.import").mkdir()
    done = brought(table(tmp_path / "b.csv", ["b"]))
    assert [run["run"] for run in done.runs] == ["b"]
    assert damaged.exists(), "an acknowledged segment is never thrown away"
    errors = capfd.readouterr().err
    assert damaged.name in errors and "cannot be imported" in errors
    assert set(contents()["run_summary"]["run_id"]) == {"a", "b"}
    shutil.copy(spool.archived(made_home())[0] / file, damaged / file)  # as a disk that came back
    shutil.rmtree(made_home() / "inbox" / "00000000000000000002-empty.import")
    with owned():
        pass
    assert not spool.waiting(made_home())


def test_an_import_that_was_not_taken_in_is_not_acknowledged(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> dict:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "import_segment", full)
        with pytest.raises(StoreError, match="waits in inbox"):
            brought(table(tmp_path / "a.csv", ["a"]))
    with owned():
        pass
    assert contents()["run_summary"]["run_id"].to_list() == ["a"]


def test_a_transaction_is_whole_or_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from data.merging import merge

    brought(table(tmp_path / "a.csv", ["a"]))
    before = contents()

    def breaks(*_: object) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(merge, "refresh", breaks)
        with pytest.raises(StoreError):
            brought(table(tmp_path / "b.csv", ["a", "b"], steps=40))
    with duckdb.connect(str(made_home() / "store.duckdb"), read_only=True):
        pass
    assert_same(before, contents())


@pytest.fixture
def mixed(home: Path, tmp_path: Path) -> dict[str, pl.DataFrame]:
    """A store with samples, evaluation rows, gaps, and more rows than bins."""
    rows = 1_000
    gappy = pl.DataFrame(
        {
            "run_id": ["gappy"] * rows,
            "phase": ["eval" if i % 50 == 0 else "train" for i in range(rows)],
            "step": list(range(rows)),
            "kl": [None if i % 7 == 0 else i / 100 for i in range(rows)],
            "proxy_reward": [i / 1000 for i in range(rows)],
            "gold_reward": [(i % 13) / 10 if i % 50 == 0 else None for i in range(rows)],
            "response_length": [20.0 + i % 3 for i in range(rows)],
        }
    )
    gappy.write_csv(tmp_path / "gappy.csv")
    r6 = ROOT / "data" / "examples" / "r6_grpo_resume"
    brought(tmp_path / "gappy.csv", r6, table(tmp_path / "t.csv", ["plain"]))
    # A change afterwards: rollups must follow replaced rows too.
    gappy.with_columns(proxy_reward=pl.col("proxy_reward") * 2).write_csv(tmp_path / "gappy.csv")
    (run,) = brought(tmp_path / "gappy.csv").runs
    assert run["replaced"] == rows - 1  # the first proxy is 0
    return contents()


MEANS = ["kl", "proxy_reward", "gold_reward", "response_length", "entropy", "clipped_share"]


def test_pooled_curve_is_the_mean_of_its_rows(mixed: dict[str, pl.DataFrame]) -> None:
    expected = []
    for (run, phase), rows in mixed["metrics"].group_by("run_id", "phase"):
        rows = rows.sort("step")
        width = -(-rows.height // 256)
        for number, start in enumerate(range(0, rows.height, width)):
            part = rows[start : start + width]
            expected.append({
                "run_id": run, "phase": phase, "bin": number, "step_start": part["step"].min(),
                "step_end": part["step"].max(), "n_rows": part.height,
                **{name: part[name].mean() for name in MEANS}, "stretch": part["stretch"].min(),
            })  # fmt: skip
    frame = pl.DataFrame(expected, infer_schema_length=None).sort("run_id", "phase", "bin")
    kept = mixed["pooled_curve"]
    assert_frame_equal(kept, frame.cast(dict(kept.schema)), rel_tol=1e-9)
    assert kept.filter(run_id="gappy", phase="train").height > 200
    assert kept.filter(run_id="gappy")["n_rows"].sum() == 1_000


def test_run_summary_counts_every_row(mixed: dict[str, pl.DataFrame]) -> None:
    for kept in mixed["run_summary"].iter_rows(named=True):
        rows = mixed["metrics"].filter(run_id=kept["run_id"])
        gold = rows.drop_nulls("gold_reward")
        measured = rows.drop_nulls("kl").sort("step", "phase")
        before = measured.filter(pl.col("step") <= (gold["step"].max() or -1))
        assert kept == {
            "run_id": kept["run_id"], "points": rows.height, "gold_evaluations": gold.height,
            "samples": mixed["samples"].filter(run_id=kept["run_id"]).height, "answers": 0,
            "step_end": rows["step"].max(), "kl_end": measured["kl"][-1],
            "gold_step_end": gold["step"].max(), "gold_kl_end": before["kl"][-1],
            "kl_rows": measured.height,
        }  # fmt: skip


def test_prompt_rewards_average_the_training_responses(
    home: Path, mixed: dict[str, pl.DataFrame]
) -> None:
    brought(R3)
    rows = contents()
    expected = (
        rows["samples"]
        .filter(pl.col("phase") == "train", pl.col("prompt_id").is_not_null())
        .group_by("run_id", "step", "prompt_id")
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("gold_reward", "proxy_reward").mean(),
            pl.col("gold_reward").count().cast(pl.Int64).alias("gold_n"),
        )
        .sort("run_id", "step", "prompt_id")
    )
    assert_frame_equal(rows["prompt_rewards"], expected, rel_tol=1e-9)
    assert expected.height > 1_000


def test_curve_until_is_the_curve_that_was_drawn_then(home: Path, tmp_path: Path, opened) -> None:
    log = shortened(R3, tmp_path / "r3", 300)
    brought(log)
    store = opened()
    then = store.query("curves", runs=["r3"])
    opened.close_it()
    shutil.rmtree(log)
    brought(shortened(R3, tmp_path / "r3", None))
    now = opened().query("curve_until", run="r3", until=300)
    assert_frame_equal(now, then.cast(dict(now.schema)), rel_tol=1e-12)


RESPONSE_FILTERS = {
    "prompt": "p", "environment": "e", "proxy_from": 0.0, "proxy_to": 1.0, "gold_from": 0.0,
    "gold_to": 1.0, "apart": 1.0, "words": "w", "pattern": "p",
}  # fmt: skip
PARAMETERS: dict[str, dict[str, object]] = {
    "evaluated": {"run": "r", "until": None},
    "answer_cells": {"loops": None, "until": None},
    "answer_clusters": {"loops": None, "until": None},
    "answer_calibration": {"loops": None, "until": None},
    "answer_counts": {"loops": None, "until": None},
    "answer_counts_at": {"loops": None, "until": None, "tau": 0.7, "by_training": False},
    "answer_counts_single": {"loops": None, "until": None, "tau": 0.7, "by_training": True},
    "answer_flips": {"loops": None, "until": None},
    "answer_flips_since": {"loops": None, "until": None, "iterations": None, "compare_to": 0},
    "answer_flip_clusters": {"loops": None, "until": None},
    "answer_flip_clusters_since": {
        "loops": None,
        "until": None,
        "iterations": None,
        "compare_to": 0,
    },
    "answer_history": {"loops": None, "until": None, "question_id": "q", "origin": None},
    "behaviour_counts": {"runs": None, "until": None},
    "behaviour_runs": {},
    "answers_page": {
        "loops": None,
        "iteration": None,
        "until": None,
        "origin": None,
        "topic": None,
        "knowledge": None,
        "grade": None,
        "search": "x",
        "change": None,
        "compare_to": None,
        "rows": 10,
        "skip": 0,
    },
    "answers_unclear": {"loops": None, "until": None},
    "answer_rows": {"loops": ["r"]},
    "sample_rows": {"runs": ["r"]},
    "pattern_check": {"pattern": "a"},
    "response_steps": {"run": "r", "until": None},
    "paid_responses": {
        "run": "r",
        "phase": "train",
        "until": None,
        "one_of": 1,
        "second": None,
    },
    "response_starts": {"run": "r", "phase": "train", "last": 1},
    "response_apart": {
        "run": "r",
        "phase": "train",
        "start": 1,
        "late": 3,
        "last": 9,
        "proxy": 0.0,
        "gold": 0.0,
    },
    "response_candidates": {
        "run": "r",
        "phase": "train",
        "early": 1,
        "first": 0,
        "last": 9,
        "proxy": 0.0,
        "proxy_sd": 1.0,
        "gold": 0.0,
        "gold_sd": 1.0,
        "with_gold": True,
        "bins": 2,
        "each": 3,
        **RESPONSE_FILTERS,
    },
    "response_texts": {"run": "r", "places": [0], "longest": 9},
    "response_sample": {
        "run": "r",
        "phase": "train",
        "steps": [1],
        "first": 0,
        "last": 9,
        "one_of": 1,
        "longest": 9,
    },
    "response_firsts": {
        "run": "r",
        "phase": "train",
        "early": 1,
        "prompts": ["p"],
        "longest": 9,
    },
    "responses_page": {
        "run": "r",
        "first": 0,
        "last": 9,
        "after_step": 1,
        "after_prompt": "",
        "after_sample": 0,
        "after_phase": "",
        "proxy": 0.0,
        "proxy_sd": 1.0,
        "gold": 0.0,
        "gold_sd": 1.0,
        "rows": 3,
        **RESPONSE_FILTERS,
    },
    "response_one": {
        "run": "r",
        "phase": "train",
        "step": 1,
        "prompt": "p",
        "sample": 0,
        "longest": 9,
    },
    "shortcut_extent": {"run": "r", "until": None, "longest": 9},
    "shortcut_responses": {
        "run": "r",
        "phase": "train",
        "until": None,
        "longest": 9,
        "parts": 10,
        "prompts": 10,
        "groups": 10,
        "rows": 10,
    },
    "response_draws": {"run": "r", "prompt": "p", "until": None, "rows": 9},
    "claims": {"run": "r", "iteration": None},
    "confidence_kinds": {"loops": None},
    "corpus": {"loops": None, "until": None},
    "decisions": {"loops": None, "until": None},
    "generations": {"loops": ["r"], "until": None, "iterations": None},
    "gold_uses": {"run": "r", "until": None},
    "embeddings": {"loops": ["r"], "iterations": None},
    "indicators": {"loops": None},
    "iterations": {"loops": None, "until": None},
    "loops": {},
    "notes": {"runs": None, "pin": None},
    "note_edits": {"note": "n"},
    "closed_reviews": {},
    "segments_since": {"since": "0"},
    "pins": {},
    "pin": {"pin": "p"},
    "outcomes": {"loops": None, "until": None},
    "reference_texts": {"loops": None},
    "reviews": {"loops": None, "until": None},
    "fact_rates": {"run": "r", "until": None},
    "fact_runs": {},
    "graders": {"loops": None},
    "text_iterations": {"loops": None},
    "training_texts": {"loops": ["r"]},
    "asked_questions": {"loops": ["r"]},
    "gate_answers": {"loops": ["r"], "until": None},
    "training_answers": {"loops": ["r"], "until": None},
    "anchors": {"run": "r", "until": 5},
    "audits": {"loops": None, "until": None},
    "sample_clusters": {"loops": None, "until": None},
    "sample_counts": {"loops": None, "until": None},
    "base_spread": {"runs": ["r"]},
    "constants": {"runs": ["r"]},
    "components": {"run": "r", "keys": ["a"], "until": None},
    "disagreement": {"run": "r", "keys": ["a", "b"], "until": 5},
    "member_keys": {"run": "r"},
    "scalar_keys": {"run": "r"},
    "counts": {},
    "curve_until": {"run": "r", "until": 5},
    "curves": {"runs": None},
    "gaps": {"runs": None},
    "gold": {"run": "r", "until": None},
    "gold_sources": {"runs": ["r"]},
    "kept_texts": {"loops": ["r"], "until": None},
    "metrics": {"runs": ["r"], "until": None},
    "project_keys": {"project": "p"},
    "project_roles": {},
    "pool": {"run": "r", "keys": ["proxy_2"]},
    "pool_keys": {"run": "r"},
    "pools": {},
    "prompts": {"run": "r", "until": None},
    "responses": {"run": "r", "first": 0, "last": 9},
    "runs": {"project": None, "runs": None},
    "seals": {"project": None},
    "sealed_gold": {"loops": ["r"], "until": None},
    "sealed_sources": {"runs": None},
    "scalars": {"run": "r"},
    "scored": {"run": "r", "until": 5},
    "skips": {},
    "sample_kl": {"run": "r", "until": None},
    "run_starts": {"runs": ["r"]},
    "same_log": {"before": "r", "now": "r"},
    "further_kl": {"run": "r", "until": 5},
    "trajectory": {"run": "r", "until": 5},
    "verdicts": {"runs": None, "until": -1, "source": "", "method": "m"},
}
IN_A_MERGE = ("same_rows", "parted_at", "kl_pairs")
QUERIES = sorted(path.stem for path in (ROOT / "data" / "queries").glob("*.sql"))


@pytest.fixture(scope="module")
def of_two_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store that every query is asked of."""
    folder = tmp_path_factory.mktemp("queries")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(folder / "home"))
        brought(table(folder / "t.csv", ["r", NAMES[1]]))
        opening = owned()
    with opening as owner:
        yield owner.store


@pytest.mark.parametrize("name", [name for name in QUERIES if name not in IN_A_MERGE])
def test_query_runs_with_bound_parameters(of_two_runs: Store, name: str) -> None:
    store = of_two_runs
    params = PARAMETERS[name]
    frame = store.query(name, **params)
    assert frame.width >= 1
    text = (ROOT / "data" / "queries" / f"{name}.sql").read_text()
    assert all(f"${key}" in text for key in params)
    for key, hostile in (("run", NAMES[1]), ("runs", [NAMES[1]])):
        if key in params:
            store.query(name, **(params | {key: hostile}))
    assert store.query("runs", project=None, runs=None).height == 2


def test_every_query_is_asked_somewhere() -> None:
    code = [
        path.read_text()
        for room in ("data", "analytics", "pages")
        for path in (ROOT / room).rglob("*.py")
    ]
    code.append((ROOT / "app.py").read_text())
    unasked = [name for name in QUERIES if not any(f'"{name}"' in text for text in code)]
    assert not unasked


def test_a_store_closes_while_others_ask(home: Path) -> None:
    """DuckDB refuses to close a connection at the moment at which another thread asks it."""
    home.mkdir()
    for _ in range(6):
        store, began, over = Store(home), threading.Event(), threading.Event()

        def ask(
            store: Store = store, began: threading.Event = began, over: threading.Event = over
        ) -> None:
            with suppress(duckdb.Error):  # closed
                while not over.is_set():
                    store.query("runs", project=None, runs=None)
                    began.set()

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        assert began.wait(60)
        try:
            store.close()
        finally:
            over.set()
            for thread in asking:
                thread.join(60)
        Store(home).close()  # given up in fact


def test_an_unknown_query_is_refused(opened) -> None:
    store = opened()
    for name in ("nothing", "../schema", "runs;drop"):
        with pytest.raises(StoreError, match="no query named"):
            store.query(name)


def turned_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's clock goes back by an hour, for us and whoever asks it from here on."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() - 3_600 * 10**9)


def rebuilt() -> set[str]:
    """The runs of the store made anew from its archive."""
    (made_home() / "store.duckdb").unlink()
    with owned():
        pass
    return set(contents()["run_summary"]["run_id"])


def test_a_clock_set_back_does_not_change_the_order(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = table(tmp_path / "a.csv", ["a"])
    brought(log)
    spool.write_forget(home, ["a"])
    with owned():
        pass
    turned_back(monkeypatch)
    brought(log)
    assert rebuilt() == {"a"}


def test_the_order_of_the_inbox_is_that_of_its_commits(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = table(tmp_path / "a.csv", ["a"])
    brought(log)
    spool.write_forget(home, ["a"])
    turned_back(monkeypatch)
    (home / "commit.lock").unlink()  # as a program left it that knew no such order
    spool_paths(home, [log], ReadOptions())
    with owned():
        pass
    assert set(contents()["run_summary"]["run_id"]) == {"a"} == rebuilt()


def test_what_was_refused_and_comes_in_late_is_late_in_a_rebuild_too(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> dict:
        raise OSError(28, "No space left on device")

    log = table(tmp_path / "a.csv", ["a"])
    brought(log)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "import_segment", full)
        with pytest.raises(StoreError, match="waits in inbox"):
            brought(table(tmp_path / "b.csv", ["b"]))
    (waits,) = spool.waiting(home)
    aside = waits.rename(home / waits.name)
    spool.write_forget(home, ["b"])
    with owned():
        pass
    aside.rename(waits)
    with owned() as owner:
        assert owner.store.results([waits.name])[0]["runs"][0]["run"] == "b"
    assert not spool.waiting(home)
    assert set(contents()["run_summary"]["run_id"]) == {"a", "b"} == rebuilt()


def test_commits_at_the_same_time_have_names_of_their_own(home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda n: spool.write_forget(home, [str(n)]), range(40)))
    assert len({name[:20] for name in names}) == 40
    assert {segment.name for segment in spool.waiting(home)} == set(names)
