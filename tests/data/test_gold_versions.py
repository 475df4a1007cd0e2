"""Who judged gold: a column where logged, from settings where stated, and as far as a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from analytics.kept_verdicts.verdicts import judge
from data import gold_df
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.outgoing.exporting import run_rows
from data.readers.meaning.gold_versions import of_log
from data.remote import StoreAccess

LOGGED = {
    "version": ("gold_version", ["v1", "v2"], ["v1", "v2"]),
    "numbers": ("gold_version", ["1", "2"], ["1", "2"]),
    "judge": ("judge_model", ["a-1", "b-2"], ["a-1", "b-2"]),
    "together": ("judge_model,rubric_version", ["a,3", "a,4"], ["a / 3", "a / 4"]),
    "missing": ("gold_version", ["v1", " "], ["v1", None]),
    "the one that says all": ("prompt_set,gold_version", ["p,v1", "q,v1"], ["v1", "v1"]),
}


def versions(home: Path) -> list[list[str | None]]:
    with StoreAccess(home) as store:
        gold = store.query("gold", run="r", until=None)["gold_version"].to_list()
        rows = store.query("metrics", runs=["r"], until=None)["gold_version"].to_list()
        assert run_rows(store, "r")["gold_version"].to_list() == rows
        return [gold, rows]


@pytest.mark.parametrize("logged", LOGGED)
def test_a_table_says_who_judged(home: Path, tmp_path: Path, logged: str) -> None:
    names, values, expected = LOGGED[logged]
    file = tmp_path / "t.csv"
    rows = "".join(f"r,{i},1,{i},0.5,{value}\n" for i, value in enumerate(values, 1))
    file.write_text(f"run_id,step,kl,proxy_reward,gold_reward,{names}\n{rows}")
    done = import_paths(home, [file], ReadOptions())
    assert not done.skipped
    assert versions(home) == [expected, expected]


def test_gold_of_another_day_brings_its_own_version(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run_id,step,kl,proxy_reward\nr,1,1,1\nr,2,2,2\n")
    text = "run_id,step,gold_reward,gold_version\nr,1,0.5,h1\nr,2,0.4,h2\n"
    (tmp_path / "humans.csv").write_text(text)
    import_paths(home, [tmp_path / "a.csv"], ReadOptions())
    import_paths(home, [tmp_path / "humans.csv"], ReadOptions())
    assert versions(home) == [["h1", "h2"], [None, None]]
    assert gold_df(tmp_path / "humans.csv")["gold_version"].to_list() == ["h1", "h2"]


def test_a_trainers_settings_say_who_judged(home: Path, tmp_path: Path) -> None:
    history = [
        {"step": step, "kl": 0.1, "reward": 1.0, "rewards/rm/mean": 1.0, "rewards/gold/mean": 0.5,
         "completions/mean_length": 20.0}
        for step in (1, 2)
    ]  # fmt: skip
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    (folder / "training_args.json").write_text(json.dumps({"judge_model": "j-7"}))
    assert not import_paths(home, [folder], ReadOptions()).skipped
    assert versions(home) == [["j-7", "j-7"], ["j-7", "j-7"]]


def test_a_version_that_a_trainer_logs_as_a_number_goes_before_its_settings() -> None:
    log = pl.DataFrame({"gold_version": [1.0, None, 2.5], "kl": [1.0, 2.0, 3.0]})
    assert of_log(log, {"gold_version": "set"}).to_list() == ["1", "set", "2.5"]
    assert of_log(log.drop("gold_version"), {}).to_list() == [None] * 3


def test_a_verdict_never_compares_evaluations_of_two_judges(home: Path, tmp_path: Path) -> None:
    """The same numbers are a fall where one judge gave them, and none where the second is lower."""
    flags = {}
    for name in ("one", "two"):
        lines = "".join(
            f"{name},{10 * i},{i},{i},{1 - (i >= 10) * 0.5},0.05,{name if i < 10 else 'two'}\n"
            for i in range(20)
        )
        head = "run_id,step,kl,proxy_reward,gold_reward,gold_reward_se,gold_version\n"
        (tmp_path / f"{name}.csv").write_text(head + lines)
        import_paths(home, [tmp_path / f"{name}.csv"], ReadOptions())
        with StoreAccess(home) as store:
            run = store.query("runs", project=None, runs=[name]).row(0, named=True)
            row = judge(store.query, run).row
            flags[name] = row["status"], "judge_changed" in row["flags"]
    assert flags == {"one": ("no_onset", True), "two": ("overoptimized", False)}
