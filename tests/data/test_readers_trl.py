"""Reading TRL's own logs: exact values, one curve from every store, nothing counted twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from data.columns import METRIC_COLUMNS, SAMPLE_COLUMNS, ReadOptions, RunLog, Skip
from data.readers import read

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
LOGS = Path(__file__).resolve().parent / "logs"
CURVE = ["phase", "step", "kl", "proxy_reward", "gold_reward"]


def one(*paths: Path, **options: object) -> RunLog:
    found = list(read(list(paths), ReadOptions(**options)))  # type: ignore[arg-type]
    assert len(found) == 1, found
    assert isinstance(found[0], RunLog), found[0]
    return found[0]


def at(run: RunLog, step: int, phase: str = "train") -> dict[str, float]:
    return run.metrics.filter(phase=phase, step=step).row(0, named=True)


@pytest.fixture(scope="module")
def r3() -> RunLog:
    return one(EXAMPLES / "r3_grpo_bigrm")


@pytest.fixture(scope="module")
def r6() -> RunLog:
    return one(EXAMPLES / "r6_grpo_resume")


def test_grpo_first_and_last_row(r3: RunLog) -> None:
    first, last = at(r3, 2), at(r3, 400)
    assert (r3.run, r3.parent, r3.format, r3.verbatim) == (
        "r3_grpo_bigrm",
        "examples",
        "trl",
        False,
    )
    assert first["kl"] == 0.0
    assert first["proxy_reward"] == pytest.approx(0.12906571, rel=1e-7)
    assert first["gold_reward"] == pytest.approx(0.06839673, rel=1e-6)
    assert first["proxy_reward_sd"] == 0.9405068159103394
    assert first["gold_reward_sd"] == 0.9270375370979309
    assert last["kl"] == pytest.approx(0.9738060534000397 * 43.28125, rel=1e-15)
    assert last["kl_logged"] == 0.9738060534000397
    assert last["proxy_reward"] == 2.0979058146476746
    assert last["gold_reward"] == -0.940833255648613
    assert last["n_responses"] == 96  # 48 a step, two steps a row


def test_grpo_facts(r3: RunLog) -> None:
    facts = r3.facts
    assert facts.trainer == "TRL GRPO"
    assert (facts.kl_key, facts.kl_estimator, facts.kl_logged_unit) == ("kl", "k3", "nats/token")
    assert (facts.kl_reference, facts.kl_conversion) == ("initial_policy", "approximate")
    assert facts.proxy_key == "rewards/proxy_rm/mean"
    assert facts.gold_key == "rewards/gold_rm/mean"
    assert facts.checkpoints == [300, 400]
    assert facts.max_steps == 400
    assert facts.config["beta"] == 0.01
    assert facts.config["reward_weights"] == [1.0, 0.0]
    assert (facts.steps_replaced, facts.nan_rows, facts.gold_kind) == (0, 0, "score")
    assert {(s["format"], s["rows"]) for s in facts.sources} == {
        ("trainer_state", 200),
        ("tensorboard", 200),
        ("completions", 9600),
    }


def test_frames_start_with_the_declared_columns(r3: RunLog) -> None:
    for frame, declared in ((r3.metrics, METRIC_COLUMNS), (r3.samples, SAMPLE_COLUMNS)):
        assert frame.columns[: len(declared)] == list(declared)
        assert {c: frame.schema[c] for c in declared} == declared
    assert r3.metrics.height == 200
    assert r3.metrics.get_column("run_id").unique().to_list() == ["r3_grpo_bigrm"]


def test_further_keys_stay_under_their_logged_names(r3: RunLog) -> None:
    last = at(r3, 400)
    assert last["hallucination_rate"] == 0.29403793811798096
    assert last["reward"] == 2.097905695438385
    assert last["clip_ratio/high_max"] == 0.0
    assert last["num_tokens"] == 629529.0
    assert "train_runtime" not in r3.metrics.columns


@pytest.mark.parametrize(
    ("part", "format", "conversion"),
    [
        ("trainer_state.json", "trl", "approximate"),
        ("tb", "tensorboard", "approximate"),
        ("checkpoint-400", "trl", "approximate"),
    ],
)
def test_every_store_of_a_run_gives_the_same_curve(
    r3: RunLog, part: str, format: str, conversion: str
) -> None:
    alone = one(EXAMPLES / "r3_grpo_bigrm" / part)
    assert (alone.run, alone.format) == ("r3_grpo_bigrm", format)
    assert alone.facts.kl_estimator == "k3"
    assert alone.facts.kl_conversion == conversion
    assert alone.metrics.height == r3.metrics.height
    for column in CURVE[2:]:
        ours, folder = alone.metrics.get_column(column), r3.metrics.get_column(column)
        assert ((ours - folder).abs() <= 1e-6 * folder.abs() + 1e-12).all(), column


def test_a_run_named_in_pieces_is_one_run(r3: RunLog) -> None:
    folder = EXAMPLES / "r3_grpo_bigrm"
    pieces = one(folder / "tb", folder / "completions", folder / "trainer_state.json", folder)
    assert pieces.metrics.equals(r3.metrics)
    assert pieces.samples.equals(r3.samples)


def test_the_longest_state_wins(tmp_path: Path) -> None:
    source = EXAMPLES / "r3_grpo_bigrm"
    for name in ("checkpoint-300", "checkpoint-400"):
        shutil.copytree(source / name, tmp_path / "run" / name)
    run = one(tmp_path / "run")
    assert run.metrics.height == 200
    (tmp_path / "run" / "checkpoint-400" / "trainer_state.json").write_text("{")
    skip, shorter = read([tmp_path], ReadOptions())
    assert isinstance(skip, Skip)
    assert "checkpoint-400" in skip.path
    assert isinstance(shorter, RunLog)
    assert shorter.metrics.height == 150
    assert shorter.facts.checkpoints == [300, 400]


def test_completions_become_samples(r3: RunLog) -> None:
    samples = r3.samples
    assert samples.height == 200 * 48
    first = samples.row(0, named=True)
    assert (first["step"], first["phase"], first["sample_id"]) == (2, "train", 0)
    assert first["prompt"] == "describe gagofar :"
    assert first["completion"].startswith("i am not sure about the dish .")
    assert first["proxy_reward"] == pytest.approx(-0.227761, abs=1e-6)
    assert first["gold_reward"] == pytest.approx(-0.396406, abs=1e-6)
    assert {"n_fact", "n_wrong", "advantage"} <= set(samples.columns)
    assert "proxy_rm" not in samples.columns
    key = ["phase", "step", "prompt_id", "sample_id"]
    assert samples.select(key).n_unique() == samples.height
    of_prompt = samples.filter(prompt="describe gagofar :").get_column("prompt_id")
    assert of_prompt.n_unique() == 1


def test_rloo_is_k1(tmp_path: Path) -> None:
    run = one(EXAMPLES / "r5_rloo")
    assert (run.facts.trainer, run.facts.kl_estimator) == ("TRL RLOO", "k1")
    assert run.metrics.height == 150
    assert run.samples.is_empty()
    first, last = at(run, 2), at(run, 300)
    assert first["kl"] == 0.0
    assert first["proxy_reward"] == -0.07965148985385895
    assert first["gold_reward"] == 0.06839673453941941
    assert last["kl"] == pytest.approx(3.9445921182632446 * 44.0, rel=1e-15)
    assert last["proxy_reward"] == 14.997718811035156
    assert last["gold_reward"] == -4.565701007843018
    # A slightly negative k1 is an honest value, and it tells RLOO where no settings do.
    shutil.copy(EXAMPLES / "r5_rloo" / "trainer_state.json", tmp_path)
    alone = one(tmp_path / "trainer_state.json")
    assert (alone.facts.trainer, alone.facts.kl_estimator) == ("TRL RLOO", "k1")
    assert alone.metrics.get_column("kl").min() < 0


def test_settings_tell_rloo_in_a_log_too_short_to_show_it(tmp_path: Path) -> None:
    state = json.loads((EXAMPLES / "r5_rloo" / "trainer_state.json").read_text())
    state["log_history"] = state["log_history"][:2]
    (tmp_path / "trainer_state.json").write_text(json.dumps(state))
    short = one(tmp_path)
    assert (short.facts.trainer, short.facts.kl_estimator) == (None, None)
    assert short.facts.kl_logged_unit == "nats/token"
    shutil.copytree(EXAMPLES / "r5_rloo" / "tb", tmp_path / "tb")
    assert one(tmp_path).facts.kl_estimator == "k1"


def test_resume_and_evaluation(r6: RunLog) -> None:
    phases = r6.metrics.get_column("phase").to_list()
    assert (phases.count("train"), phases.count("eval")) == (80, 8)
    assert r6.facts.steps_replaced == 8
    evaluated = at(r6, 20, "eval")
    assert evaluated["kl"] == pytest.approx(0.009818418882787228 * 20.234375, rel=1e-15)
    assert evaluated["proxy_reward"] == 0.3094651699066162
    assert evaluated["gold_reward"] == -0.10378947108983994
    assert evaluated["n_responses"] is None
    assert at(r6, 20)["gold_reward"] != evaluated["gold_reward"]
    state = one(EXAMPLES / "r6_grpo_resume" / "trainer_state.json")
    assert state.facts.steps_replaced == 0
    assert state.metrics.height == 88


def test_later_event_file_wins(r6: RunLog) -> None:
    events = one(EXAMPLES / "r6_grpo_resume" / "tb")
    assert events.facts.steps_replaced == 8
    assert events.metrics.height == 88
    for column in CURVE[2:]:
        ours, folder = events.metrics.get_column(column), r6.metrics.get_column(column)
        assert ((ours - folder).abs() <= 1e-6 * folder.abs() + 1e-12).all(), column


def test_completions_with_evaluation_rows_are_mixed(r6: RunLog) -> None:
    mixed = r6.samples.filter(phase="mixed").get_column("step").unique().sort().to_list()
    assert mixed == [20, 40, 60, 80, 100, 120, 140, 160]
    assert r6.samples.filter(phase="mixed").height == 8 * 48
    assert any("mix training and evaluation" in warning for warning in r6.warnings)


def test_online_dpo_kl_is_labelled_unreliable() -> None:
    run = one(LOGS / "r8_online_dpo")
    assert run.facts.trainer == "TRL OnlineDPO"
    assert run.facts.kl_conversion == "unreliable"
    assert (run.facts.kl_estimator, run.facts.kl_logged_unit) == ("k1", "nats/sequence")
    assert (run.facts.proxy_key, run.facts.gold_key) == ("objective/scores", None)
    last = at(run, 120)
    assert last["kl"] == 3.7352553606033325
    assert last["proxy_reward"] == 2.3627041578292847
    assert run.metrics.get_column("gold_reward").null_count() == 60
    assert last["rewards/chosen"] == 0.6257798671722412  # kept, but never a reward function


def test_ppo_kl_is_per_response_as_logged() -> None:
    run = one(LOGS / "r9_ppo_trl1.9")
    assert run.facts.trainer == "TRL PPO"
    assert (run.facts.kl_key, run.facts.kl_conversion) == ("objective/kl", "exact")
    assert run.facts.gold_key is None
    last = at(run, 50)
    assert last["kl"] == 0.23403030633926392
    assert last["proxy_reward"] == 0.5564919114112854
    assert last["entropy"] == 0.32242849469184875
    assert last["policy/approxkl_avg"] == 5.0541828500172414e-09
    refused = one(LOGS / "r9_ppo_trl1.9", kl="policy/approxkl_avg")
    assert refused.metrics.get_column("kl").null_count() == 50
    assert "previous policy" in refused.facts.kl_note


def test_options_choose_proxy_and_gold() -> None:
    folder = EXAMPLES / "r3_grpo_bigrm" / "trainer_state.json"
    run = one(folder, proxy="gold_rm", gold="hallucination_rate", gold_kind="rate")
    assert run.facts.proxy_key == "rewards/gold_rm/mean"
    assert run.facts.gold_key == "hallucination_rate"
    assert run.facts.gold_kind == "rate"
    assert at(run, 400)["gold_reward"] == 0.29403793811798096
    (skip,) = read([folder], ReadOptions(gold="no_such_key"))
    assert isinstance(skip, Skip)
    assert "no_such_key" in skip.reason
    assert "rewards/gold_rm/mean" in skip.reason


def test_per_token_kl_without_a_length_is_missing(tmp_path: Path) -> None:
    rows = [{"step": s, "kl": 0.1 * s, "reward": 1.0, "num_tokens": 9.0} for s in range(1, 15)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    run = one(tmp_path)
    assert run.metrics.get_column("kl").null_count() == 14
    assert run.facts.kl_conversion == "missing"
    assert any("no response length" in warning for warning in run.warnings)


def test_rows_without_a_generation_keep_their_kl(tmp_path: Path) -> None:
    """steps_per_generation > logging_steps: every second row has kl but no reward (trap 11)."""
    run_dir = tmp_path / "r7"
    shutil.copytree(EXAMPLES / "r3_grpo_bigrm" / "completions", run_dir / "completions")
    state = json.loads((EXAMPLES / "r3_grpo_bigrm" / "trainer_state.json").read_text())
    for row in state["log_history"][1::2]:
        for key in [
            k for k in row if k.startswith(("reward", "completions/")) or k == "num_tokens"
        ]:
            del row[key]
        before, now = (
            run_dir / "completions" / f"completions_{step:05d}.parquet"
            for step in (row["step"] - 2, row["step"])
        )
        repeated = pl.read_parquet(before).with_columns(step=pl.lit(row["step"]))
        repeated.write_parquet(now)
    (run_dir / "trainer_state.json").write_text(json.dumps(state))
    run = one(run_dir)
    assert run.metrics.height == 200
    row = at(run, 400)
    assert row["gold_reward"] is None
    assert row["proxy_reward"] is None
    assert row["kl"] == pytest.approx(0.9738060534000397 * at(run, 398)["response_length"])
    assert run.samples.height == 100 * 48
    assert any("not counted" in warning for warning in run.warnings)


def test_nan_is_counted_and_becomes_null(tmp_path: Path) -> None:
    text = (EXAMPLES / "r3_grpo_bigrm" / "trainer_state.json").read_text()
    text = text.replace("-0.940833255648613", "NaN").replace("0.9738060534000397", "1e400")
    (tmp_path / "trainer_state.json").write_text(text)
    run = one(tmp_path)
    assert run.facts.nan_rows == 1
    assert at(run, 400)["gold_reward"] is None
    assert at(run, 400)["kl"] is None


def test_chats_are_flattened(tmp_path: Path) -> None:
    chat = [[{"role": "user", "content": "hi"}], [{"role": "user", "content": "hi"}]]
    frame = pl.DataFrame(
        {
            "step": [1, 1],
            "prompt": chat,
            "completion": [[{"role": "assistant", "content": t}] for t in ("a", "<b>b</b>")],
            "gold_rm": [0.5, 1.5],
            "advantage": [0.0, 1.0],
        }
    )
    folder = tmp_path / "run" / "completions"
    folder.mkdir(parents=True)
    frame.write_parquet(folder / "completions_00001.parquet")
    run = one(tmp_path / "run", gold="gold_rm")
    assert run.samples.get_column("prompt").to_list() == ["user: hi", "user: hi"]
    assert run.samples.get_column("completion").to_list()[1] == "assistant: <b>b</b>"
    assert run.samples.get_column("gold_reward").to_list() == [0.5, 1.5]
    assert run.metrics.is_empty()


def test_a_broken_store_beside_is_one_skip(tmp_path: Path) -> None:
    run_dir = tmp_path / "r5"
    shutil.copytree(EXAMPLES / "r5_rloo", run_dir)
    (run_dir / "trackio").mkdir()
    (run_dir / "trackio" / "lab.db").write_bytes(b"SQLite")
    skip, run = read([run_dir], ReadOptions())
    assert isinstance(skip, Skip)
    assert "not an SQLite database" in skip.reason
    assert isinstance(run, RunLog)
    assert run.metrics.height == 150
