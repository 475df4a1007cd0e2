"""Tables of settings: what a trainer does not log of its reward model, joined by run."""

import json
import shutil
from pathlib import Path

import pytest

from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.owner import Owner
from data.readers import read

R2 = Path(__file__).resolve().parents[2] / "data" / "examples" / "r2_grpo_highkl"


def config_of(home: Path, run: str) -> dict[str, object]:
    owner = Owner(home)
    try:
        rows = owner.store.query("runs", project=None, runs=[run])
        assert rows.height == 1
        return json.loads(rows["facts"][0])["config"] | {"points": rows["points"][0]}
    finally:
        owner.close()


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def log_of_r2(tmp_path: Path) -> Path:
    folder = tmp_path / "logs" / "r2_grpo_highkl"
    folder.mkdir(parents=True)
    shutil.copy(R2 / "trainer_state.json", folder)
    shutil.copytree(R2 / "tb", folder / "tb")
    return folder


SIZES = "run_id,reward_model_parameters,comparisons,note\nr2_grpo_highkl,1954,3000,small\n"


@pytest.mark.parametrize("first", ["log", "sizes"])
def test_settings_join_their_run_in_either_order(home: Path, tmp_path: Path, first: str) -> None:
    log, sizes = log_of_r2(tmp_path), table(tmp_path / "sizes.csv", SIZES)
    for path in (log, sizes) if first == "log" else (sizes, log):
        done = import_paths(home, [path], ReadOptions())
        assert not done.skipped and [run["run"] for run in done.runs] == ["r2_grpo_highkl"]
    config = config_of(home, "r2_grpo_highkl")
    assert config["reward_model_parameters"] == 1954 and config["comparisons"] == 3000
    assert config["note"] == "small"
    assert config["beta"] == 0.5 and config["points"] == 200


def test_a_corrected_table_corrects(home: Path, tmp_path: Path) -> None:
    sizes = table(tmp_path / "sizes.csv", SIZES)
    import_paths(home, [log_of_r2(tmp_path), sizes], ReadOptions())
    table(sizes, SIZES.replace("1954", "1955"))
    import_paths(home, [sizes], ReadOptions())
    assert config_of(home, "r2_grpo_highkl")["reward_model_parameters"] == 1955


def test_cells_that_say_nothing_are_not_settings(tmp_path: Path) -> None:
    sizes = table(tmp_path / "s.csv", "run_id,size,seed\na,,1\nb,nan,2\nc,7,x\n")
    logs = {log.run: log for log in read([sizes], ReadOptions())}
    assert {run: log.facts.config for run, log in logs.items()} == {
        "a": {"seed": 1}, "b": {"seed": 2}, "c": {"size": 7},
    }  # fmt: skip
    assert "'x' is not a number" in logs["c"].warnings[0] and not logs["a"].warnings


def test_a_table_that_names_a_run_twice_is_no_table_of_settings(tmp_path: Path) -> None:
    twice = table(tmp_path / "t.csv", "run_id,size\na,1\na,2\n")
    (skip,) = read([twice], ReadOptions())
    assert "has no column proxy_reward, gold_reward or kl" in skip.reason
