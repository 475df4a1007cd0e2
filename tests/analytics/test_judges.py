"""A change of judge begins a new segment: evaluations of two judges are never compared."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import judge, verdict

LOOKS, NOISE = 21, 0.05


def frames(gold, versions=None, stretch=None):
    count = len(gold)
    table = pl.DataFrame(
        {
            "source": ["evaluation"] * count,
            "step": np.arange(count) * 50,
            "stretch": stretch or [0] * count,
            "kl": np.linspace(0, 12, count) ** 2,
            "gold_reward": gold,
            "gold_reward_se": [NOISE] * count,
            "gold_reward_sd": [None] * count,
            "n_responses": [None] * count,
            "proxy_reward": np.linspace(0, 1, count),
            **({} if versions is None else {"gold_version": versions}),
        },
        schema_overrides={"gold_reward_sd": pl.Float64, "n_responses": pl.Float64},
    )
    path = table.select("step", "stretch", "kl", "proxy_reward").with_columns(stretch=0)
    facts = {"gold_kind": "score", "kl_conversion": "exact", "max_steps": (count - 1) * 50}
    return table, path, facts


@pytest.mark.parametrize("step_down", [3.0, 8.0])
def test_a_stricter_judge_in_the_middle_of_a_run_is_no_fall(step_down):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        gold = np.linspace(0, 1, LOOKS) + NOISE * rng.standard_normal(LOOKS)
        gold[11:] -= 11 * NOISE + step_down * NOISE
        row = verdict(*frames(gold, ["a"] * 11 + ["b"] * 10)).row
        assert row["status"] in ("no_onset", "warning") and row["alarm"] is None
        assert "judge_changed" in row["flags"] and "reference_changed" not in row["flags"]
        assert row["looks"] == 10
        assert any('judged anew from step 550 on ("b", before it "a")' in s for s in row["reasons"])


def test_the_same_numbers_by_one_judge_are_a_fall():
    gold = np.r_[np.linspace(0, 1, 11), np.linspace(0.3, 0.2, 10)]
    assert verdict(*frames(gold, ["a"] * LOOKS)).row["status"] == "overoptimized"
    assert verdict(*frames(gold)).row == verdict(*frames(gold, ["a"] * LOOKS)).row


def test_a_fall_by_the_last_judge_is_still_seen():
    gold = np.r_[np.linspace(0.9, 1, 7), np.linspace(0, 1, 6), np.linspace(1, 0, 8)]
    row = verdict(*frames(gold, ["a"] * 7 + ["b"] * 14)).row
    assert row["status"] == "overoptimized" and row["looks"] == 14


def test_a_row_that_names_no_judge_was_judged_by_the_one_before():
    gold = np.r_[np.linspace(0, 1, 11), np.linspace(0.3, 0.2, 10)]
    gaps = [None, None, "a", None, *["a"] * 7, *[None] * 10]
    row = verdict(*frames(gold, gaps)).row
    assert row["status"] == "overoptimized" and "judge_changed" not in row["flags"]


def test_a_change_of_reference_is_told_beside_a_change_of_judge():
    gold = np.linspace(0, 1, LOOKS)
    both = verdict(*frames(gold, ["a"] * 8 + ["b"] * 13, [0] * 11 + [1] * 10)).row
    assert {"judge_changed", "reference_changed"} <= set(both["flags"])
    assert both["looks"] == 10


def test_a_proxy_that_fell_is_still_seen_after_a_change_of_judge():
    gold = np.r_[np.linspace(0.9, 1, 7), np.linspace(0, 1, 6), np.linspace(1, 0, 8)]
    table, path, facts = frames(gold, ["a"] * 7 + ["b"] * 14)
    fallen = np.r_[np.linspace(0, 1, 13), np.linspace(1, 0, 8)]
    row = verdict(table, path.with_columns(proxy_reward=fallen), facts).row
    assert row["status"] == "collapsed"


def test_a_notebooks_frame_says_who_judged():
    gold = np.r_[np.linspace(0, 1, 11), np.linspace(0.3, 0.2, 10)]
    table = frames(gold, ["a"] * 11 + ["b"] * 10)[0].drop("source")
    assert "judge_changed" in judge(table).flags
