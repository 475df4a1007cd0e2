"""Tables that were read wrongly without a word: whose KL, whose rows, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from data import readers
from data.columns import ReadOptions, RunLog, Skip

N = 12
STEP = list(range(1, N + 1))
Columns = dict[str, Sequence[object]]
OURS: Columns = {
    "step": STEP,
    "kl": [0.001 * s for s in STEP],
    "proxy_reward": [0.1 * s for s in STEP],
    "gold_reward": [0.1 * s * (9 - s) for s in STEP],
}


def logs(place: Path, columns: Columns, below: str = "") -> list[RunLog | Skip]:
    file = place / "t.csv"
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    file.write_text("\n".join([",".join(columns), *([below] if below else []), *rows]) + "\n")
    return list(readers.read([file], ReadOptions()))


def runs(found: Sequence[RunLog | Skip]) -> list[RunLog]:
    assert all(isinstance(log, RunLog) for log in found), found
    return [log for log in found if isinstance(log, RunLog)]


@pytest.mark.parametrize("key", [
    "completions/mean_length", "num_tokens", "ppo_kl", "train/vllm_kl", "actor/grad_norm",
    "rewards/rm/mean", "critic_lr", "clip_ratio/region_mean", "completions.mean_length",
    "completions_mean_length",
])  # fmt: skip
def test_kl_beside_a_trainers_key_is_not_called_exact(tmp_path: Path, key: str) -> None:
    [log] = runs(logs(tmp_path, {**OURS, key: [20 + s for s in STEP]}))
    assert log.facts.kl_conversion != "exact"
    assert any("kl" in warning.lower() for warning in log.warnings)


@pytest.mark.parametrize("key", ["response_length", "learning_rate", "loss", "entropy"])
def test_kl_beside_anybodys_words_stays_ours(tmp_path: Path, key: str) -> None:
    [log] = runs(logs(tmp_path, {**OURS, key: [20 + s for s in STEP]}))
    assert log.facts.kl_conversion == "exact"


@pytest.mark.parametrize(("cell", "factor"), [
    ("nats/token", 20), ("[nats per token]", 20), ("(bits/token)", 20 * 0.6931471805599453),
    ("nats/sequence", 1),
])  # fmt: skip
def test_a_row_of_units_below_the_headings_is_heeded(
    tmp_path: Path, cell: str, factor: float
) -> None:
    table = {**OURS, "response_length": [20] * N}
    [log] = runs(logs(tmp_path, table, below=f"-,{cell},-,-,tokens"))
    assert log.metrics["kl"].to_list() == pytest.approx([0.001 * s * factor for s in STEP])
    assert log.metrics.height == N


@pytest.mark.parametrize("arm", ["method", "beta", "Algorithm", "rm_size"])
def test_a_long_table_loses_no_arm(tmp_path: Path, arm: str) -> None:
    rows = [
        (name, step, key, factor * float(str(OURS[key][i])))
        for name, factor in (("0.1", 1), ("0.2", 2))
        for i, step in enumerate(STEP)
        for key in ("kl", "proxy_reward", "gold_reward")
    ]
    names, steps, keys, values = (list(column) for column in zip(*rows, strict=True))
    table: Columns = {arm: names, "step": steps, "metric": keys, "value": values}
    found = runs(logs(tmp_path, table))
    assert sorted(log.metrics["kl"][-1] for log in found) == pytest.approx([0.012, 0.024])


@pytest.mark.parametrize("names", [("3M", "300M"), ("1.3B", "6B"), ("8 bit", "16 bit")])
def test_arms_whose_names_begin_with_a_digit_are_no_restart(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    table: Columns = {"size": [n for n in names for _ in STEP]}
    table |= {key: [*values, *(v * f for v in values)]  # type: ignore[operator]
              for key, values in OURS.items() for f in [1 if key == "step" else 2]}  # fmt: skip
    assert [log.metrics.height for log in runs(logs(tmp_path, table))] == [N, N]


@pytest.mark.parametrize(("clock", "times"), [
    ("timestamp", [f"2026-01-01 10:{s:02}:00" for s in STEP]),
    ("date", [f"2026-01-{s:02}" for s in STEP]),
    ("epoch", [s / 10 for s in STEP]),
])  # fmt: skip
def test_a_table_with_its_newest_row_first_is_turned(
    tmp_path: Path, clock: str, times: Sequence[object]
) -> None:
    table = {clock: times, **{k: v for k, v in OURS.items() if k != "step"}}
    turned = {key: list(values)[::-1] for key, values in table.items()}
    [as_is], [back] = runs(logs(tmp_path, table)), runs(logs(tmp_path, turned))
    assert as_is.metrics["kl"].to_list() == back.metrics["kl"].to_list()
    assert any("newest" in warning for warning in back.warnings)
    assert not any("newest" in warning for warning in as_is.warnings)


def test_a_pool_without_steps_is_no_curve(tmp_path: Path) -> None:
    table: Columns = {
        "prompt_id": [f"p{i // 4}" for i in range(40)], "sample": [i % 4 for i in range(40)],
        "proxy_reward": [0.1 * i for i in range(40)], "gold_reward": [0.3 * i for i in range(40)],
    }  # fmt: skip
    [log] = runs(logs(tmp_path, table))
    assert (log.metrics.height, log.samples.height) == (0, 40)


def test_answers_that_each_prompt_repeats_are_no_gold(tmp_path: Path) -> None:
    def read(gold: Sequence[int]) -> RunLog:
        [log] = runs(logs(tmp_path, {
            "step": [i // 8 for i in range(80)], "prompt": [f"what {i % 8}" for i in range(80)],
            "completion": ["it is"] * 80, "gold": gold, "reward": [i % 2 for i in range(80)],
        }))  # fmt: skip
        return log

    answers = read([[18, 3, 70000, 540, 20, 64, 260, 160][i % 8] for i in range(80)])
    assert answers.facts.gold_key is None
    assert any("reference answers" in warning for warning in answers.warnings)
    assert read([(7 * i) % 31 for i in range(80)]).facts.gold_key == "gold"


@pytest.mark.parametrize("heading", ["kl_unit", "KL unit", "kl_type"])
def test_a_column_of_the_kls_unit_is_heeded(tmp_path: Path, heading: str) -> None:
    table = {**OURS, heading: ["nats/token"] * N, "response_length": [20] * N}
    [log] = runs(logs(tmp_path, table))
    assert log.metrics["kl"].to_list() == pytest.approx([0.02 * s for s in STEP])
    [log] = runs(logs(tmp_path, {**OURS, heading: ["whatever"] * N}))
    assert log.facts.kl_conversion == "unknown"


def long(further: str, words: Sequence[str], factors: Sequence[float]) -> Columns:
    rows = [
        (word, step, key, factor * float(str(OURS[key][i])))
        for i, step in enumerate(STEP)
        for key in ("kl", "proxy_reward", "gold_reward")
        for word, factor in zip(words, factors, strict=True)
    ]
    names, steps, keys, values = (list(column) for column in zip(*rows, strict=True))
    return {further: names, "step": steps, "metric": keys, "value": values}


def test_statistics_of_a_long_table_are_no_values(tmp_path: Path) -> None:
    [log] = runs(logs(tmp_path, long("stat", ["mean", "std"], [1, 9])))
    assert log.metrics["kl"].to_list() == pytest.approx(list(OURS["kl"]))


def test_phases_of_a_long_table_stay_apart(tmp_path: Path) -> None:
    [log] = runs(logs(tmp_path, long("split", ["train", "validation"], [1, 2])))
    for phase, last in (("train", -0.3 * 12), ("eval", -0.6 * 12)):
        rows = log.metrics.filter(log.metrics["phase"] == phase)
        assert rows["gold_reward"][-1] == pytest.approx(last), phase


def test_units_of_a_long_table_are_heeded(tmp_path: Path) -> None:
    table = long("x", ["x"], [1])
    table["unit"] = ["nats/token" if key == "kl" else "" for key in table["metric"]]
    [log] = runs(logs(tmp_path, table))
    assert log.facts.kl_logged_unit == "nats/token"
    assert log.facts.kl_conversion == "missing"


def test_a_long_table_with_runs_and_seeds_loses_none(tmp_path: Path) -> None:
    found = runs(logs(tmp_path, {"run": ["ppo"] * 6 * N, **long("seed", ["0", "1"], [1, 2])}))
    assert sorted(log.metrics["kl"][-1] for log in found) == pytest.approx([0.012, 0.024])


@pytest.mark.parametrize(("key", "warns"), [
    ("gold_perplexity", True), ("toxicity", True), ("gold_nll", True), ("accuracy", False),
])  # fmt: skip
def test_a_gold_of_which_less_is_better_is_told(tmp_path: Path, key: str, warns: bool) -> None:
    (tmp_path / "t.csv").write_text(f"step,kl,proxy_reward,{key}\n1,0,1,2\n2,1,2,3\n")
    [log] = runs(list(readers.read([tmp_path / "t.csv"], ReadOptions(gold=key))))
    assert any("--lower-is-better" in warning for warning in log.warnings) is warns
