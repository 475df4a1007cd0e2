"""A table with a trainer's keys is that trainer's log; a KL is exact by our words alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.__main__ import main
from data.columns import ReadOptions, RunLog, Skip
from data.readers import read
from data.readers.files.settings_beside import settings_beside
from data.readers.kl import sanity
from data.readers.meaning.conversion import holds_our_words
from data.readers.metrics import large_tables, trainer_tables
from data.readers.trainers.known import KNOWN

ROWS = [
    {
        "step": step, "loss": 0.1, "num_tokens": 1000.0 * step, "completions/mean_length": 20.0,
        "reward": 0.1 * step, "rewards/rm/mean": 0.1 * step, "rewards/gold/mean": 0.05 * step,
        "kl": 0.001 * step, "epoch": step / 20,
    }
    for step in range(1, 21)
]  # fmt: skip


def runs(*paths: Path, **options: Any) -> list[RunLog]:
    found = list(read(list(paths), ReadOptions(**options)))
    assert not [item for item in found if isinstance(item, Skip)], found
    return [item for item in found if isinstance(item, RunLog)]


def written(folder: Path, kind: str, rows: list[dict[str, Any]] = ROWS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"dump.{kind}"
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if kind == "csv":
        frame.write_csv(path)
    elif kind == "parquet":
        frame.write_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_dump_is_read_as_the_trainers_own_state(tmp_path: Path, kind: str) -> None:
    state = tmp_path / "run" / "trainer_state.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"log_history": ROWS}))
    (own,), (dump,) = runs(state.parent), runs(written(tmp_path, kind))
    assert dump.metrics.drop("run_id").equals(own.metrics.drop("run_id"))
    names = ("dialect", "kl_key", "kl_conversion", "kl_logged_unit", "proxy_key", "gold_key",
            "length_key", "kl_note")  # fmt: skip
    assert [getattr(dump.facts, t) for t in names] == [getattr(own.facts, t) for t in names]
    assert dump.metrics["kl"].to_list() == [pytest.approx(0.02 * s) for s in range(1, 21)]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_large_dump_goes_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rows = [{"run_id": name, **row} for name in ("a", "b") for row in ROWS]
    path = written(tmp_path, kind, rows)
    small = runs(path)
    monkeypatch.setattr(large_tables, "LARGE", 0)
    monkeypatch.setattr(large_tables, "PART", 2000)
    large = runs(path)
    parts = pl.concat([run.metrics for run in large], how="diagonal").sort("run_id", "step")
    whole = pl.concat([run.metrics for run in small], how="diagonal").sort("run_id", "step")
    assert parts.select("run_id", "step", "kl", "gold_reward").equals(
        whole.select("run_id", "step", "kl", "gold_reward")
    )
    assert {run.facts.kl_logged_unit for run in large} == {"nats/token"}


def test_a_repeated_step_is_replaced_whole(tmp_path: Path) -> None:
    again = [{**row, "kl": 0.5} for row in ROWS[10:15]]
    (run,) = runs(written(tmp_path, "jsonl", [*ROWS[:15], *again]))
    assert run.facts.steps_replaced == 5
    assert run.metrics["kl"].to_list()[9:] == [pytest.approx(x) for x in [0.2, *[10.0] * 5]]


OURS = ("proxy_reward", "gold_reward", "Proxy Reward", "train/proxy_reward", "gold_reward_mean")
OTHERS = ("reward", "accuracy", "loss", "score", "rewards", "gold", "return", "judge", "step_time",
          "reward_mean", "lr", "entropy", "learning_rate", "response_length")  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(others=st.lists(st.sampled_from(OTHERS), unique=True), ours=st.booleans())
def test_exact_only_beside_our_own_words(
    tmp_path_factory: pytest.TempPathFactory, others: list[str], ours: bool
) -> None:
    """Searched: any columns beside a KL that no trainer is known by."""
    columns = ["step", "kl", *others, *(["proxy_reward"] if ours else [])]
    if trainer_tables.recognised(columns):
        return
    path = tmp_path_factory.mktemp("t") / "t.csv"
    lines = [",".join(columns), *(",".join([str(i)] * len(columns)) for i in range(1, 4))]
    path.write_text("\n".join(lines) + "\n")
    (run,) = runs(path)
    assert run.facts.kl_conversion == ("exact" if ours else "unknown")
    assert run.facts.kl_logged_unit == ("nats/sequence" if ours else "unknown")


@pytest.mark.parametrize("key", OURS)
def test_our_words(key: str) -> None:
    assert holds_our_words(["kl", key])
    assert not holds_our_words(["kl", *OTHERS])


BESIDE = ("reward_std", "rewards/std", "tokens_per_sec", "tokens_per_second_per_gpu", "tok/s",
          "throughput", "mfu", "mean_completion_length", "completion_tokens", "completion_len_avg",
          "train/grad_norm", "train/global_step", "policy_kl_loss", "kl_loss", "approx_kl",
          "actor kl_loss", "kl_loss/mean", "clipfrac", "advantages/mean", "kl_penalty",
          "completions_mean_len", "reward_std_mean")  # fmt: skip


@pytest.mark.parametrize("key", BESIDE)
@pytest.mark.parametrize(("mean", "label"), [(0.1, "unknown"), (20.0, "exact")])
def test_beside_a_trainers_word_the_numbers_decide(
    tmp_path: Path, key: str, mean: float, label: str
) -> None:
    """A trainer's mean per token is small; what no token can have is per response, as ours is."""
    lines = [f"step,kl,proxy_reward,gold_reward,{key}"]
    lines += [f"{i},{mean},{i / 10},{i / 20},{i + 100}" for i in range(1, 9)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (run,) = runs(tmp_path / "t.csv")
    assert run.facts.kl_conversion == label, run.facts.kl_note
    assert key in run.facts.kl_note
    assert run.metrics["kl"].to_list() == [mean] * 8


def test_one_large_value_does_not_decide(tmp_path: Path) -> None:
    lines = ["step,kl,proxy_reward,reward_std", "0,90,0.1,0.5"]
    lines += [f"{i},0.1,{i / 10},0.5" for i in range(1, 9)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (run,) = runs(tmp_path / "t.csv")
    assert run.facts.kl_conversion == "unknown", run.facts.kl_note


def test_our_own_proxy_holds_where_a_trainer_logs_none_of_its_own(tmp_path: Path) -> None:
    lines = ["step,kl_policy_base,proxy_reward,gold_reward"]
    lines += [f"{i},0.1,{i / 10},{i / 20}" for i in range(1, 9)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (run,) = runs(tmp_path / "t.csv")
    assert run.facts.proxy_key == "proxy_reward" and run.metrics["proxy_reward"].max() == 0.8


OF_ANYBODY = ("grad_norm", "learning_rate", "entropy", "proxy_reward_sd", "response_length",
              "kl_coef", "loss", "n_responses", "epoch")  # fmt: skip


@pytest.mark.parametrize("key", OF_ANYBODY)
def test_words_of_anybody_leave_our_kl_exact(tmp_path: Path, key: str) -> None:
    lines = [f"step,kl,proxy_reward,gold_reward,{key}"]
    lines += [f"{i},0.1,{i / 10},{i / 20},{i + 100}" for i in range(1, 9)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (run,) = runs(tmp_path / "t.csv")
    assert run.facts.kl_conversion == "exact", run.facts.kl_note
    asked = "per token" in run.facts.kl_note  # a length lets a reader see what else it could be
    assert asked == (key == "response_length")


def test_an_odd_reward_name_costs_neither_kl_nor_rows(tmp_path: Path) -> None:
    """A table of KL and gold is a training log, whatever its reward is called."""
    (tmp_path / "t.csv").write_text("step,kl,my_reward,gold\n1,.1,.2,.3\n2,.4,.5,.6\n")
    (run,) = runs(tmp_path / "t.csv")
    assert run.metrics.select("step", "kl", "gold_reward").rows() == [(1, 0.1, 0.3), (2, 0.4, 0.6)]
    assert any("no proxy reward" in warning for warning in run.warnings)


@pytest.mark.parametrize("dialect", KNOWN, ids=lambda d: d.name)
def test_what_a_dialect_refuses_stays_refused_when_it_is_named(dialect: Any) -> None:
    from data.readers.trainers.known import why_not

    for entry in dialect.refused:
        assert why_not(entry.key, dialect), entry.key
    for entry in dialect.kls:
        assert not why_not(entry.key, dialect), entry.key


@pytest.mark.parametrize("option", ["--step", "--run-column", "--length", "--lower-is-better"])
def test_an_option_that_names_no_column_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "home"))
    (tmp_path / "t.csv").write_text("step,kl,proxy_reward\n1,.1,.2\n")
    assert main(["import", str(tmp_path / "t.csv"), option, "nothing", "--json"]) == 1
    (skip,) = json.loads(capsys.readouterr().out)["skipped"]
    assert "nothing" in skip["reason"] and "step" in skip["reason"]


def test_import_json_names_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "home"))
    assert main(["import", str(written(tmp_path, "csv")), "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert {k: run[k] for k in ("kl_key", "proxy_key", "gold_key", "length_key")} == {
        "kl_key": "kl", "proxy_key": "rewards/rm/mean", "gold_key": "rewards/gold/mean",
        "length_key": "completions/mean_length",
    }  # fmt: skip
    assert run["kl_conversion"] == "exact"


def test_settings_beside(tmp_path: Path) -> None:
    """A model's config.json is no setting of the training; a broken file is told; no pickle."""
    (tmp_path / "config.json").write_text('{"architectures": ["X"], "model_type": "y"}')
    (tmp_path / "training_args.bin").write_bytes(b"\x80\x04.")
    assert settings_beside(tmp_path) == {}
    (tmp_path / "args.json").write_text('{"beta": 0.04, "rlhf_type": "grpo"')
    problems: list[str] = []
    assert settings_beside(tmp_path, problems) == {}
    assert len(problems) == 1 and "args.json" in problems[0]
    (tmp_path / "args.json").write_text('{"beta": 0.04, "rlhf_type": "grpo"}')
    assert settings_beside(tmp_path / "config.json") == {"beta": 0.04, "rlhf_type": "grpo"}


def test_ms_swift_without_settings_does_not_know_its_unit(tmp_path: Path) -> None:
    """Two functions with unknown weights, and no args.json: per token or per response."""
    rows = [{**row, "memory(GiB)": 40.0, "reward": 0.07 * row["step"]} for row in ROWS]
    (run,) = runs(written(tmp_path, "jsonl", rows))
    assert (run.facts.trainer, run.facts.kl_conversion) == ("ms-swift", "unknown")
    assert "args.json" in run.facts.kl_note


def series(*values: float) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)


def test_doubts_of_honest_runs_are_none() -> None:
    kl, length = series(*range(1, 21)), series(*[100.0] * 20)
    proxy = series(*(0.3 + 0.03 * i for i in range(20)))
    assert sanity.doubts(kl, length, proxy) == []
    assert sanity.doubts(kl * 0, length, series(*[0.5] * 20)) == []


@pytest.mark.parametrize(
    ("scale", "word"),
    [(30.0, "per token"), (200.0, "thousands"), (40.0, "plausible"), (1e-3, "per token")],
)
def test_doubts(scale: float, word: str) -> None:
    kl, length = scale * series(*range(1, 21)), series(*[100.0] * 20)
    proxy = series(*(0.1 + 0.04 * i for i in range(20)))
    doubts = sanity.doubts(kl, length, proxy)
    assert any(word in sentence for sentence in doubts), doubts
    assert sanity.doubts(kl, length, proxy, unit_known=False) == []
