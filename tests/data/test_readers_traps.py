"""The traps of docs/formats.md that no other test file names.

Traps 4, 17: test_readers_trainers; 6, 9, 10, 14, 14b: test_readers_stores; 19 to 29: test_field.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import analytics.__main__
import data.__main__
from data.columns import ReadOptions, RunFacts, RunLog, Skip
from data.readers import read
from data.readers.meaning.run_frame import run_frame
from data.readers.raw.scalars import Scalars
from data.readers.trainers.known import KL_TABLE, NOT_POLICY
from tests.data.field_reading import command

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
LOGS = Path(__file__).resolve().parent / "logs"
R3 = EXAMPLES / "r3_grpo_bigrm"


def one(*paths: Path, **options: object) -> RunLog:
    found = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    assert len(found) == 1, found
    assert isinstance(found[0], RunLog), found[0]
    return found[0]


def state(folder: Path, rows: list[dict[str, Any]], **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"log_history": rows, "logging_steps": 1, **more}))
    return path


GRPO = {"reward": 1.0, "completions/mean_length": 10.0, "num_tokens": 5}


def test_trap_01_one_key_four_meanings(tmp_path: Path) -> None:
    rows = {
        "grpo": {**GRPO, "kl": 0.5},
        "rloo": {**GRPO, "kl": -0.5},
        "async": {**GRPO, "kl": 0.5, "weight_sync_time_s": 1.0},
        "kto": {"kl": 0.5, "rewards/chosen": 1.0, "logps/chosen": -1.0},
    }
    kinds = {}
    for name, row in rows.items():
        history = [{"step": step, **row} for step in range(1, 21)]
        run = one(state(tmp_path / name, history))
        kinds[name] = (run.facts.trainer, run.facts.kl_estimator, run.metrics["kl"].to_list()[0])
    assert kinds == {
        "grpo": ("TRL GRPO", "k3", 5.0),
        "rloo": ("TRL RLOO", "k1", -5.0),
        "async": ("TRL AsyncGRPO", None, None),
        "kto": ("TRL KTO", None, None),
    }


def test_trap_02_units_meet_at_the_door() -> None:
    """The same drift is 0.23 nats a response to PPO, and hundredths of that a token to GRPO."""
    per_token, per_response = one(R3), one(LOGS / "r9_ppo_trl1.9")
    assert per_token.facts.kl_logged_unit == "nats/token"
    assert per_response.facts.kl_logged_unit == "nats/sequence"
    row = per_token.metrics.filter(step=100).row(0, named=True)
    assert row["kl"] == row["kl_logged"] * row["response_length"]
    assert "kl_logged" not in per_response.metrics.columns


def test_trap_03_no_kl_is_missing_and_never_zero(tmp_path: Path) -> None:
    history = [{"step": step, **GRPO, "reward": step / 7} for step in range(1, 21)]
    run = one(state(tmp_path / "r", history))
    assert run.metrics.get_column("kl").null_count() == 20
    assert run.facts.kl_conversion == "missing"
    assert "KL is missing" in run.facts.kl_note


def test_trap_03_verls_kl_loss_without_a_reference_is_missing(tmp_path: Path) -> None:
    """As in public/rlvr_math500_logs: the loss term is logged as 0 in every row."""

    def log(kl: float, count: int, rate: float = 1e-6) -> Path:
        path = tmp_path / f"{kl}-{count}-{rate}.jsonl"
        lines = [
            {"step": s, "data": {"actor/kl_loss": kl, "critic/score/mean": s / 9, "actor/lr": rate}}
            for s in range(1, count + 1)
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    run = one(log(0.0, 5))
    assert run.metrics.get_column("kl").null_count() == 5
    assert "while the policy moves" in run.facts.kl_note
    assert one(log(0.0, 4)).metrics.get_column("kl").to_list() == [0.0] * 4  # too few to tell
    still = one(log(0.0, 9, rate=0.0))  # a policy that does not move has KL 0
    assert still.metrics.get_column("kl").to_list() == [0.0] * 9
    assert one(log(1e-9, 9)).metrics.get_column("kl").null_count() == 0


def test_trap_05_the_estimator_is_kept_and_k2_is_never_an_axis() -> None:
    assert one(R3).facts.kl_estimator == "k3"
    assert one(EXAMPLES / "r5_rloo").facts.kl_estimator == "k1"
    assert "k2" not in {entry.estimator for entry in KL_TABLE}
    assert "policy/approxkl_avg" in {entry.key for entry in NOT_POLICY}
    refused = one(LOGS / "r9_ppo_trl1.9", kl="policy/approxkl_avg", kl_unit="nats/token")
    assert refused.metrics.get_column("kl").null_count() == 50


def test_trap_05_a_k2_that_was_chosen_is_not_reliable() -> None:
    chosen = {"loss_agg_mode": "seq-mean-token-sum", "kl_loss_type": "mse"}
    scalars = Scalars(path="x", format="verl", config={"args": chosen})
    for step in range(1, 4):
        scalars.put("train", step, {"actor/kl_loss": 0.5 * step, "critic/score/mean": 1.0})
    facts, warnings = RunFacts(), list[str]()
    frame = run_frame(scalars, ReadOptions(), facts, warnings)
    assert frame.get_column("kl").to_list() == [0.5, 1.0, 1.5]
    assert (facts.kl_estimator, facts.kl_conversion) == ("k2", "unreliable")
    assert facts.kl_note.startswith("k2 per response")
    assert any("several times the KL" in warning for warning in warnings)


def test_trap_07_names_of_older_versions(tmp_path: Path) -> None:
    """GRPO of TRL 0.15: completion_length, rewards/<f> without /mean."""
    row = {"completion_length": 10.0, "reward": 1.0, "rewards/f": 1.0, "rewards/gold": 0.5}
    history = [{"step": s, **row, "reward_std": 0.3, "kl": 0.5, "clip_ratio": 0.0} for s in (1, 2)]
    run = one(state(tmp_path / "r", history))
    assert (
        run.metrics.select("kl", "proxy_reward", "gold_reward", "response_length").rows()
        == [(5.0, 1.0, 0.5, 10.0)] * 2
    )
    assert (run.facts.proxy_key, run.facts.gold_key) == ("rewards/f", "rewards/gold")
    assert run.facts.kl_conversion == "approximate"
    old = {"objective/kl": 3.0, "ppo/mean_scores": 0.5, "env/reward_mean": 0.4}
    ppo = one(state(tmp_path / "ppo", [{"step": 1, **old}]))
    assert ppo.metrics.select("kl", "proxy_reward").rows() == [(3.0, 0.5)]


def test_trap_08_dpo_rewards_are_no_reward_functions() -> None:
    run = one(LOGS / "r8_online_dpo")
    assert "rewards/chosen" in run.metrics.columns
    assert (run.facts.proxy_key, run.facts.gold_key) == ("objective/scores", None)
    assert run.facts.gold_candidates == []


def test_trap_11_rows_without_a_generation_keep_their_kl(tmp_path: Path) -> None:
    history = [
        {"step": s, **GRPO, "kl": 0.1} if s % 2 else {"step": s, "kl": 0.2} for s in range(1, 9)
    ]
    run = one(state(tmp_path / "r", history))
    assert run.metrics.height == 8
    assert run.metrics.get_column("kl").to_list() == [1.0, 2.0] * 4  # the last known length
    assert run.metrics.get_column("proxy_reward").null_count() == 4


def test_trap_12_averages_of_extremes_are_not_our_columns() -> None:
    run = one(R3)
    row = run.metrics.filter(step=400).row(0, named=True)
    assert row["response_length"] == 43.28125  # completions/mean_length
    assert {"completions/min_length", "completions/max_length"} <= set(run.metrics.columns)


def test_trap_13_ragged_rows(tmp_path: Path) -> None:
    """Summary, evaluation, nulls, and keys that appear only sometimes."""
    history = [
        {"step": 1, **GRPO, "kl": None, "extra": 1.0},
        {"step": 2, **GRPO, "kl": 0.5, "completions/mean_terminated_length": 0},
        {"step": 2, "eval_reward": 0.25, "eval_completions/mean_length": 9.0, "eval_kl": 0.125},
        {"step": 2, "train_runtime": 9.0, "train_loss": 0.1, "total_flos": 0.0},
    ]
    run = one(state(tmp_path / "r", history))
    assert run.metrics.select("phase", "step", "kl").rows() == [
        ("train", 1, None), ("train", 2, 5.0), ("eval", 2, 1.125),
    ]  # fmt: skip
    assert run.metrics.get_column("extra").to_list() == [1.0, None, None]
    assert not {"train_loss", "total_flos"} & set(run.metrics.columns)
    assert run.facts.nan_rows == 0


def test_trap_15_live_files_end_in_half_a_record(tmp_path: Path) -> None:
    sources = [
        next((R3 / "tb").iterdir()),
        next((LOGS / "r12_wandb").rglob("*.wandb")),
        LOGS / "verl" / "math" / "grpo_kl_loss.jsonl",
    ]
    for number, source in enumerate(sources):
        path = tmp_path / str(number) / source.name
        path.parent.mkdir()
        raw = source.read_bytes()
        path.write_bytes(raw[: len(raw) * 4 // 5])
        run = one(path)
        assert run.metrics.height > 0
        assert any("partial" in w or "half-written" in w for w in run.warnings), source


def test_trap_16_cards_and_pickles_are_not_opened(tmp_path: Path) -> None:
    shutil.copy(R3 / "trainer_state.json", tmp_path)
    (tmp_path / "README.md").write_text("# model card\nkl: 3")
    (tmp_path / "training_args.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    assert one(tmp_path).metrics.height == 200
    (skip,) = read([tmp_path / "training_args.bin"], ReadOptions())
    assert isinstance(skip, Skip)
    assert not Path("/tmp/owned").exists()


def test_trap_18_two_functions_of_one_name_are_one_key(tmp_path: Path) -> None:
    """They merge in the log already; the weights then do not fit and are not believed."""
    rows = [{"step": s, **GRPO, "rewards/f/mean": 0.25, "kl": 0.1} for s in (1, 2)]
    run = one(state(tmp_path / "r", rows))
    assert (run.facts.proxy_key, run.facts.gold_key) == ("reward", None)


# KL from the samples.


@pytest.mark.parametrize("share", [1.0, 0.2], ids=["as measured", "a running mean"])
def test_trap_30_a_smoothed_gold_is_flagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Neighbours agree in a running mean: its noise looks smaller than it is, and that is said."""
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "home"))
    gold = noise = 0.0
    lines = ["step,kl,proxy_reward,gold_reward"]
    for i in range(1, 61):
        noise = math.sin(i * i * 12.9898) * 43758.5453 % 1 - 0.5
        gold = noise if i == 1 else share * noise + (1 - share) * gold
        lines.append(f"{10 * i},{0.3 * i},{0.01 * i},{1 + gold}")
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert command(data.__main__, "import", tmp_path / "a.csv")[0] == 0
    (verdict,) = command(analytics.__main__, "verdict", "--json")[1]
    assert ("autocorrelated" in verdict["flags"]) == (share < 1)


def samples(steps: dict[int, tuple[float, float]], n: int = 64) -> pl.DataFrame:
    """``n`` samples a step, whose log-ratio has the given mean and standard deviation."""
    spread = [math.sqrt(1 - 1 / n) * (1 if i % 2 else -1) for i in range(n)]
    return pl.DataFrame(
        [
            {"run_id": "r", "step": step, "prompt_id": f"p{i % 4}", "sample_id": i,
             "prompt": "q", "completion": "a", "proxy_reward": 1.0, "gold_reward": 0.5,
             "logprob_policy": -10.0, "logprob_reference": -10.0 - mean - sd * spread[i]}
            for step, (mean, sd) in steps.items()
            for i in range(n)
        ]
    )  # fmt: skip


def test_kl_of_the_samples_where_the_log_has_none(tmp_path: Path) -> None:
    samples({1: (0.0, 0.0), 2: (3.0, 1.0)}).write_parquet(tmp_path / "s.parquet")
    run = one(tmp_path / "s.parquet")
    assert run.metrics.select("phase", "step", "n_responses").rows() == [
        ("train", 1, 64), ("train", 2, 64),
    ]  # fmt: skip
    assert run.metrics.get_column("kl").to_list() == pytest.approx([0.0, 3.0])
    facts = run.facts
    assert (facts.kl_estimator, facts.kl_conversion) == ("k1", "exact")
    assert (facts.kl_logged_unit, facts.kl_reference) == ("nats/sequence", "initial_policy")
    assert "log-probabilities of the responses" in facts.kl_note


@pytest.mark.parametrize(("policy", "reference", "length", "options", "label"), [
    (-0.82, -0.9, "n_tokens", {}, "missing"), (-0.82, -0.9, "response_length", {}, "missing"),
    (-0.82, -0.9, "words", {}, "missing"), (-0.82, -0.9, "n_tokens", {"kl_unit": "nats"}, "exact"),
    (-60.0, -64.0, "n_tokens", {}, "exact"), (-1.2, -60.0, "n_tokens", {}, "exact"),
    (-0.82, -0.9, "", {}, "exact"),
])  # fmt: skip
def test_no_kl_is_made_of_means_per_token(
    tmp_path: Path, policy: float, reference: float, length: str, options: dict[str, str],
    label: str,
) -> None:  # fmt: skip
    table = samples({1: (0.0, 0.0)}).with_columns(
        logprob_policy=pl.lit(policy), logprob_reference=pl.lit(reference)
    )
    if length == "words":
        table = table.with_columns(completion=pl.lit("so it is said " * 30))
    elif length:
        table = table.with_columns(pl.lit(120).alias(length))
    table.write_csv(tmp_path / "s.csv")
    run = one(tmp_path / "s.csv", **options)
    assert run.facts.kl_conversion == label, run.facts.kl_note
    if label == "missing":
        assert run.metrics.get_column("kl").count() == 0
        assert "mean per token; multiply both by the length" in run.facts.kl_note
        assert run.samples["logprob_policy_as_logged"].to_list() == [policy] * 64
        assert any("log sums" in warning for warning in run.warnings)


@pytest.mark.parametrize(("logged", "apart"), [(0.3, 0), (0.5, 1), (None, 0)])
def test_logged_kl_is_checked_against_the_samples(
    tmp_path: Path, logged: float | None, apart: int
) -> None:
    run = tmp_path / "r"
    state(run, [{"step": s, **GRPO, **({"kl": logged} if logged else {})} for s in (1, 2)])
    (run / "completions").mkdir()
    frame = samples({2: (3.0, 1.0)}).drop("run_id", "prompt_id", "sample_id")
    frame.write_parquet(run / "completions" / "completions_00002.parquet")
    found = one(run)
    if logged is None:
        assert found.metrics.get_column("kl").to_list() == [None, pytest.approx(3.0)]
        assert found.facts.kl_conversion == "exact"
        assert "KL is missing: the log has no key kl" not in found.warnings
        return
    assert found.metrics.get_column("kl").to_list() == pytest.approx([logged * 10] * 2)
    doubts = [w for w in found.warnings if "standard errors" in w]
    assert len(doubts) == apart
    if apart:
        assert "at step 2 logged 5, samples 3 ± 0.1" in doubts[0]
