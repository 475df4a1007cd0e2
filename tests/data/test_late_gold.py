"""Gold from another file, another day: joins its run, and stays a source of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data.columns import ReadOptions
from data.importing import import_paths
from data.remote import StoreAccess

ROOT = Path(__file__).resolve().parents[2]
R3 = ROOT / "data" / "examples" / "r3_grpo_bigrm"


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Path:
    home.mkdir()
    import_paths(home, [R3], ReadOptions())
    return tmp_path


def table(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def gold(home: Path) -> dict[str, list]:
    with StoreAccess(home) as store:
        frame = store.query("gold", run="r3_grpo_bigrm", until=None)
    return {
        source: part["gold_reward"].to_list()
        for (source,), part in frame.group_by("source", maintain_order=True)
    }


def test_late_gold_joins_the_run_beside_the_logged_one(home: Path, run: Path) -> None:
    before = gold(home)["training"]
    rows = "".join(f"r3_grpo_bigrm,{step},{step / 100},50\n" for step in range(40, 401, 40))
    humans = table(run, "humans.csv", "run_id,step,gold_reward,n_responses\n" + rows)
    done = import_paths(home, [humans], ReadOptions())
    assert [(r["run"], r["points"], r["gold_evaluations"]) for r in done.runs] == [
        ("r3_grpo_bigrm", 0, 10)
    ]
    after = gold(home)
    assert after["training"] == before  # not written over
    assert after["humans"] == [step / 100 for step in range(40, 401, 40)]
    again = import_paths(home, [humans], ReadOptions())
    assert again.runs[0]["gold_evaluations"] == 0
    with StoreAccess(home) as store:
        summary = store.query("runs", project=None, runs=None).row(0, named=True)
        assert (summary["gold_evaluations"], summary["format"]) == (210, "trl")


def test_several_sources_stay_apart_by_their_column(home: Path, run: Path) -> None:
    rows = ["run_id,step,gold_reward,gold_source"]
    for step in (100, 200, 300):
        rows += [f"r3_grpo_bigrm,{step},0.{step},judge", f"r3_grpo_bigrm,{step},0.9,verifier"]
    import_paths(home, [table(run, "gold.csv", "\n".join(rows))], ReadOptions())
    found = gold(home)
    assert (found["judge"], found["verifier"]) == ([0.1, 0.2, 0.3], [0.9, 0.9, 0.9])


def test_a_verdict_goes_by_the_chosen_source_and_names_it(home: Path, run: Path) -> None:
    steps = range(20, 401, 20)
    rows = "".join(f"r3_grpo_bigrm,{s},{0.5 + s / 1000 if s < 200 else 0.9 - s / 1000},400\n"
                   for s in steps)  # fmt: skip
    late = table(run, "human_win_rate.csv", "run_id,step,gold_reward,n_responses\n" + rows)
    import_paths(home, [late], ReadOptions(gold_kind="win_rate"))

    def verdict(*more: str) -> dict:
        told = subprocess.run(
            [sys.executable, "-m", "analytics", "verdict", "--json", *more],
            cwd=ROOT, env={"OVEROPT_HOME": str(home)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(told.stdout)[0]

    assert verdict()["gold_source"] == "training"
    chosen = verdict("--gold", "human_win_rate")
    assert chosen["gold_source"] == "human_win_rate"
    assert chosen["status"] == "overoptimized"
    assert "binomial" in chosen["noise"]
    assert chosen["axis"] == "kl"  # the KL of its steps comes from the training log


def test_forgetting_a_run_forgets_its_late_gold(home: Path, run: Path) -> None:
    late = table(run, "late.csv", "run_id,step,gold_reward\nr3_grpo_bigrm,2,1\n")
    import_paths(home, [late], ReadOptions())
    subprocess.run(
        [sys.executable, "-m", "data", "forget", "r3_grpo_bigrm"],
        cwd=ROOT, env={"OVEROPT_HOME": str(home)}, capture_output=True, check=True,
    )  # fmt: skip
    with StoreAccess(home) as store:
        assert store.query("gold_sources", runs=["r3_grpo_bigrm"]).height == 0
