"""verl, OpenRLHF and MLflow: exact values of logs made by their own writers (make_*.py)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from data.columns import ReadOptions, RunLog, Skip
from data.readers import read
from data.readers.trackers import mlflow

LOGS = Path(__file__).resolve().parent / "logs"
VERL, OPENRLHF = LOGS / "verl", LOGS / "openrlhf"
CURVE = ["phase", "step", "proxy_reward", "gold_reward", "kl_logged", "response_length", "entropy"]


def one(*paths: Path, **options: object) -> RunLog:
    found = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    assert len(found) == 1, found
    assert isinstance(found[0], RunLog), found[0]
    return found[0]


def all_of(*paths: Path, **options: object) -> tuple[dict[str, RunLog], list[Skip]]:
    items = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    runs = {item.run: item for item in items if isinstance(item, RunLog)}
    return runs, [item for item in items if isinstance(item, Skip)]


def at(run: RunLog, step: int, phase: str = "train") -> dict[str, float]:
    return run.metrics.filter(phase=phase, step=step).row(0, named=True)


def test_verl_file_logger() -> None:
    run = one(VERL / "math" / "ppo_kl_in_reward.jsonl")
    assert (run.run, run.parent, run.format) == ("ppo_kl_in_reward", "math", "verl")
    assert run.facts.trainer == "verl"
    row = at(run, 12)
    assert row["proxy_reward"] == 1.2000000000000002  # critic/score/mean, before the penalty
    assert row["critic/rewards/mean"] == pytest.approx(1.2 - 0.06)
    assert (row["kl_logged"], row["kl"]) == (0.12, 0.12 * 112.0)
    assert run.facts.kl_key == "actor/reward_kl_penalty"
    assert (run.facts.kl_estimator, run.facts.kl_conversion) == ("k1", "approximate")
    assert row["actor/ppo_kl"] == 0.0005


def test_trap_04_the_penalty_is_never_in_the_proxy() -> None:
    for path in (VERL / "math", OPENRLHF):
        for run in all_of(path)[0].values():
            assert run.facts.proxy_key in ("critic/score/mean", "reward")
            key = "critic/rewards/mean" if path == VERL / "math" else "return"
            assert run.facts.proxy_key != key and key in run.metrics.columns


def test_verl_validation_is_evaluation() -> None:
    run = one(VERL / "math" / "grpo_kl_loss.jsonl")
    evaluated = run.metrics.filter(phase="eval")
    assert evaluated.get_column("step").to_list() == [0, 3, 6, 9, 12]
    assert evaluated.get_column("kl").to_list() == [0.0, None, None, None, None]
    golds = evaluated.get_column("gold_reward").to_list()
    assert golds == pytest.approx([0.3, 0.45, 0.6, 0.51, 0.42])
    assert run.facts.gold_key == "val-core/openai/gsm8k/acc/mean@4"
    assert run.facts.gold_kind == "rate"
    assert evaluated.get_column("proxy_reward").to_list()[-1] == 1.2000000000000002
    assert run.metrics.filter(phase="train").get_column("step").to_list() == list(range(1, 13))
    assert at(run, 5)["proxy_reward"] is None  # NaN, which the logger writes as null
    chosen = one(VERL / "math" / "grpo_kl_loss.jsonl", gold="val-core/openai/gsm8k/acc/best@4/mean")
    assert at(chosen, 3, "eval")["gold_reward"] == pytest.approx(0.55)


def test_verl_kl_loss_has_no_unit_without_the_config() -> None:
    run = one(VERL / "math" / "grpo_kl_loss.jsonl")
    assert (run.facts.kl_key, run.facts.kl_conversion) == ("actor/kl_loss", "unknown")
    assert run.facts.kl_logged_unit == "unknown"
    assert at(run, 12)["kl"] == 0.12
    assert "loss_agg_mode" in run.facts.kl_note
    stated = one(VERL / "math" / "grpo_kl_loss.jsonl", kl_unit="nats/token")
    assert at(stated, 12)["kl"] == 0.12 * 112.0


def test_the_three_stores_of_a_verl_run_agree() -> None:
    logged = one(VERL / "math" / "grpo_kl_loss.jsonl")
    runs, skipped = all_of(VERL / "mlruns.db")
    assert skipped == []
    assert set(runs) == {"grpo_kl_loss", "ppo_kl_in_reward"}
    tracked = runs["grpo_kl_loss"]
    assert (tracked.format, tracked.parent) == ("mlflow", "math")
    # Its parameters say the unit that the others leave open.
    assert (tracked.facts.kl_conversion, tracked.facts.kl_logged_unit) == (
        "approximate",
        "nats/token",
    )
    assert at(tracked, 12)["n_responses"] == 512
    assert tracked.facts.nan_rows == 1  # is_nan, whose value is 0 in the database
    board = one(VERL / "tensorboard_log")
    assert board.run == "grpo_kl_loss"
    ours = logged.metrics.select(CURVE)
    assert tracked.metrics.select(CURVE).equals(ours)
    theirs = board.metrics.select(CURVE)
    for column in CURVE[2:]:
        a, b = ours.get_column(column), theirs.get_column(column)
        assert (a.is_null() == b.is_null()).all()
        assert ((a - b).abs() <= 1e-6 * a.abs() + 1e-9).all(), column


def test_mlflow_puts_back_what_it_forbids_in_names() -> None:
    run = all_of(VERL / "mlruns.db")[0]["grpo_kl_loss"]
    assert "val-core/openai/gsm8k/acc/best@4/mean" in run.metrics.columns
    assert not [c for c in run.metrics.columns if "_at_" in c]


def test_verl_dumps_are_samples() -> None:
    run = one(VERL / "dumps")
    assert (run.run, run.format, run.samples.height) == ("grpo_dumped", "verl", 8)
    rows = run.samples.filter(phase="eval", step=2)
    assert rows.get_column("proxy_reward").to_list() == [1.0, -1.0]
    assert rows.get_column("gold_reward").to_list() == [1.0, 0.0]
    assert rows.get_column("completion").to_list() == ["2", "<b>3</b>"]
    train = run.samples.filter(phase="train", step=1)
    assert train.get_column("gold_reward").to_list() == [None, None]
    assert one(VERL / "dumps" / "grpo_dumped" / "rollouts" / "1.jsonl").run == "grpo_dumped"


def test_half_written_line_of_verl_is_left_out(tmp_path: Path) -> None:
    raw = (VERL / "math" / "grpo_kl_loss.jsonl").read_bytes()
    (tmp_path / "x.jsonl").write_bytes(raw[:-40])
    run = one(tmp_path)
    assert run.metrics.filter(phase="train").height == 11
    assert any("half-written" in warning for warning in run.warnings)
    (tmp_path / "x.jsonl").write_bytes(raw.replace(b'{"step":4', b'{"step":"4"', 1))
    run = one(tmp_path / "x.jsonl")
    assert run.metrics.filter(phase="train").height == 11
    assert any("line 5" in warning for warning in run.warnings)


def test_trap_17_verls_token_count_is_of_one_step() -> None:
    run = one(VERL / "math" / "grpo_kl_loss.jsonl")
    assert run.metrics.get_column("perf/total_num_tokens").drop_nulls().n_unique() == 1
    assert "num_tokens" not in run.metrics.columns


@pytest.mark.parametrize("source", ["ppo_llama", "stdout/ppo_llama.log"])
def test_openrlhf(source: str) -> None:
    run = one(OPENRLHF / source)
    assert run.run == "ppo_llama"
    assert run.format == ("openrlhf" if source.endswith(".log") else "tensorboard")
    facts = run.facts
    assert (facts.trainer, facts.kl_key, facts.kl_estimator) == ("OpenRLHF", "kl", "k1")
    assert (facts.kl_conversion, facts.kl_logged_unit) == ("approximate", "nats/token")
    assert (facts.proxy_key, facts.gold_key) == ("reward", "gold_check")
    row = at(run, 12)
    assert row["kl"] == pytest.approx(0.24 * 62.0, rel=1e-7)
    assert row["proxy_reward"] == pytest.approx(1.2, rel=1e-7)
    assert row["gold_reward"] == pytest.approx(0.4, rel=1e-7)
    assert (row["proxy_reward_sd"], row["n_responses"]) == (0.5, 128)
    assert facts.nan_rows == 1
    evaluated = run.metrics.filter(phase="eval")
    assert evaluated.get_column("step").to_list() == [4, 8, 12]
    expected = pytest.approx([0.2, 0.4, 0.6], rel=1e-6)
    assert evaluated.get_column("proxy_reward").to_list() == expected


def test_trap_01_openrlhfs_kl_changes_its_meaning_with_use_loss() -> None:
    runs, skipped = all_of(OPENRLHF)
    assert skipped == []
    facts = {name: run.facts for name, run in runs.items()}
    # With use_loss logprobs_diff is all 0 while kl is not: the rows say so without the settings.
    assert facts["use_loss_llama"].kl_conversion == "unknown"
    assert "use_loss" in facts["use_loss_llama"].kl_note
    # kl differs from logprobs_diff, which is k1: another estimator was chosen.
    assert (facts["k3_llama"].kl_estimator, facts["k3_llama"].kl_conversion) == (
        None,
        "approximate",
    )


def test_trap_03_zeros_of_a_run_without_reference_are_missing() -> None:
    run = one(OPENRLHF / "no_reference_llama")
    assert run.metrics.get_column("kl").null_count() == run.metrics.height
    assert run.facts.kl_conversion == "missing"
    assert "exactly 0 in all 12 rows" in run.facts.kl_note


def test_openrlhf_output_as_ray_prints_it(tmp_path: Path) -> None:
    text = (OPENRLHF / "stdout" / "ppo_llama.log").read_text()
    lines = [f"\x1b[36m(PPOTrainer pid=31)\x1b[0m {line}" for line in text.splitlines()]
    lines.insert(3, "Global step 99: {'kl': 3")  # killed while writing
    (tmp_path / "train.log").write_text("noise\n" * 500 + "\n".join(lines) + "\n")
    (tmp_path / "other.log").write_text("Global warming\n")
    (run,), skipped = all_of(tmp_path)[0].values(), all_of(tmp_path)[1]
    assert (run.run, skipped) == (tmp_path.name, [])
    assert run.metrics.filter(phase="train").height == 12
    assert any("not whole" in warning for warning in run.warnings)
    _, (skip,) = all_of(tmp_path / "other.log")
    assert "no known format" in skip.reason


def test_mlflow_file_store() -> None:
    run = one(LOGS / "mlflow")
    assert (run.run, run.parent, run.format) == ("grpo flat: 1", "lab", "mlflow")
    assert run.facts.trainer == "TRL GRPO"
    assert run.facts.config["reward_weights"] == [1.0, 0.0]
    assert run.facts.gold_key == "rewards/gold_rm/mean"
    assert run.metrics.filter(phase="train").get_column("step").to_list() == [1, 2, 3, 4]
    assert at(run, 3)["kl"] == 2.0  # logged twice: the later, 0.1 x 20
    assert (run.facts.steps_replaced, run.facts.nan_rows) == (1, 1)
    assert at(run, 4)["kl"] is None
    assert at(run, 4, "eval")["kl"] == 4.0
    assert not [c for c in run.metrics.columns if c.startswith(("system", "profiling"))]


def test_mlflow_store_is_left_alone_and_merged_by_name(tmp_path: Path) -> None:
    shutil.copytree(LOGS / "mlflow" / "mlruns", tmp_path / "grpo flat: 1" / "mlruns")
    history = [{"step": 9, "kl": 0.5, "reward": 1.0, "num_tokens": 3}]
    (tmp_path / "grpo flat: 1" / "trainer_state.json").write_text(
        json.dumps({"log_history": history})
    )
    run = one(tmp_path)
    assert (run.run, run.format) == ("grpo flat: 1", "trl")
    assert run.metrics.filter(phase="train").get_column("step").to_list() == [1, 2, 3, 4, 9]


def test_broken_parts_of_an_mlflow_store(tmp_path: Path) -> None:
    shutil.copytree(LOGS / "mlflow" / "mlruns", tmp_path / "mlruns")
    (kl,) = [p for p in tmp_path.rglob("kl") if "flat" in (p.parents[1] / "meta.yaml").read_text()]
    kl.write_text("x y z\n1 2\n" + kl.read_text() + "9" * 30 + " 1.0 5\n1795 1.0")
    run = one(tmp_path)
    assert at(run, 3)["kl"] == 2.0
    assert any("4 points" in warning for warning in run.warnings)
    os.remove(kl.parents[1] / "meta.yaml")
    assert isinstance(all_of(tmp_path)[1][0], Skip)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.04", 0.04), ("[1.0, 0.0]", [1.0, 0.0]), ("True", True), ("None", "None"),
     ("(" * 1900, "(" * 1900), ("__import__('os')", "__import__('os')"), ("x" * 9999, "x" * 9999)],
)  # fmt: skip
def test_parameters_are_literals(text: str, value: object) -> None:
    assert mlflow.literal(text) == value
