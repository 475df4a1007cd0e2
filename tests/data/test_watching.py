"""Following logs while they grow: new rows, new runs, rotation, half-written ends, restart."""

import json
import shutil
from pathlib import Path

import pytest

from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.incoming.watching import Watch
from data.remote import StoreAccess

ROOT = Path(__file__).resolve().parents[2]
R3 = ROOT / "data" / "examples" / "r3_grpo_bigrm"


@pytest.fixture
def logs(home: Path, tmp_path: Path) -> Path:
    home.mkdir()
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def steps(home: Path, run: str) -> list[int]:
    with StoreAccess(home) as store:
        return store.query("metrics", runs=[run], until=None)["step"].to_list()


def line(step: int) -> str:
    return json.dumps({"step": step, "kl": step / 10, "proxy_reward": 1.0 * step}) + "\n"


def watch(home: Path, folder: Path) -> Watch:
    return Watch(home, [folder], ReadOptions())


def test_a_grown_file_gives_its_new_rows_alone(home: Path, logs: Path) -> None:
    file = logs / "live.jsonl"
    file.write_text(line(1) + line(2))
    seen = watch(home, logs)
    seen.tick()
    assert steps(home, "live") == [1, 2]
    assert seen.tick().segments == []
    with file.open("a") as log:
        log.write(line(3) + line(4)[:9])
    done = seen.tick()
    with StoreAccess(home) as store:
        assert store.results(done.segments)[0]["runs"][0]["points"] == 1  # read alone, not again
    assert steps(home, "live") == [1, 2, 3]
    with file.open("a") as log:
        log.write(line(4)[9:])
    seen.tick()
    assert steps(home, "live") == [1, 2, 3, 4]


def test_a_truncated_or_rotated_file_starts_again(home: Path, logs: Path) -> None:
    file = logs / "live.jsonl"
    file.write_text(line(1) + line(2) + line(3))
    seen = watch(home, logs)
    seen.tick()
    file.write_text(line(4))  # as verl does at a resume
    seen.tick()
    assert steps(home, "live") == [1, 2, 3, 4]
    file.rename(logs / "live.1")
    file.write_text(line(5) + line(6) + line(7) + line(8))
    seen.tick()
    assert steps(home, "live") == list(range(1, 9))


def test_new_runs_and_folders_are_found(home: Path, logs: Path) -> None:
    seen = watch(home, logs)
    assert seen.tick().segments == []
    shutil.copytree(R3, logs / "deep" / "r3_grpo_bigrm", ignore=shutil.ignore_patterns("comp*"))
    seen.tick()
    assert len(steps(home, "r3_grpo_bigrm")) == 200


def test_of_completions_only_new_files_are_read(home: Path, logs: Path) -> None:
    run = logs / "r3_grpo_bigrm"
    shutil.copytree(R3, run, ignore=shutil.ignore_patterns("*0040*", "checkpoint*"))
    seen = watch(home, logs)
    seen.tick()
    name = "completions/completions_00400.parquet"
    shutil.copy(R3 / name, run / name)
    done = seen.tick()
    with StoreAccess(home) as store:
        runs = store.results(done.segments)[0]["runs"]
        assert [(run["samples"], run["points"]) for run in runs] == [(48, 0)]


def test_after_a_restart_nothing_is_counted_twice(home: Path, logs: Path) -> None:
    shutil.copytree(R3, logs / "r3_grpo_bigrm", ignore=shutil.ignore_patterns("comp*"))
    watch(home, logs).tick()
    with StoreAccess(home) as store:
        before = store.generation
    done = watch(home, logs).tick()
    assert done.segments
    with StoreAccess(home) as store:
        store.drain()
        assert store.generation == before


def test_growing_step_by_step_ends_like_a_fresh_import(home: Path, logs: Path, tmp_path) -> None:
    state = json.loads((R3 / "trainer_state.json").read_text())
    run = logs / "r3_grpo_bigrm"
    run.mkdir()
    seen = watch(home, logs)
    for last in (50, 120, 121, 400):
        rows = [row for row in state["log_history"] if row["step"] <= last]
        (run / "trainer_state.json").write_text(json.dumps(state | {"log_history": rows}))
        seen.tick()
    with StoreAccess(home) as store:
        grown = store.query("metrics", runs=["r3_grpo_bigrm"], until=None)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    import_paths(fresh, [run], ReadOptions())
    with StoreAccess(fresh) as store:
        assert store.query("metrics", runs=["r3_grpo_bigrm"], until=None).equals(grown)


def test_a_broken_log_is_named_and_the_rest_goes_on(home: Path, logs: Path) -> None:
    bad, good = logs / "bad", logs / "good.jsonl"
    bad.mkdir()
    (bad / "trainer_state.json").write_text('{"log_history": [')
    good.write_text(line(1))
    done = watch(home, logs).tick()
    assert [Path(skip.path).parent.name for skip in done.skipped] == ["bad"]
    assert steps(home, "good") == [1]


def whole(home: Path, run: str) -> dict[str, object]:
    with StoreAccess(home) as store:
        facts = json.loads(store.query("runs", project=None, runs=[run])["facts"][0])
        return {
            "metrics": store.query("metrics", runs=[run], until=None).to_dicts(),
            "responses": store.query("responses", run=run, first=0, last=10**9).to_dicts(),
            "scalars": store.query("scalars", run=run).to_dicts(),
            "gold": store.query("gold", run=run, until=None).to_dicts(),
            "kl": (facts["kl_conversion"], facts["kl_note"], facts["gold_key"]),
        }


@pytest.mark.parametrize(
    "rows",
    [
        [{"kl": i / 7, "proxy_reward": i / 3} for i in range(9)],  # numbered by their place
        [{"step": i, "kl": 0.0, "proxy_reward": i / 3} for i in range(9)],  # never measured
        [{"step": i, "kl": 0.1 * i, "proxy_reward": 1.0, "proxy_version": f"v{i // 4}"}
         for i in range(9)],
        [{"step": i // 3, "prompt": "p", "completion": f"c{i}", "proxy_reward": 0.5, "gold": 0.25}
         for i in range(9)],
        [{"step": i, "kl": 0.1 * i, "proxy_reward": 1.0, "new_key": 2.0 if i > 5 else None,
          **({"gold_reward": 0.5} if i % 4 == 3 else {})} for i in range(9)],
        [{"step": i, **({"gold_reward": 0.5} if i % 3 == 2 else {"kl": 0.1 * i, "proxy": 1.0})}
         for i in range(9)],
    ],
    ids=["no step", "no kl", "versions", "responses", "sparse gold", "gold on lines of its own"],
)  # fmt: skip
def test_lines_that_mean_nothing_alone_are_read_with_the_others(
    home: Path, logs: Path, tmp_path: Path, rows: list[dict[str, object]]
) -> None:
    file = logs / "live.jsonl"
    seen = watch(home, logs)
    for end in (4, 5, 7, 9):
        file.write_text("".join(json.dumps(row) + "\n" for row in rows[:end]))
        seen.tick()
        with StoreAccess(home) as store:
            store.drain()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    import_paths(fresh, [file], ReadOptions())
    assert whole(home, "live") == whole(fresh, "live")
