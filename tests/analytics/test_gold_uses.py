"""Gold that chooses becomes a proxy: how often it did, what that costs, and whose kin judges."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.comparing.gold_uses import expected_best, family, one_family, sentence
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.owner import Owner
from data.people.reviewing import keep_decision
from data.people.written import close_review, keep_note


@pytest.mark.parametrize("looks", [1, 2, 5, 26])
def test_the_best_of_some_looks_stands_as_high_as_drawn(looks: int) -> None:
    drawn = np.random.default_rng(looks).standard_normal((40_000, looks)).max(axis=1)
    assert expected_best(looks) == pytest.approx(drawn.mean(), abs=5 * drawn.std() / 200)


def test_a_sentence_names_times_kinds_and_errors() -> None:
    rows = [
        {"kind": "decision", "times": 24, "runs": 3}, {"kind": "note", "times": 0, "runs": 3},
        {"kind": "review", "times": 2, "runs": 3},
    ]  # fmt: skip
    text = sentence(rows)
    assert "26 times" in text and "24 decisions, 2 closed reviews" in text and "3 runs" in text
    assert "up to 2.0 standard errors" in text
    assert sentence(rows[1:2]) == "" == sentence([])


def decide(store: object, loop: str, iteration: int) -> None:
    keep_decision(store, {
        "loop": loop, "iteration": iteration, "decision": "continue", "by": "Ada",
        "at": f"2026-06-0{iteration}", "expires": None, "snapshot": None, "note": None,
    })  # fmt: skip


def test_uses_are_counted_over_the_runs_that_share_their_gold(home: Path, tmp_path: Path) -> None:
    frame = pl.DataFrame({"step": [10, 20, 30], "kl": [1.0, 2.0, 3.0], "gold_reward": [1.0] * 3})
    for run, judge in (("a", "gpt-4o/1"), ("b", "gpt-4o/1"), ("c", "gpt-4o/2"), ("d", None)):
        named = frame.with_columns(run_id=pl.lit(run), gold_version=pl.lit(judge, pl.String))
        named.write_parquet(tmp_path / f"{run}.parquet")
    import_paths(home, [tmp_path / f"{run}.parquet" for run in "abcd"], ReadOptions())
    with closing(Owner(home)) as owner:
        store = owner.store
        for run, at in (("a", 1), ("a", 2), ("b", 3), ("d", 4)):
            decide(store, run, at)
        keep_note(store, {"text": "x", "by": "Ada", "run_id": "b", "decision": "stop"})
        keep_note(store, {"text": "no decision", "by": "Ada", "run_id": "b"})
        close_review(store, "2026-06-01", "0", "Ada", '{"method": "m", "runs": {"b": "no_onset"}}')
        close_review(store, "2026-06-01", "0", "Ada", "{}")

        def uses(run: str, until: int | None = None) -> dict[str, tuple[int, int]]:
            rows = store.query("gold_uses", run=run, until=until).to_dicts()
            return {row["kind"]: (row["times"], row["runs"]) for row in rows}

        shared = {"decision": (3, 2), "note": (1, 2), "review": (1, 2)}
        assert uses("a") == uses("b") == shared
        assert uses("a", 1)["decision"] == (1, 2)
        assert uses("c") == {"decision": (0, 1), "note": (0, 1), "review": (0, 1)}
        assert uses("d")["decision"] == (1, 1)


@pytest.mark.parametrize(("name", "expected"), [
    ("Qwen/Qwen2.5-72B-Instruct", "qwen"), ("qwen2.5-7b", "qwen"), ("gpt-4o/rubric", "gpt"),
    ("gpt-4o-2024-08-06", "gpt"), ("meta-llama/Meta-Llama-3-8B", "llama"), ("claude", "claude"),
    ("runs/7/checkpoint-300", None), ("o3-mini", "o"), ("t-rex", None),
    ("rm-v3", None), ("", None), (None, None), ("7B", None),
])  # fmt: skip
def test_a_family_is_told_by_the_first_part_of_a_name_or_not_at_all(name, expected) -> None:
    assert family(name) == expected


@pytest.mark.parametrize(("config", "kin"), [
    ({"gold_model": "Qwen/Qwen2.5-72B", "reward_model": "Qwen/Qwen2.5-RM-7B"}, "qwen"),
    ({"eval.judge_model": "gpt-4o", "trainer.reward_model_path": "gpt-4.1-mini"}, "gpt"),
    ({"gold_model": "gpt-4o", "reward_model": "Qwen/Qwen2.5-RM-7B"}, ""),
    ({"args": {"reward_funcs": ["qwen2"]}, "judge_model": "qwen"}, "qwen"),
    ({"args": {"reward_funcs": ["qwen2", "length"]}, "judge_model": "qwen"}, None),
    ({"gold_model": "rm-gold", "reward_model": "rm-proxy"}, None),
    ({"reward_model": "Qwen/Qwen2.5-RM-7B"}, None), ({"gold_model": 7, "reward_model": None}, None),
])  # fmt: skip
def test_kin_of_the_reward_model_is_warned_of(config, kin) -> None:
    text = one_family(config)
    assert f"({kin})" in text if kin else text == kin


def test_other_logs_name_them_where_no_setting_does() -> None:
    assert "(qwen)" in str(one_family({}, "qwen2.5-72b", "qwen-rm"))
