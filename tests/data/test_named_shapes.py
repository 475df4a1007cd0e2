"""Tables whose columns are named by a phase, a path of keys, or their file: found in any form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data import readers
from data.columns import ReadOptions, RunLog, Skip
from data.readers.files import headings
from data.readers.kl import own_words
from data.readers.layouts import named_charts
from data.readers.names import phase_columns
from data.readers.names.mapping import PHASES
from tests.data.field_writing import made, own, rows_of, sibling, table_text, trl

ONE, TWO = made(), sibling()
N = len(ONE.steps)


def read(*paths: Path, **options: object) -> list[RunLog | Skip]:
    return list(readers.read(paths, ReadOptions(**options)))  # type: ignore[arg-type]


def only(*paths: Path, **options: object) -> RunLog:
    found = read(*paths, **options)
    assert len(found) == 1 and isinstance(found[0], RunLog), found
    return found[0]


def written(place: Path, columns: Mapping[str, Sequence[object]], name: str = "t.csv") -> Path:
    file = place / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(table_text(columns), encoding="utf-8")
    return file


def both_phases(columns: Mapping[str, Sequence[object]]) -> dict[str, list[object]]:
    """Each row followed by one of an evaluation, of other values."""
    return {
        key: [x for pair in zip(values, [
            v if key == "step" else v + 7.0 for v in values  # type: ignore[operator]
        ], strict=True) for x in pair] for key, values in columns.items()
    }  # fmt: skip


@pytest.mark.parametrize("heading", ["phase", *phase_columns.WORDED.keys, *phase_columns.FLAGS])
@pytest.mark.parametrize("trainer", [False, True])
def test_an_evaluations_rows_overwrite_nothing(tmp_path: Path, heading: str, trainer: bool) -> None:
    """Under every word for the column."""
    columns = both_phases(trl(ONE) if trainer else own(ONE))
    words: tuple[object, object] = ("train", "val")
    if heading in phase_columns.FLAGS:
        words = (1, 0) if phase_columns.FLAGS[heading] == "train" else ("False", "True")
    log = only(written(tmp_path, {**columns, heading: list(words) * N}))
    trained = log.metrics.filter(pl.col("phase") == "train")
    assert trained["step"].to_list() == list(ONE.steps)
    assert trained["gold_reward"].to_list() == list(ONE.gold)
    evaluated = log.metrics.filter(pl.col("phase") == "eval")
    assert evaluated["gold_reward"].to_list() == pytest.approx([x + 7 for x in ONE.gold])


@pytest.mark.parametrize("word", [w for w, phase in PHASES.items() if phase == "eval"])
def test_words_for_an_evaluation(tmp_path: Path, word: str) -> None:
    columns = {**both_phases(own(ONE)), "Split": ["Train", word.title()] * N}
    metrics = only(written(tmp_path, columns)).metrics
    assert metrics.filter(pl.col("phase") == "eval").height == N


@pytest.mark.parametrize("values", [["easy", "hard"], ["test", "test"], ["train", "gsm8k"]])
def test_other_values_are_no_phases(tmp_path: Path, values: list[str]) -> None:
    metrics = only(written(tmp_path, {**own(ONE), "split": values * (N // 2)})).metrics
    assert metrics["phase"].to_list() == ["train"] * N


def nested(path: str, value: object) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    return value  # type: ignore[return-value]


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    for key, value in other.items():
        one[key] = joined(one[key], value) if key in one else value
    return one


LONG = [
    ("metrics.train.reward.proxy", "metrics.train.reward.gold", "metrics.train.kl", "step"),
    ("train.rewards.proxy", "train.rewards.gold", "train.kl", "meta.step"),
    ("stats.proxy.reward", "stats.gold.reward", "stats.policy.kl", "global_step"),
    ("a.b.proxy_reward.mean", "a.b.gold_reward.mean", "a.c.kl.mean", "info.global_step"),
    ("scores.proxy_score", "scores.gold_score", "kl", "step"),
    ("log.data.RewardProxy", "log.data.RewardGold", "log.data.KL", "log.Step"),
]


@pytest.mark.parametrize("names", LONG)
@pytest.mark.parametrize("form", ["lines", "document", "dots", "slashes", "parquet"])
def test_long_names_are_ours_by_their_last_parts(
    tmp_path: Path, names: tuple[str, str, str, str], form: str
) -> None:
    values = dict(zip(names, (ONE.proxy, ONE.gold, ONE.kl, ONE.steps), strict=True))
    rows = []
    for row in rows_of(values):
        whole: dict[str, Any] = {}
        for path, value in row.items():
            whole = joined(whole, nested(path, value))
        rows.append(whole)
    file = tmp_path / {"lines": "a.jsonl", "document": "a.json", "parquet": "a.parquet"}.get(
        form, "a.csv")  # fmt: skip
    if form == "lines":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif form == "document":
        file.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    elif form == "parquet":
        pl.DataFrame(rows).write_parquet(file)
    else:
        mark = "." if form == "dots" else "/"
        written(tmp_path, {k.replace(".", mark): v for k, v in values.items()}, "a.csv")
    log = only(file)
    assert log.metrics["step"].to_list() == list(ONE.steps)
    assert log.metrics["proxy_reward"].to_list() == list(ONE.proxy)
    assert log.metrics["gold_reward"].to_list() == list(ONE.gold)
    assert log.metrics["kl"].to_list() == list(ONE.kl)


def test_a_trainers_names_stay_its_own() -> None:
    for keys in (["train/a/proxy", "eval/a/gold"], ["x/reward", "y/kl"], ["a/proxy", "b/proxy"],
                 ["proxy", "a/proxy"]):  # fmt: skip
        assert own_words.short(keys) == {}


@pytest.mark.parametrize(
    "path", ["old/kl", "loss.kl", "teacher/kl", "ppo.approx.kl", "engine_mismatch/kl", "kl/max",
             "kl_controller/kl", "opt/kl_coef", "a/b/sqrt_kl"],
)  # fmt: skip
def test_a_long_name_of_another_kl_is_not_ours(tmp_path: Path, path: str) -> None:
    columns = {k: v for k, v in own(ONE).items() if k != "kl"}
    log = only(written(tmp_path, {**columns, path: ONE.kl}))
    assert log.metrics["kl"].null_count() == N and log.facts.kl_conversion == "missing"


@pytest.mark.parametrize("key", ["kl/mean", "objective/kl", "policy/kl", "grpo/kl", "losses.kl",
                                 "train/kl/mean", "train.policy.kl"])  # fmt: skip
@pytest.mark.parametrize("per_token", [True, False])
def test_a_kl_under_a_trainers_word_is_exact_only_by_its_numbers(
    tmp_path: Path, key: str, per_token: bool
) -> None:
    columns: dict[str, Sequence[object]] = {k: v for k, v in own(ONE).items() if k != "kl"}
    log = only(written(tmp_path, {**columns, key: ONE.per_token() if per_token else ONE.kl}))
    sure = not per_token and key != "objective/kl"  # which counts padding in one trainer
    assert log.facts.kl_conversion == ("exact" if sure else "unknown"), log.facts.kl_note
    assert log.facts.kl_key == key and log.metrics["kl"].count() == N


@pytest.mark.parametrize("above", ["metrics.", "metrics/train/", "rl/", "run7/x/", "objective/"])
def test_a_kl_beside_our_rewards_is_ours_under_any_word(tmp_path: Path, above: str) -> None:
    columns: dict[str, Sequence[object]] = {
        "step": ONE.steps, f"{above}kl": ONE.per_token(), f"{above}proxy_reward": ONE.proxy,
        f"{above}gold_reward": ONE.gold,
    }  # fmt: skip
    assert only(written(tmp_path, columns)).facts.kl_conversion == "exact"


EXPORTED = ("metrics.", "metrics/", "metrics.train/", "summary.", "data.", "history/", "rollout/")


@pytest.mark.parametrize("above", EXPORTED)
@pytest.mark.parametrize("length", ["response_length", "completions/mean_length", "gen_len_mean",
                                    "avg_response_length", "response_length_mean"])  # fmt: skip
def test_a_length_is_found_under_what_exports_put_before(
    tmp_path: Path, above: str, length: str
) -> None:
    columns: dict[str, Sequence[object]] = {
        "step": ONE.steps, "kl_per_token": ONE.per_token(), f"{above}proxy_reward": ONE.proxy,
        f"{above}gold_reward": ONE.gold, f"{above}{length}": ONE.length,
    }  # fmt: skip
    log = only(written(tmp_path, columns))
    assert log.metrics["response_length"].to_list() == list(ONE.length)
    assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))


@pytest.mark.parametrize("above", EXPORTED[:-1])
def test_a_trainers_keys_are_its_own_under_what_exports_put_before(
    tmp_path: Path, above: str
) -> None:
    keys: dict[str, Sequence[object]] = {
        "reward": ONE.proxy, "rewards/rm/mean": ONE.proxy, "rewards/gold/mean": ONE.gold,
        "kl": ONE.per_token(), "completions/mean_length": ONE.length, "num_tokens": ONE.steps,
    }  # fmt: skip
    log = only(written(tmp_path, {"step": ONE.steps, **{above + k: v for k, v in keys.items()}}))
    assert (log.facts.trainer, log.facts.kl_logged_unit) == ("TRL GRPO", "nats/token")
    assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))
    assert log.metrics["gold_reward"].to_list() == list(ONE.gold)


@pytest.mark.parametrize("path", ["a/token/kl", "a/b/kl_per_token", "x.kl.per_token", "token/kl"])
def test_a_long_name_keeps_its_unit(tmp_path: Path, path: str) -> None:
    columns: dict[str, Sequence[object]] = {k: v for k, v in own(ONE).items() if k != "kl"}
    columns |= {path: ONE.per_token(), "response_length": ONE.length}
    log = only(written(tmp_path, columns))
    assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))
    assert log.facts.kl_conversion == "approximate"


def chart(place: Path, name: str, values: Sequence[object], heading: str = "Value") -> None:
    columns: dict[str, Sequence[object]] = {"Wall time": [1.7e9] * N, "Step": ONE.steps}
    if heading != "Value":
        columns = {"Step": ONE.steps}
    written(place, {**columns, heading: values}, name)


CURVES = {"kl": ONE.kl, "proxy_reward": ONE.proxy, "gold_reward": ONE.gold}
NAMES = {
    "as TensorBoard names them": ("run-r-tag-{}.csv", "Value", "r"),
    "saved twice": ("run-r-tag-{} (1).csv", "Value", "r"),
    "by the metric alone": ("{}.csv", "Value", "exp-3"),
    "by run and metric": ("r_{}.csv", "Value", "r"),
    "with a heading in small letters": ("{}.csv", "value", "exp-3"),
    "lines of W&B that say the run": ("{}.csv", "calm-bear-1", "calm-bear-1"),
    "W&B's export, named again": ("wandb_export_{}.csv", "calm-bear-1", "calm-bear-1"),
}


@pytest.mark.parametrize("way", NAMES)
def test_the_name_of_a_chart_says_its_metric(tmp_path: Path, way: str) -> None:
    form, heading, run = NAMES[way]
    for key, values in CURVES.items():
        chart(tmp_path / "exp-3", form.format(key), values, heading)
    log = only(tmp_path / "exp-3")
    assert log.run == run
    for name, values in CURVES.items():
        assert log.metrics[name].to_list() == list(values)


def test_a_tag_of_which_the_slashes_are_lost(tmp_path: Path) -> None:
    for key, values in {"objective_kl": ONE.kl, "objective_scores": ONE.proxy,
                        "policy_approxkl_avg": [0.1] * N}.items():  # fmt: skip
        chart(tmp_path, f"run-x-tag-{key}.csv", values)
    log = only(tmp_path)
    assert (log.run, log.facts.kl_key, log.facts.trainer) == ("x", "objective/kl", "TRL RLOO")
    assert log.metrics["kl"].to_list() == list(ONE.kl)


def test_a_chart_that_nothing_names_is_refused(tmp_path: Path) -> None:
    name = "wandb_export_2026-01-05T10_00_00.000-07_00.csv"
    chart(tmp_path, name, ONE.kl)
    found = read(tmp_path / name)
    assert isinstance(found[0], Skip) and "name the file" in found[0].reason


@pytest.mark.parametrize("heading", ["reward", "lr", "train/kl", "happy - kl", "epoch"])
def test_a_table_of_its_own_is_no_chart(tmp_path: Path, heading: str) -> None:
    columns = {"step": ONE.steps, "kl": ONE.kl, heading: ONE.proxy}
    assert not named_charts.is_one(written(tmp_path, columns, "kl.csv"))


SWIFT = {
    key: values for key, values in trl(ONE).items() if key not in ("num_tokens", "step")
} | {"global_step/max_steps": [f"{step}/240" for step in ONE.steps]}  # fmt: skip
GOLD = [x + 0.1 * ((i * 7919) % 13) / 13 for i, x in enumerate(ONE.gold)]
SUM = [0.5 * p + 0.2 * g for p, g in zip(ONE.proxy, GOLD, strict=True)]
PENALISED = [x - 0.04 * kl for x, kl in zip(SUM, ONE.kl, strict=True)]


def swift(place: Path, **columns: Sequence[object]) -> Path:
    file = place / "logging.jsonl"
    rows = rows_of({**SWIFT, "rewards/gold/mean": GOLD, **columns})
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_penalty_that_the_rows_show(tmp_path: Path) -> None:
    log = only(swift(tmp_path, kl=ONE.kl, reward=PENALISED))
    assert (log.facts.trainer, log.facts.kl_conversion) == ("ms-swift", "exact")
    assert log.metrics["kl"].to_list() == list(ONE.kl)
    assert any("less 0.04 times kl" in warning for warning in log.warnings)
    assert log.facts.proxy_key != "reward"


def test_no_penalty_that_the_rows_show(tmp_path: Path) -> None:
    log = only(swift(tmp_path, reward=SUM))
    assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))
    assert log.facts.kl_conversion in ("exact", "approximate")


@pytest.mark.parametrize("hidden", [True, False])
def test_what_ms_swift_does_not_say_is_unknown(tmp_path: Path, hidden: bool) -> None:
    """Neither the unit nor whether the penalty is inside, and the options say both."""
    noise = [0.3 * ((i * 7919) % 13) / 13 for i in range(N)]
    reward = [x + e for x, e in zip(PENALISED, noise, strict=True)]
    gone = [key for key in SWIFT if key.startswith("rewards/")] if hidden else []
    columns: dict[str, Sequence[object]] = {"kl": ONE.kl, "reward": reward}
    columns |= {key: [None] * N for key in gone}
    file = swift(tmp_path, **columns)
    log = only(file)
    assert log.facts.kl_conversion == "unknown" and log.facts.proxy_key != "reward"
    assert "--kl-unit nats/token or nats/response" in log.facts.kl_note
    if hidden:
        assert any("--proxy (reward" in warning for warning in log.warnings)
    named = only(file, proxy="reward", kl_unit="nats/response")
    assert named.metrics["kl"].to_list() == list(ONE.kl)
    assert named.metrics["proxy_reward"].to_list() == reward


SUMMARY = {"_step": 199, "_runtime": 33.1, "kl": 12.3, "reward": 2.2, "gold_reward": 0.3}


@pytest.mark.parametrize("name", ["wandb-summary.json", "final.json"])
def test_last_values_alone_are_no_curve(tmp_path: Path, name: str) -> None:
    file = tmp_path / "run-1" / name
    file.parent.mkdir()
    file.write_text(json.dumps(SUMMARY), encoding="utf-8")
    for path in (file, *([tmp_path] if name.startswith("wandb") else [])):
        found = read(path)
        assert isinstance(found[0], Skip) and "and no curve" in found[0].reason


def markdown(outer: bool, title: str) -> str:
    rows = [list(own(ONE)), [":--", "--:", "---", ":-:"], *zip(*own(ONE).values(), strict=True)]
    lines = [" | ".join(str(cell) for cell in row) for row in rows]
    return title + "".join(f"| {line} |\n" if outer else f"{line}\n" for line in lines)


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("title", ["", "# Results\n\n", "Results of run 7\n"])
@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.csv"])
def test_a_markdown_table(tmp_path: Path, outer: bool, title: str, name: str) -> None:
    file = tmp_path / name
    file.write_text(markdown(outer, title), encoding="utf-8")
    log = only(file)
    assert log.metrics["gold_reward"].to_list() == list(ONE.gold)
    assert log.metrics["kl"].to_list() == list(ONE.kl) and not log.warnings


@pytest.mark.parametrize("mark", headings.ODD)
@pytest.mark.parametrize("blanks", [False, True])
def test_any_single_character_parts_columns(tmp_path: Path, mark: str, blanks: bool) -> None:
    if blanks and mark in headings.ODD[headings.SURE :]:
        mark = "^"  # in names among blanks, as pass@1
    text = table_text(own(ONE), mark)
    file = tmp_path / "a.csv"
    file.write_text(text.replace(mark, f" {mark} ") if blanks else text, encoding="utf-8")
    assert only(file).metrics["gold_reward"].to_list() == list(ONE.gold)


def test_marks_in_names_part_no_columns(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    columns = {**own(ONE), "pass@1": ONE.proxy, "a:b!": ONE.proxy}
    file.write_text(table_text(columns, " "), encoding="utf-8")
    assert "pass@1" in only(file).metrics.columns
