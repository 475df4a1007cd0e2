"""Bad input: one clear sentence each, the rest goes on; discovery and naming of runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from pathlib import Path

import pytest

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.readers import READERS, read
from data.readers.raw.tfrecord import masked_crc32c
from tests.data.event_writer import block, event, record, simple

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
LOGS = Path(__file__).resolve().parent / "logs"
R9 = LOGS / "r9_ppo_trl1.9"
PLAIN = "step,kl,proxy_reward,gold_reward\n1,0.5,1.5,0.25\n"


def sorted_out(*paths: Path, **options: object) -> tuple[list[RunLog], list[Skip]]:
    items = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    runs = [item for item in items if isinstance(item, RunLog)]
    return runs, [item for item in items if isinstance(item, Skip)]


def test_crc_is_tensorflows() -> None:
    assert masked_crc32c(b"123456789") == (
        ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    )


@pytest.mark.parametrize("many", [200, pytest.param(1000, marks=pytest.mark.long)])
def test_a_thousand_files_with_three_broken(tmp_path: Path, many: int) -> None:
    for i in range(many):
        (tmp_path / f"run{i:04d}.csv").write_text(PLAIN)
    (tmp_path / "run0007.csv").write_bytes(os.urandom(200))
    (tmp_path / "run0100.csv").write_text("")
    (tmp_path / "run0199.csv").write_text("step,loss\n1,2\n")
    (tmp_path / "README.md").write_text("no log")
    (tmp_path / "training_args.bin").write_bytes(b"\x80\x04pickle")
    runs, skipped = sorted_out(tmp_path)
    assert len(runs) == many - 3
    assert sorted(Path(s.path).name for s in skipped) == [
        "run0007.csv", "run0100.csv", "run0199.csv",
    ]  # fmt: skip
    with pytest.raises(LogError, match="run0007"):
        list(read([tmp_path], ReadOptions(strict=True)))


BROKEN: dict[str, bytes] = {
    "trainer_state.json": b"[" * 200_000,
    "a/trainer_state.json": b'{"log_history": 3}',
    "b/trainer_state.json": b'{"log_history": [{"step": "x"}, 3, {"step": 1e300, "kl": 1}]}',
    "c/trainer_state.json": b"\xff\xfe\x00",
    "d/trainer_state.json": b"",
    "events.out.tfevents.1": b"\x00" * 100,
    "e/events.out.tfevents.2": b"",
    "f/events.out.tfevents.3": b"\xff" * 40,
    "completions/completions_00001.parquet": b"PAR1PAR1",
    "g.parquet": b"",
    "h.csv": b"",
    "i.jsonl": b"{}",
    "j.csv.gz": b"\x1f\x8b\x08\x00garbage",
    "k.csv": b"step,proxy,gold\n",
    "l.csv": b"step,step\n1,2\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("named", [True, False])
def test_broken_file_is_one_skip(tmp_path: Path, name: str, named: bool) -> None:
    path = tmp_path / "logs" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(BROKEN[name])
    runs, skipped = sorted_out(path if named else tmp_path)
    assert runs == []
    assert len(skipped) == 1
    assert len(skipped[0].reason) < 400
    assert "\n" not in skipped[0].reason
    assert "Traceback" not in skipped[0].reason


def test_paths_that_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.csv").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    names = ["missing", "empty", "x.csv", "notes.txt", "pipe.csv", "gone.csv"]
    runs, skipped = sorted_out(*(tmp_path / name for name in names))
    assert runs == []
    reasons = {Path(skip.path).name: skip.reason for skip in skipped}
    assert set(reasons) == set(names)
    assert "cannot be opened" in reasons["missing"]
    for name in ("empty", "x.csv", "notes.txt"):
        assert all(reader.expects in reasons[name] for reader in READERS)


def test_tables_of_other_things_count_only_when_named(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"question": "a", "difficulty": 2}\n')
    (tmp_path / "run.csv").write_text(PLAIN)
    runs, skipped = sorted_out(tmp_path)
    assert ([run.run for run in runs], skipped) == (["run"], [])
    _, skipped = sorted_out(tmp_path, tmp_path / "prompts.jsonl")
    assert [Path(skip.path).name for skip in skipped] == ["prompts.jsonl"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    run = tmp_path / "logs" / "r9"
    shutil.copytree(R9, run)
    (run / "tb" / "loop").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "latest-run").symlink_to(run)
    (tmp_path / "logs" / "latest.json").symlink_to(run / "trainer_state.json")
    runs, skipped = sorted_out(tmp_path, tmp_path / "logs" / "latest-run")
    assert ([run.run for run in runs], skipped) == (["r9"], [])


def test_names_do_not_depend_on_where_the_import_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "project" / "r9"
    (run / "runs").mkdir(parents=True)
    shutil.copytree(R9 / "tb", run / "runs" / "Nov23_11-13-00_vm")
    starts = [tmp_path, run, run / "runs", run / "runs" / "Nov23_11-13-00_vm"]
    assert {sorted_out(start)[0][0].run for start in starts} == {"r9"}
    monkeypatch.chdir(run / "runs")
    (here,), _ = sorted_out(Path("."))
    assert (here.run, here.parent) == ("r9", "project")


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "'; drop table runs;--", "ü ½"])
def test_folder_names_pass_verbatim(tmp_path: Path, name: str) -> None:
    shutil.copytree(R9, tmp_path / name)
    (run,), _ = sorted_out(tmp_path)
    assert run.run == name
    assert run.metrics.get_column("run_id").unique().to_list() == [name]


def test_run_option_names_one_run(tmp_path: Path) -> None:
    (run,), skipped = sorted_out(R9, run="mine")
    assert (run.run, run.verbatim, skipped) == ("mine", True, [])
    assert run.metrics.get_column("run_id").unique().to_list() == ["mine"]
    runs, (skip,) = sorted_out(LOGS, run="mine")
    assert runs == []
    assert "were found" in skip.reason


def test_a_broken_store_costs_only_itself(tmp_path: Path) -> None:
    run = tmp_path / "r9"
    shutil.copytree(R9, run)
    (run / "trainer_state.json").write_text('{"log_history": [')
    (read_run,), (skip,) = sorted_out(run)
    assert skip.path.endswith("trainer_state.json")
    assert (read_run.metrics.height, read_run.format) == (50, "tensorboard")


def test_truncated_event_file_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    (source,) = (R9 / "tb").iterdir()
    whole = source.read_bytes()
    path = tmp_path / source.name
    seen = []
    for size in (len(whole), len(whole) - 1, len(whole) // 2, 8000):
        path.write_bytes(whole[:size])
        (run,), _ = sorted_out(path)
        seen.append(run.metrics.height)
        partial = any("partial record" in warning for warning in run.warnings)
        assert partial == (size < len(whole))
    assert seen[0] == 50
    assert seen == sorted(seen, reverse=True)


def test_damaged_records_are_left_out(tmp_path: Path) -> None:
    good = b"".join(record(event(s, "kl", simple(s))) for s in range(20))
    good += b"".join(record(event(s, "proxy_reward", simple(s))) for s in range(20))
    size = len(record(event(0, "kl", simple(0))))
    bad = bytearray(good)
    bad[5 * size + size - 6] ^= 1  # in the value of step 5
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(bad)
    (run,), _ = sorted_out(path)
    assert run.metrics.filter(step=5).get_column("kl").to_list() == [None]
    assert run.metrics.get_column("kl").null_count() == 1
    assert any("1 damaged records" in warning for warning in run.warnings)
    bad[7 * size] ^= 0x40  # in the length of step 7: what follows cannot be found
    path.write_bytes(bad)
    (run,), _ = sorted_out(path)
    assert run.metrics.height == 6
    assert any("damaged record at byte" in warning for warning in run.warnings)


def test_standalone_event_file_in_our_words(tmp_path: Path) -> None:
    double = block(8, b"\x08\x02" + block(4, struct.pack("<d", 0.1)))  # a TensorProto, DT_DOUBLE
    packed = block(8, b"\x08\x01" + block(5, struct.pack("<f", 0.5)))
    rows = [(3, "kl", simple(1.5)), (3, "proxy_reward", double), (3, "gold_reward", packed)]
    path = tmp_path / "exp1" / "events.out.tfevents.1"
    path.parent.mkdir()
    path.write_bytes(b"".join(record(event(*row)) for row in rows))
    (run,), _ = sorted_out(path)
    row = run.metrics.row(0, named=True)
    assert (run.run, row["step"]) == ("exp1", 3)
    assert (row["kl"], row["proxy_reward"], row["gold_reward"]) == (1.5, 0.1, 0.5)
    assert (run.facts.kl_conversion, run.facts.kl_reference) == ("exact", "initial_policy")


def test_an_unknown_trainers_kl_is_labelled_unknown(tmp_path: Path) -> None:
    rows = [(3, "train/kl", simple(1.5)), (3, "train/return", simple(2)), (3, "x", simple(3))]
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(record(event(*row)) for row in rows))
    (run,), _ = sorted_out(path)
    assert (run.facts.trainer, run.facts.kl_conversion) == (None, "unknown")
    assert run.facts.proxy_key is None  # return includes the KL penalty
    (run,), _ = sorted_out(path, proxy="x", kl_unit="nats/response")
    assert run.facts.kl_conversion == "exact"
    assert run.metrics.get_column("proxy_reward").to_list() == [3.0]


def test_damage_never_raises(tmp_path: Path) -> None:
    chance = random.Random(11)
    sources = [
        R9 / "trainer_state.json",
        next((R9 / "tb").iterdir()),
        next((EXAMPLES / "r6_grpo_resume" / "completions").iterdir()),
    ]
    for round_ in range(60):
        source = sources[round_ % len(sources)]
        raw = bytearray(source.read_bytes())
        if chance.random() < 0.3:
            raw = raw[: chance.randrange(len(raw))]
        for _ in range(chance.choice([1, 5, 50])):
            if raw:
                raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        path = tmp_path / str(round_) / "completions" / source.name
        path.parent.mkdir(parents=True)
        path.write_bytes(raw)
        runs, skipped = sorted_out(tmp_path / str(round_))
        assert runs or skipped
        for run in runs:
            json.dumps(run.facts.to_dict(), allow_nan=False)


@pytest.mark.parametrize("half", ["\\ud800", "\\udc00", "\\U0000d800"])
def test_half_a_character_in_a_printed_row_is_no_end(tmp_path: Path, half: str) -> None:
    path = tmp_path / "run" / "out.log"
    path.parent.mkdir()
    path.write_text("".join(f"{{'loss': {i}, 'reward': {i}, '{half}': 3.0}}\n" for i in range(4)))
    (run,), skipped = sorted_out(path)
    assert not skipped
    assert run.metrics["proxy_reward"].to_list() == [0.0, 1.0, 2.0, 3.0]
    assert "�" in run.metrics.columns
