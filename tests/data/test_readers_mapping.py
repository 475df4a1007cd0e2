"""Every row of the declared tables, each with an exact value from a real log where there is one."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from data.columns import ReadOptions, RunFacts, RunLog
from data.readers import read
from data.readers.kl.kl_table import UNITS, LoggedKL
from data.readers.meaning.roles import reward_functions
from data.readers.meaning.run_frame import run_frame
from data.readers.names.mapping import RUN_COLUMNS, gold_kind_of
from data.readers.raw.scalars import Scalars
from data.readers.trainers import known as dialects
from data.readers.trainers.dialect import Dialect, has, matching
from data.readers.trainers.known import (
    DIALECTS,
    KL_TABLE,
    NO_KL_DIALECTS,
    NOT_POLICY,
    NOT_POLICY_KL,
    PROXY_OF_DIALECT,
    dialect_of,
)

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
LOGS = Path(__file__).resolve().parent / "logs"

R3 = EXAMPLES / "r3_grpo_bigrm"
R9 = LOGS / "r9_ppo_trl1.9"
ACCURACY = Path(__file__).resolve().parent / "tables" / "format_reward.csv"
LOOP = EXAMPLES / "loop" / "metrics.parquet"

VERL = LOGS / "verl" / "math" / "grpo_kl_loss.jsonl"
OPENRLHF = LOGS / "openrlhf" / "ppo_llama"

# (our column, key in the log) -> log, step, value. None: no real log of that version is at hand,
# so the key is tested by itself below.
MAPPED: dict[tuple[str, str], tuple[Path, int, float] | None] = {
    ("response_length", "completions/mean_length"): (R3, 400, 43.28125),
    ("response_length", "avg_response_len"): (ACCURACY, 3, 276.0),
    ("response_length", "response_length"): (OPENRLHF, 12, 62.0),
    ("response_length", "completion_length"): None,
    ("response_length", "tokens/responses_len_mean"): None,
    ("response_length", "response_length/mean"): (VERL, 12, 112.0),
    ("response_length", "rollout/response_length_mean"): None,
    ("response_length", "mean_completion_len"): None,
    ("response_length", "mean_completion_length"): None,
    ("response_length", "completion_tokens"): None,
    ("response_length", "gen_len_mean"): None,
    ("response_length", "mean_response_length"): None,
    ("response_length", "avg_response_length"): None,
    ("response_length", "mean_response_len"): None,
    ("response_length", "response_len"): None,
    ("response_length", "response_tokens"): None,
    ("response_length", "output_length"): None,
    ("response_length", "mean_output_length"): None,
    ("response_length", "generation_length"): None,
    ("response_length", "mean_generation_length"): None,
    ("response_length", "avg_completion_length"): None,
    ("response_length", "completion_len"): None,
    ("response_length", "num_generated_tokens"): None,
    ("response_length", "response_lengths"): None,
    ("entropy", "actor/entropy"): (VERL, 10, 0.49999999999999994),
    ("clipped_share", "response_length/clip_ratio"): (VERL, 12, 0.125),
    ("clipped_share", "rollout/truncated_rate"): (OPENRLHF, 12, 0.25),
    ("clipped_share", "response_clip_ratio"): None,
    ("n_responses", "rollout/num_samples"): (OPENRLHF, 12, 128.0),
    ("entropy", "entropy"): (R3, 400, 0.4342515617609024),
    ("entropy", "policy/entropy_avg"): (R9, 50, 0.32242849469184875),
    ("entropy", "entropy_avg"): (ACCURACY, 3, 0.368205),
    ("clipped_share", "completions/clipped_ratio"): (R3, 400, 0.875),
    ("clipped_share", "clipped_share"): None,
    ("gold_reward_se", "gold_reward_se"): None,
    ("n_responses", "n_responses"): None,
    ("n_responses", "gold_reward_n"): (LOOP, 8, 4770.0),
    ("n_prompts", "n_prompts"): None,
    ("stretch", "stretch"): None,
}


def first(path: Path, **options: object) -> RunLog:
    runs = [r for r in read([path], ReadOptions(**options)) if isinstance(r, RunLog)]  # type: ignore[arg-type]
    return runs[0]


def test_the_list_of_mapping_rows_is_whole() -> None:
    assert set(MAPPED) == {(column.name, key) for column in RUN_COLUMNS for key in column.keys}


@pytest.mark.parametrize(("column", "key"), MAPPED)
def test_mapping_row(tmp_path: Path, column: str, key: str) -> None:
    case = MAPPED[column, key]
    if case is None:
        (tmp_path / "t.csv").write_text(f"step,gold_reward,{key}\n4,0.5,3\n")
        case = (tmp_path / "t.csv", 4, 3.0)
    path, step, value = case
    options = {"proxy": "reward_avg", "gold": "eval_acc"} if path == ACCURACY else {}
    run = first(path, **options)
    rows = run.metrics.filter(phase="train", step=step)
    assert rows.get_column(column).to_list() == [value]


# dialect -> the keys of a log of it, and a row; the real ones come from the logs.
ROWS: dict[str, dict[str, float]] = {
    "grpo": {"kl": 0.5, "completions/mean_length": 10.0, "reward": 1.0, "rewards/f/mean": 1.0},
    "rloo": {"kl": -0.5, "completions/mean_length": 10.0, "reward": 1.0, "rewards/f/mean": 1.0},
    "grpo_or_rloo": {"kl": 0.5, "completions/mean_length": 10.0, "reward": 1.0},
    "grpo_0_15": {"kl": 0.5, "completion_length": 10.0, "reward": 1.0, "rewards/f": 1.0},
    "online_dpo": {"objective/kl": 5.0, "objective/scores": 1.0, "logps/chosen": -3.0},
    "ppo": {"objective/kl": 5.0, "objective/scores": 1.0, "loss/value_avg": 0.1},
    "rloo_v1": {"objective/kl": 5.0, "objective/scores": 1.0, "policy/approxkl_avg": 0.1},
    "ppo_0_11": {"objective/kl": 5.0, "ppo/mean_scores": 1.0, "env/reward_mean": 1.0},
    "verl": {
        "actor/kl_loss": 0.5, "actor/reward_kl_penalty": 0.25, "critic/score/mean": 1.0,
        "response_length/mean": 10.0, "critic/rewards/mean": 0.5,
    },
    "openrlhf": {
        "kl": 0.5, "logprobs_diff": 0.75, "reward": 1.0, "return": 0.5, "response_length": 10.0,
        "rollout/reward_mean": 1.0,
    },
    "unsloth": {
        "kl": 0.5, "completion_length": 10.0, "completions/mean_length": 10.0, "reward": 1.0,
        "rewards/f/mean": 1.0,
    },
    "ms_swift": {
        "kl": 0.5, "completions/mean_length": 10.0, "reward": 1.0, "memory(GiB)": 40.0,
    },
    "tinker": {
        "kl_policy_base": 0.5, "env/all/reward/total": 1.0, "env/all/total_ac_tokens": 80.0,
        "env/all/total_episodes": 8.0, "env/all/ac_tokens_per_turn": 3.0,
    },
    "slime": {
        "kl_loss": 0.5, "rollout/raw_reward": 1.0, "rollout/rewards": 0.0,
        "rollout/response_lengths": 10.0,
    },
    "skyrl": {
        "policy/policy_kl": 0.5, "loss/avg_kl": 0.25, "reward/avg_raw_reward": 1.0,
        "loss/avg_final_rewards": 0.5, "generate/avg_num_tokens": 10.0,
        "policy/response_length": 512.0,
    },
    "open_instruct": {
        "objective/kl0_avg": 0.25, "objective/kl1_avg": 9.0, "objective/kl2_avg": 0.5,
        "scores": 1.0, "val/sequence_lengths": 10.0,
    },
    "oat": {"kl3": 5.0, "actor/rewards_mean": 1.0},
    "areal": {
        "ppo_actor/kl_rewards/avg": -0.05, "ppo_actor/task_reward/avg": 1.0,
        "ppo_actor/seq_len/avg": 40.0, "ppo_actor/prompt_len/avg": 30.0,
    },
    "tunix": {
        "actor/train/kl": 0.5, "actor/train/kl_loss": 0.5, "global/train/rewards/score/mean": 1.0,
        "global/train/completions/mean_length": 10.0,
    },
    "easyr1": {
        "actor/kl_loss": 0.5, "actor/kl_penalty": 0.25, "reward/overall": 1.0,
        "critic/score/mean": 1.0, "critic/rewards/mean": 0.5, "response_length/mean": 10.0,
        "actor/pg_loss": 0.1,
    },
    "roll": {
        "actor/kl_loss": 0.5, "critic/kl": 0.25, "critic/score/mean": 1.0,
        "critic/rewards/mean": 0.5, "token/response_length/mean": 10.0,
    },
    "nemo_rl": {"kl_penalty": 0.5, "reward": 1.0, "mean_gen_tokens_per_sample": 10.0},
    "art": {"loss/kl_policy_ref": 0.5, "reward": 1.0, "response_length": 10.0},
    "prime_rl": {
        "mismatch_kl/all/mean": 0.1, "all/agent/reward/mean": 1.0, "ref_kl/all/mean": 0.2,
    },
}  # fmt: skip
# One case for each row of KL_TABLE, in its order: settings, trainer, key, estimator, unit,
# conversion, and the value that the row's KL becomes.
SEQ, TOK = "nats/sequence", "nats/token"
STATED = {"enable_reference": True}
SUMS, MEANS, TOKENS = (
    {"loss_agg_mode": mode} for mode in ("seq-mean-token-sum", "seq-mean-token-mean", "token-mean")
)
CASES: list[tuple[dict[str, object], str | None, str, str | None, str | None, str, float]] = [
    ({}, "TRL OnlineDPO", "objective/kl", "k1", SEQ, "unreliable", 5.0),
    ({}, "TRL PPO", "objective/kl", "k1", SEQ, "exact", 5.0),
    ({}, "TRL RLOO", "objective/kl", "k1", SEQ, "exact", 5.0),
    ({}, "TRL PPO", "objective/kl", "k1", SEQ, "exact", 5.0),
    ({}, "Unsloth GRPO", "kl", "k3", TOK, "approximate", 5.0),
    ({}, "TRL GRPO", "kl", "k3", TOK, "approximate", 5.0),
    ({}, None, "kl", None, TOK, "exact", 5.0),
    ({}, "Tinker cookbook", "kl_policy_base", "k1", TOK, "exact", 5.0),
    ({}, "slime", "kl_loss", "k3", TOK, "approximate", 5.0),
    ({}, "SkyRL", "policy/policy_kl", "k3", TOK, "approximate", 5.0),
    ({}, "SkyRL", "loss/avg_kl", "k3", TOK, "approximate", 2.5),
    ({"kl_estimator": 2}, "open-instruct", "objective/kl2_avg", "k3", TOK, "exact", 5.0),
    ({}, "open-instruct", "objective/kl0_avg", "k1", TOK, "exact", 2.5),
    ({}, "open-instruct", "objective/kl2_avg", "k3", TOK, "exact", 5.0),
    ({}, "OAT", "kl3", "k3", SEQ, "exact", 5.0),
    ({"kl_ctl": 0.1}, "AReaL", "ppo_actor/kl_rewards/avg", "k1", TOK, "approximate", 5.0),
    ({}, "tunix", "actor/train/kl", "k1", TOK, "exact", 5.0),
    ({}, "tunix", "actor/train/kl_loss", "k1", TOK, "exact", 5.0),
    ({"worker": {"actor": {"loss_avg_mode": "token"}}}, "EasyR1", "actor/kl_loss", "k3", TOK,
     "exact", 5.0),
    ({"worker": {"actor": {"loss_avg_mode": "seq"}}, "algorithm": {"kl_penalty": "kl"}}, "EasyR1",
     "actor/kl_loss", "k1", TOK, "approximate", 5.0),
    ({}, "EasyR1", "actor/kl_penalty", "k1", TOK, "approximate", 2.5),
    ({}, "EasyR1", "actor/kl_loss", "k3", TOK, "approximate", 5.0),
    ({**SUMS, **STATED}, "ROLL", "actor/kl_loss", "k3", SEQ, "exact", 0.5),
    (SUMS, "ROLL", "actor/kl_loss", "k3", SEQ, "exact", 0.5),
    ({**MEANS, **STATED}, "ROLL", "actor/kl_loss", "k3", TOK, "approximate", 5.0),
    (MEANS, "ROLL", "actor/kl_loss", "k3", TOK, "approximate", 5.0),
    ({**TOKENS, **STATED}, "ROLL", "actor/kl_loss", "k3", TOK, "approximate", 5.0),
    (TOKENS, "ROLL", "actor/kl_loss", "k3", TOK, "approximate", 5.0),
    (STATED, "ROLL", "critic/kl", None, TOK, "approximate", 2.5),
    ({}, "ROLL", "critic/kl", None, TOK, "approximate", 2.5),
    (STATED, "ROLL", "actor/kl_loss", "k3", None, "unknown", 0.5),
    ({}, "ROLL", "actor/kl_loss", "k3", None, "unknown", 0.5),
    ({"actor": {"loss_agg_mode": "seq-mean-token-sum"}}, "verl", "actor/kl_loss", "k3", SEQ,
     "exact", 0.5),
    ({}, "verl", "actor/reward_kl_penalty", "k1", TOK, "approximate", 2.5),
    ({"actor": {"loss_agg_mode": "token-mean", "kl_loss_type": "kl"}}, "verl", "actor/kl_loss",
     "k1", TOK, "approximate", 5.0),
    ({"actor/loss_agg_mode": "seq-mean-token-mean"}, "verl", "actor/kl_loss", "k3", TOK,
     "approximate", 5.0),
    ({}, "verl", "critic/kl", "k1", TOK, "approximate", 2.5),
    ({"actor": {"loss_agg_mode": "seq-mean-token-sum-norm"}}, "verl", "actor/kl_loss", "k3", None,
     "unknown", 0.5),
    ({"algo": {"kl": {"use_loss": True, "estimator": "k2"}, "actor": {"loss_agg_mode":
     "token-mean"}}}, "OpenRLHF", "kl", "k2", TOK, "unreliable", 5.0),
    ({"use_kl_loss": True}, "OpenRLHF", "kl", "k1", None, "unknown", 0.5),
    ({"algo": {"kl": {"use_loss": False, "estimator": "k3"}}}, "OpenRLHF", "kl", "k3", TOK,
     "approximate", 5.0),
    ({}, "OpenRLHF", "kl", "k1", TOK, "approximate", 5.0),
    ({"algo": {"kl": {"estimator": "k3"}}}, "OpenRLHF", "logprobs_diff", "k1", TOK, "approximate",
     7.5),
    ({}, "NeMo-RL", "kl_penalty", "k3", TOK, "exact", 5.0),
    ({}, "ART", "loss/kl_policy_ref", "k1", TOK, "approximate", 5.0),
    ({}, "TRL GRPO", "kl", "k3", TOK, "exact", 5.0),
    ({}, "TRL RLOO", "kl", "k1", TOK, "exact", -5.0),
    ({"advantage_estimator": "rloo", "beta": 0.5}, "ms-swift", "kl", "k1", SEQ, "exact", 0.5),
    ({"advantage_estimator": "grpo"}, "ms-swift", "kl", "k3", TOK, "exact", 5.0),
    ({}, "ms-swift", "kl", None, None, "unknown", 0.5),
]  # fmt: skip
SECOND = [number for number, entry in enumerate(KL_TABLE) if (entry.dialect, entry.key) in {
    ("openrlhf", "logprobs_diff"), ("skyrl", "loss/avg_kl"), ("tunix", "actor/train/kl_loss"),
    ("open_instruct", "objective/kl2_avg"), ("easyr1", "actor/kl_loss"),
} or (entry.dialect == "roll" and entry.unit is None)]  # fmt: skip
"""Rows whose KL is not the best of its trainer: it is used where it is asked for."""

# What the trainers log of a KL, by dialect (None: whatever the trainer): nothing of it is unknown.
DOCUMENTED: dict[str | None, str] = {
    "grpo": "kl", "rloo": "kl", "async_grpo": "kl", "kto": "kl", "grpo_0_15": "kl",
    "online_dpo": "objective/kl", "ppo": "objective/kl", "rloo_v1": "objective/kl",
    "ppo_0_11": "objective/kl", "verl": "actor/reward_kl_penalty actor/kl_loss",
    "openrlhf": "kl logprobs_diff", "unsloth": "kl", "ms_swift": "kl", "tinker": "kl_policy_base",
    "slime": "kl_loss rollout/kl", "skyrl": "policy/policy_kl loss/avg_kl", "oat": "kl3",
    "open_instruct": "objective/kl0_avg objective/kl2_avg", "areal": "ppo_actor/kl_rewards/avg",
    "tunix": "actor/train/kl actor/train/kl_loss", "roll": "actor/kl_loss critic/kl",
    "easyr1": "actor/kl_loss actor/kl_penalty", "nemo_rl": "kl_penalty",
    "art": "loss/kl_policy_ref", "prime_rl": "ref_kl",
    None: "policy/approxkl_avg objective/kl_coef actor/reward_kl_penalty_coeff actor/kl_coef "
          "actor/ppo_kl rollout_corr/kl rollout_corr/k3_kl ppo_kl vllm_kl",
}  # fmt: skip


def test_every_kl_that_a_trainer_logs_is_used_or_refused_by_name() -> None:
    known = {(entry.dialect, entry.key) for entry in (*KL_TABLE, *NOT_POLICY)}
    for dialect, keys in DOCUMENTED.items():
        assert {(dialect, key) for key in keys.split()} <= known


def test_openrlhfs_second_kl_is_used_where_it_is_asked_for() -> None:
    """Its kl is clamped; logprobs_diff is not, and with use_loss it holds nothing but zeros."""
    run = first(OPENRLHF, kl="logprobs_diff")
    assert (run.facts.kl_key, run.facts.kl_estimator) == ("logprobs_diff", "k1")
    last = run.metrics.filter(phase="train", step=12)
    assert last.get_column("kl").to_list() == [pytest.approx(0.24 * 62, rel=1e-6)]
    zeros = first(OPENRLHF.parent / "use_loss_llama", kl="logprobs_diff")
    assert zeros.metrics.get_column("kl").null_count() == zeros.metrics.height
    assert zeros.facts.kl_conversion == "missing"


def test_every_row_of_the_kl_table_has_a_case_and_evidence() -> None:
    assert [(entry.key, entry.unit) for entry in KL_TABLE] == [(c[2], c[4]) for c in CASES]
    for entry in (*KL_TABLE, *NOT_POLICY):
        assert re.search(r"^[A-Za-z].*\.py:\d|SOURCE.txt", entry.evidence), entry


@pytest.mark.parametrize("number", range(len(KL_TABLE)))
def test_kl_table_row(tmp_path: Path, number: int) -> None:
    entry, (settings, trainer, key, estimator, unit, conversion, kl) = (
        KL_TABLE[number],
        CASES[number],
    )
    count = 3 if entry.dialect == "grpo_or_rloo" else 12
    row = dict(ROWS[entry.dialect])
    if entry.when == () and entry.dialect == "openrlhf" and key == "kl":
        del row["logprobs_diff"]  # with it the rows themselves say which of the two it is
    if entry.dialect == "verl" and key != "actor/reward_kl_penalty":
        del row["actor/reward_kl_penalty"]
    if entry.dialect == "verl" and key == "critic/kl":
        row[key] = 0.25
    if entry.dialect == "ms_swift" and settings.get("beta"):
        row |= {"rewards/f/mean": 1.0, "reward": 1.0 - 0.5 * row["kl"]}
    scalars = Scalars(path="x", format="trl", logging_steps=1, config={"args": settings})
    for step in range(1, count + 1):
        scalars.put("train", step, {**row})
    facts, warnings = RunFacts(), list[str]()
    options = ReadOptions(kl=key if number in SECOND else None)
    frame = run_frame(scalars, options, facts, warnings)
    assert (facts.trainer, facts.kl_key) == (trainer, key)
    assert (facts.kl_estimator, facts.kl_logged_unit) == (estimator, unit or "unknown")
    assert (facts.kl_conversion, facts.kl_reference) == (conversion, entry.reference)
    assert frame.get_column("kl").to_list() == [kl] * count
    # Where nothing says whether ms-swift's penalty is off the reward, that is no proxy.
    hidden = entry.dialect == "ms_swift" and entry.conversion == "unknown"
    assert frame.get_column("proxy_reward").to_list() == [None if hidden else 1.0] * count
    note = entry.note.replace(entry.estimator, estimator) if estimator else entry.note
    assert facts.kl_note.startswith(note)


NEVER = (
    "actor/approxkl", "actor/policykl", "optim/kl_sample_train_v1", "train/kl_sample_train_v2",
    "optim/kl_pre_post_v1", "mismatch_kl/all/mean", "rollout_mismatch_kl", "gen_kl_error",
    "train/policy_kl_error", "js_divergence_error", "ppo_actor/update/approx_kl/avg",
    "x/behave_approx_kl/max", "offpolicy/kl", "train_rollout_logprob_abs_diff", "opd_reverse_kl",
    "teacher_kl", "fipo/future_kl_mean", "rollout_corr/chi_kl", "train/kl_loss", "loss/kl_avg",
    "train/kl_coef",
)  # fmt: skip


@pytest.mark.parametrize("key", NEVER)
@pytest.mark.parametrize("prefix", ["", "any/", "train/"])
def test_never_the_axis_under_any_prefix(key: str, prefix: str) -> None:
    assert dialects.why_not(prefix + key)


@pytest.mark.parametrize("key", ["kl", "policy/policy_kl", "actor/kl_loss", "kl_div", "kl_ref"])
def test_what_may_be_the_kl_is_not_refused(key: str) -> None:
    assert not dialects.why_not(key)


def test_prime_rl_logs_no_kl_to_the_initial_policy() -> None:
    scalars = Scalars(path="x", format="table", logging_steps=1)
    scalars.put("train", 1, dict(ROWS["prime_rl"]))
    for key in (None, "ref_kl/all/mean", "mismatch_kl/all/mean"):
        facts = RunFacts()
        frame = run_frame(scalars, ReadOptions(kl=key), facts, [])
        assert frame.get_column("kl").null_count() == 1
        assert facts.kl_conversion == "missing" and facts.kl_note


def test_roll_without_a_reference_model_has_no_kl() -> None:
    scalars = Scalars(path="x", format="wandb", config={"args": {"enable_reference": False}})
    scalars.put("train", 1, dict(ROWS["roll"]))
    facts = RunFacts()
    frame = run_frame(scalars, ReadOptions(), facts, [])
    assert frame.get_column("kl").to_list() == [None]
    assert "old policy" in facts.kl_note


@pytest.mark.parametrize("text", ["x", "0", "nan", "inf"])
def test_a_coefficient_is_a_number(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text("step,kl\n1,2\n")
    (skip,) = read([tmp_path / "t.csv"], ReadOptions(kl_coefficient=text))
    assert f"--kl-coefficient {text}" in skip.reason


def test_an_explicit_key_chooses_among_a_trainers_kls() -> None:
    scalars = Scalars(path="x", format="verl", logging_steps=1)
    scalars.put("train", 1, dict(ROWS["verl"]))
    for key, kl in (("actor/reward_kl_penalty", 2.5), ("actor/kl_loss", 0.5)):
        facts = RunFacts()
        frame = run_frame(scalars, ReadOptions(kl=key), facts, [])
        assert (facts.kl_key, frame.get_column("kl").to_list()) == (key, [kl])
    facts = RunFacts()
    frame = run_frame(scalars, ReadOptions(kl="actor/kl_loss", kl_unit="nats/token"), facts, [])
    assert (frame.get_column("kl").to_list(), facts.kl_conversion) == ([5.0], "approximate")


def test_averaged_rows_are_approximate(tmp_path: Path) -> None:
    history = [{"step": step, **ROWS["grpo"]} for step in range(5, 100, 5)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    facts = first(tmp_path).facts
    assert facts.kl_conversion == "approximate"
    assert "averages several steps" in facts.kl_note


@pytest.mark.parametrize("dialect", NO_KL_DIALECTS)
def test_dialects_whose_kl_is_another(dialect: str) -> None:
    settings = {"max_staleness": 4} if dialect == "async_grpo" else {}
    row = {"kl": 0.1, "rewards/chosen": 1.0, "logps/chosen": -1.0, "rewards/margins": 0.1}
    keys = list(ROWS["grpo"]) if dialect == "async_grpo" else list(row)
    found = dialect_of(keys, settings, [0.1] * 20)
    assert found is not None
    assert found.name == dialect


@pytest.mark.parametrize("mark", [("weight_sync_time_s",), ("ratio", "train_seq_len")])
def test_async_grpo_is_told_from_its_keys_alone(tmp_path: Path, mark: tuple[str, ...]) -> None:
    row = {**ROWS["grpo"], **dict.fromkeys(mark, 1.0)}
    history = [{"step": step, **row} for step in range(1, 20)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    for options in ({}, {"kl": "kl"}):
        run = first(tmp_path, **options)
        assert run.facts.trainer == "TRL AsyncGRPO"
        assert run.metrics.get_column("kl").null_count() == 19
        assert "rollout policy" in run.facts.kl_note


def test_kto_has_no_policy_kl(tmp_path: Path) -> None:
    row = {"kl": 0.1, "rewards/chosen": 1.0, "logps/chosen": -1.0, "rewards/margins": 0.1}
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": 1, **row}]}))
    run = first(tmp_path)
    assert run.metrics.get_column("kl").to_list() == [None]
    assert (run.facts.kl_conversion, run.facts.proxy_key) == ("missing", None)
    assert "KTO" in run.facts.kl_note


@pytest.mark.parametrize("key", NOT_POLICY_KL)
def test_keys_that_are_never_the_kl(tmp_path: Path, key: str) -> None:
    (tmp_path / "t.csv").write_text(f"step,proxy,gold,{key}\n1,2,3,4\n")
    for options in ({}, {"kl": key, "kl_unit": "nats"}):
        run = first(tmp_path / "t.csv", **options)
        assert run.metrics.get_column("kl").to_list() == [None]
        assert key in run.facts.kl_note
        assert run.metrics.get_column(key).to_list() == [4.0]


@pytest.mark.parametrize("unit", UNITS)
def test_kl_unit(tmp_path: Path, unit: str) -> None:
    (tmp_path / "t.csv").write_text("step,proxy,gold,drift,response_length\n1,2,3,4,10\n")
    run = first(tmp_path / "t.csv", kl="drift", kl_unit=unit, kl_estimator="k1")
    expected = 4.0 * (math.log(2) if "bits" in unit else 1) * (10 if "token" in unit else 1)
    assert run.metrics.get_column("kl").to_list() == [pytest.approx(expected, rel=1e-15)]
    assert run.facts.kl_estimator == "k1"
    assert (run.facts.kl_conversion, run.facts.kl_reference) == ("as_stated", None)
    log = first(tmp_path / "t.csv", kl="drift", kl_unit=unit, kl_reference="other")
    assert log.facts.kl_reference == "other"


def test_every_dialect_is_told_from_its_keys() -> None:
    for dialect in DIALECTS:
        if dialect.name in ROWS:
            found = dialect_of(list(ROWS[dialect.name]), {}, [])
            assert found is not None
            assert found.name == dialect.name


@pytest.mark.parametrize("dialect", [d for d, keys in PROXY_OF_DIALECT.items() if keys])
def test_proxy_of_dialect_is_before_the_penalty(dialect: str) -> None:
    for key in PROXY_OF_DIALECT[dialect]:
        assert not dialects.INCLUDE_KL or key not in dialects.INCLUDE_KL
    assert matching(PROXY_OF_DIALECT[dialect][0], list(ROWS[dialect]))


def test_a_trainer_is_one_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    """KL, proxy, length and number of responses of a new trainer follow from its dialect."""
    toy = Dialect(
        "toy", "Toy", has("toy/kl_ref"),
        kls=(LoggedKL("toy/kl_ref", "k1", TOK, "initial_policy", "exact", "k1", "toy.py:1"),),
        proxy=("toy/score",),
        columns={"response_length": ("toy/tokens",)},
        responses=lambda settings, window: 8 * window,
    )  # fmt: skip
    monkeypatch.setattr(dialects, "DIALECTS", (toy, *DIALECTS))
    scalars = Scalars(path="x", format="toy", logging_steps=1)
    row = {"toy/kl_ref": 0.25, "toy/score": 2.0, "toy/tokens": 12.0, "response_length": 99.0}
    scalars.put("train", 1, row)
    facts = RunFacts()
    frame = run_frame(scalars, ReadOptions(), facts, [])
    wanted = ("kl", "proxy_reward", "response_length", "n_responses")
    assert frame.select(wanted).rows() == [(3.0, 2.0, 12.0, 8)]
    assert (facts.trainer, facts.kl_key, facts.kl_estimator) == ("Toy", "toy/kl_ref", "k1")


def test_reward_functions() -> None:
    assert reward_functions(["rewards/f/mean", "rewards/f/std", "rewards/chosen"]) == {
        "f": "rewards/f/mean"
    }
    assert reward_functions(["rewards/f", "rewards/chosen", "rewards/margins"]) == {
        "f": "rewards/f"
    }


@pytest.mark.parametrize(
    ("functions", "proxy", "gold", "candidates"),
    [
        ({"a": 1.0, "b": 5.0}, "a", "b", []),  # the one that is the total is trained on
        ({"a": 1.0, "b": 5.0, "c": 6.0}, "a", None, ["b", "c"]),
        ({"a": 1.0, "gold_b": 5.0, "c": 6.0}, "a", "gold_b", []),
        ({"a": 0.4, "b": 0.6}, "reward", None, ["a", "b"]),  # parts of the total, not gold
        ({"a": 0.5}, "reward", None, []),  # weight 2: the only function is no gold
        ({"a": 1.0}, "a", None, []),
    ],
)
def test_roles(
    tmp_path: Path,
    functions: dict[str, float],
    proxy: str,
    gold: str | None,
    candidates: list[str],
) -> None:
    row = {f"rewards/{name}/mean": value for name, value in functions.items()}
    history = [
        {"step": s, "reward": 1.0 * s, "num_tokens": 1, **{k: v * s for k, v in row.items()}}
        for s in range(1, 5)
    ]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    run = first(tmp_path)
    assert run.facts.proxy_key == ("reward" if proxy == "reward" else f"rewards/{proxy}/mean")
    assert run.facts.gold_key == (gold and f"rewards/{gold}/mean")
    assert run.facts.gold_candidates == [f"rewards/{name}/mean" for name in candidates]
    assert any("--gold" in warning for warning in run.warnings) == (gold is None)


@pytest.mark.parametrize(
    ("key", "low", "high", "kind"),
    [
        ("eval_acc", 9.4, 56.2, "rate"),
        ("rewards/accuracy_reward/mean", 0.0, 1.0, "rate"),
        ("pass@1", 0.1, 0.9, "rate"),
        ("eval_acc", -1.0, 2.0, "score"),
        ("win_rate_vs_base", 0.2, 0.7, "win_rate"),
        ("gold_rm", 0.1, 0.9, "score"),
        ("space_reward", 0.1, 0.9, "score"),
        ("accumulated", 0.1, 0.9, "score"),
    ],
)
def test_gold_kind(key: str, low: float, high: float, kind: str) -> None:
    assert gold_kind_of(key, low, high) == kind
