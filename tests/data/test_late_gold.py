"""Gold from another file, another day: joins its run, and stays a source of its own."""

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest

import analytics.__main__
import data.__main__
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess

ROOT = Path(__file__).resolve().parents[2]
R3 = ROOT / "data" / "examples" / "r3_grpo_bigrm"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the run as it was logged; copied before gold comes late."""
    home = tmp_path_factory.mktemp("logged")
    import_paths(home, [R3], ReadOptions())
    return home


@pytest.fixture
def run(logged: Path, home: Path, tmp_path: Path) -> Path:
    shutil.copytree(logged, home)
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


def rows_of(home: Path, run: str) -> list[tuple]:
    with StoreAccess(home) as store:
        frame = store.query("metrics", runs=[run], until=None)
    return frame.select("step", "kl", "proxy_reward", "gold_reward", "n_responses").rows()


@pytest.mark.parametrize("turned", [False, True])
def test_gold_named_by_its_source_takes_nothing_from_its_step(
    home: Path, tmp_path: Path, turned: bool
) -> None:
    """The KL of a step may stand on another line than its gold, before or after it."""
    home.mkdir()
    rows = [
        {"step": 1, "kl": 0.5, "proxy_reward": 1.0, "n_responses": 8},
        {"step": 1, "gold_reward": 0.25, "gold_source": "judge", "n_responses": 50},
        {"step": 1, "gold_reward": 0.75, "gold_source": "humans"},
        {"step": 2, "kl": 1.5, "proxy_reward": 2.0, "gold_reward": 0.5, "gold_source": "judge"},
        {"step": 3, "kl": 2.5, "proxy_reward": 3.0, "gold_reward": 0.125},
        {"step": 3, "gold_reward": 0.5, "gold_source": "judge"},
    ]
    lines = [json.dumps(row) + "\n" for row in (rows[::-1] if turned else rows)]
    import_paths(home, [table(tmp_path, "r.jsonl", "".join(lines))], ReadOptions())
    assert rows_of(home, "r") == [
        (1, 0.5, 1.0, None, 8), (2, 1.5, 2.0, None, None), (3, 2.5, 3.0, 0.125, None),
    ]  # fmt: skip
    with StoreAccess(home) as store:
        gold = store.query("gold", run="r", until=None).filter(source="judge")
        facts = json.loads(store.query("runs", project=None, runs=None)["facts"][0])
    assert gold.select("step", "gold_reward", "n_responses").rows() == [
        (1, 0.25, 50), (2, 0.5, None), (3, 0.5, None),
    ]  # fmt: skip
    assert facts["steps_replaced"] == 0


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_lines_of_one_step_are_one_row_and_the_later_value_wins(
    home: Path, tmp_path: Path, kind: str
) -> None:
    home.mkdir()
    rows = [
        (1, 0.5, None, None), (1, None, 1.0, None), (1, None, None, 0.25),  # told on three lines
        (2, 1.5, 2.0, 0.5), (2, 1.25, 2.5, None),  # logged twice; gold was not measured again
        (3, 2.5, 3.0, None),
    ]  # fmt: skip
    names = ("step", "kl", "proxy_reward", "gold_reward")
    text = ",".join(names) + "\n"
    text += "".join(",".join("" if v is None else str(v) for v in row) + "\n" for row in rows)
    if kind == "jsonl":
        cells = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in rows]
        text = "".join(json.dumps(row) + "\n" for row in cells)
    import_paths(home, [table(tmp_path, f"r.{kind}", text)], ReadOptions())
    assert rows_of(home, "r") == [
        (1, 0.5, 1.0, 0.25, None), (2, 1.25, 2.5, 0.5, None), (3, 2.5, 3.0, None, None),
    ]  # fmt: skip
    with StoreAccess(home) as store:
        facts = json.loads(store.query("runs", project=None, runs=None)["facts"][0])
    assert facts["steps_replaced"] == 1


def test_a_verdict_goes_by_the_chosen_source_and_names_it(home: Path, run: Path) -> None:
    steps = range(20, 401, 20)
    rows = "".join(f"r3_grpo_bigrm,{s},{0.5 + s / 1000 if s < 200 else 0.9 - s / 1000},400\n"
                   for s in steps)  # fmt: skip
    late = table(run, "human_win_rate.csv", "run_id,step,gold_reward,n_responses\n" + rows)
    import_paths(home, [late], ReadOptions(gold_kind="win_rate"))

    def verdict(*more: str) -> dict:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert analytics.__main__.main(["verdict", "--json", *more]) == 0
        return json.loads(printed.getvalue())[0]

    assert verdict()["gold_source"] == "training"
    chosen = verdict("--gold", "human_win_rate")
    assert chosen["gold_source"] == "human_win_rate"
    assert chosen["status"] == "overoptimized"
    assert "binomial" in chosen["noise"]
    assert chosen["axis"] == "kl"  # the KL of its steps comes from the training log


def test_forgetting_a_run_forgets_its_late_gold(home: Path, run: Path) -> None:
    late = table(run, "late.csv", "run_id,step,gold_reward\nr3_grpo_bigrm,2,1\n")
    import_paths(home, [late], ReadOptions())
    assert data.__main__.main(["forget", "r3_grpo_bigrm"]) == 0
    with StoreAccess(home) as store:
        assert store.query("gold_sources", runs=["r3_grpo_bigrm"]).height == 0
