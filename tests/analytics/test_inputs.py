"""Gold as logs have it: dense, sparse, unequal, correlated; and what changes nothing."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.onset import verdict
from analytics.simulated import autoregressive, curve, gold_measurements, simulate

FACTS = {"run_id": "r", "gold_kind": "score", "kl_conversion": "exact"}


def table(gold, kl, se=None, step=None):
    count = len(gold)
    return pl.DataFrame(
        {
            "source": ["evaluation"] * count,
            "step": np.arange(count) * 10 if step is None else step,
            "stretch": [0] * count,
            "kl": kl,
            "gold_reward": gold,
            "gold_reward_se": [None] * count if se is None else se,
            "gold_reward_sd": [None] * count,
            "n_responses": [None] * count,
            "proxy_reward": np.linspace(0, 1, count),
        },
        schema_overrides={
            "gold_reward_se": pl.Float64,
            "gold_reward_sd": pl.Float64,
            "n_responses": pl.Int64,
        },
    )


def judged(gold, **facts):
    path = gold.select("step", "stretch", "kl", "proxy_reward")
    return verdict(gold, path, FACTS | facts).row


def hump(d, noise, seed, kind="bon", peak=0.5):
    rng = np.random.default_rng(seed)
    return curve(kind, d, peak * d.max(), rng) + noise * rng.standard_normal(len(d))


def test_hundreds_of_noisy_points_are_pooled():
    d = np.linspace(0, 12, 400)
    row = judged(table(hump(d, 0.2, 0), d**2), max_steps=3990)
    assert row["status"] == "overoptimized"
    assert row["rows_per_look"] == 16 and row["looks"] == 25
    assert row["peak"]["kl_low"] <= 36 <= row["peak"]["kl_high"]
    assert 0 < row["relative_noise"] < 0.2


def test_eight_evaluations_are_enough_for_a_big_fall():
    d = np.linspace(0, 12, 8)
    row = judged(table(hump(d, 0.05, 1), d**2, np.full(8, 0.05)))
    assert row["status"] == "overoptimized" and row["rows_per_look"] == 1


def test_unequal_spacing_and_unequal_noise():
    d = 12 * np.linspace(0, 1, 24) ** 1.7
    se = np.linspace(0.02, 0.12, 24)
    rng = np.random.default_rng(2)
    falling = curve("rl", d, 4.0, rng) + se * rng.standard_normal(24)
    row = judged(table(falling, d**2, se))
    assert row["status"] == "overoptimized"
    assert row["peak"]["kl_low"] <= 16 <= row["peak"]["kl_high"]
    plateaus = [
        judged(table(np.minimum(d / 3, 1) + se * rng.standard_normal(24), d**2, se))["alarm"]
        for _ in range(30)
    ]
    assert sum(alarm is not None for alarm in plateaus) <= 5


def test_correlated_noise_is_flagged_and_raises_the_boundary():
    noise = 0.05 * autoregressive(np.random.default_rng(3), (1, 48), 0.8)[0]
    d = np.linspace(0, 12, 48)
    row = judged(table(d / 12 + noise, d**2, np.full(48, 0.05)))
    assert "autocorrelated" in row["flags"] and row["autocorrelation"] > 0.3
    assert row["status"] == "no_onset"


def test_kl_that_goes_back_and_forth_is_flagged_and_tested_in_time():
    d = np.concatenate([np.linspace(0, 10, 12), np.linspace(9, 2, 6), np.linspace(3, 12, 8)])
    honest = d / 12 + 0.02 * np.random.default_rng(4).standard_normal(26)
    row = judged(table(honest, d**2, np.full(26, 0.02)))
    assert "kl_back_and_forth" in row["flags"]
    assert "way back along the curve" in " ".join(row["reasons"])
    straight = judged(table(np.sort(honest), np.sort(d**2), np.full(26, 0.02)))
    assert "kl_back_and_forth" not in straight["flags"]


def test_gold_measured_at_kl_zero_counts_like_any_other():
    gold = gold_measurements(simulate("rl", "base_n20_s05", 4))
    assert gold["kl"][0] == 0.0
    row = judged(gold)
    assert row["gold_evaluations"] == 21 and row["axis"] == "kl"
    assert row["peak"]["kl_low"] >= 0 and row["relative_noise"] is not None


def test_runs_with_the_same_errors_keep_their_own_e_values():
    """Gold shared over runs: e-BH needs no independence, each run's e-value is its own."""
    shared = 0.05 * np.random.default_rng(6).standard_normal(21)
    d = np.linspace(0, 12, 21)
    rows = [judged(table(np.minimum(d / k, 1) + shared, d**2, np.full(21, 0.05))) for k in (3, 5)]
    assert all(row["e_value"] < 20 and row["status"] == "no_onset" for row in rows)


@settings(max_examples=8)
@given(
    seed=st.integers(0, 50),
    factor=st.sampled_from([0.001, 0.3, 7.0, 1e4]),
    shift=st.sampled_from([-300.0, -1.0, 0.4, 50.0]),
    kind=st.sampled_from(["rl", "plateau", "cliff"]),
)
def test_scale_shift_and_order_of_rows_change_nothing(seed, factor, shift, kind):
    gold = gold_measurements(simulate(kind, "base_n20_s05", seed))
    one = judged(gold)
    other = judged(
        gold.with_columns(
            pl.col("gold_reward") * factor + shift * factor,
            pl.col("gold_reward_se") * factor,
        ).sample(fraction=1.0, shuffle=True, seed=seed)
    )
    for key in ("status", "flags", "axis", "looks", "plan"):
        assert one[key] == other[key]
    assert (one["alarm"] is None) == (other["alarm"] is None)
    for key in ("kl", "step", "statistic", "boundary") if one["alarm"] else ():
        assert other["alarm"][key] == pytest.approx(one["alarm"][key], rel=1e-5)
    assert other["p_past_peak"] == pytest.approx(one["p_past_peak"], abs=1e-4)
    for key in ("kl", "kl_low", "kl_high"):
        there = one["peak"][key] is not None
        assert (other["peak"][key] is not None) == there
        if there:
            assert other["peak"][key] == pytest.approx(one["peak"][key], rel=1e-3)


def test_more_noise_never_makes_a_verdict_surer_on_average():
    d = np.linspace(0, 12, 21)
    sure = []
    for noise in (0.03, 0.1, 0.3):
        rows = [
            judged(table(hump(d, noise, seed, "rl", 0.45), d**2, np.full(21, noise)))
            for seed in range(16)
        ]
        sure.append(
            (
                np.mean([row["alarm"] is not None for row in rows]),
                np.mean([row["p_past_peak"] for row in rows]),
                np.mean([np.log(row["e_value"]) for row in rows]),
            )
        )
    assert np.all(np.diff(np.array(sure), axis=0) <= 0)
    assert sure[0][0] == 1.0 and sure[2][0] < 0.6
