"""KL that walks back, and gold with it: neither collapse nor overoptimization."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.alarm.way_back import lower_on_the_way_back

LOOKS, NOISE = 21, 0.05
WALKS = {
    "far back": np.r_[np.linspace(0, 10, 13), np.linspace(9.2, 3, 8)],
    "a little": np.r_[np.linspace(0, 10, 13), np.linspace(9.8, 8, 8)],
    "to and fro": np.interp(np.arange(LOOKS), [0, 5, 8, 12, 15, 20], [0, 8, 4, 10, 5, 9.0]),
}
"""d in sqrt-nats, in time order."""


def judged(d, truth, seed, stated=True):
    """Gold about a truth; the proxy rises with d, so that it falls where KL goes back."""
    rng = np.random.default_rng([seed, len(truth)])
    table = pl.DataFrame(
        {
            "source": ["evaluation"] * LOOKS,
            "step": np.arange(LOOKS) * 50,
            "stretch": [0] * LOOKS,
            "kl": d**2,
            "gold_reward": truth + NOISE * rng.standard_normal(LOOKS),
            "gold_reward_se": [NOISE if stated else None] * LOOKS,
            "gold_reward_sd": [None] * LOOKS,
            "n_responses": [None] * LOOKS,
            "proxy_reward": d / 10 + 0.02 * rng.standard_normal(LOOKS),
        },
        schema_overrides=dict.fromkeys(
            ("gold_reward_se", "gold_reward_sd", "n_responses"), pl.Float64
        ),
    )
    path = table.select("step", "stretch", "kl", "proxy_reward")
    facts = {"gold_kind": "score", "kl_conversion": "exact", "max_steps": 1000}
    return verdict(table, path, facts).row


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("walk", WALKS)
def test_gold_that_follows_a_kl_going_back_is_neither_collapse_nor_overoptimization(walk, stated):
    d = WALKS[walk]
    rows = [judged(d, d / 10, seed, stated) for seed in range(6)]
    rows += [judged(d, 1 - np.exp(-d / 3), seed, stated) for seed in range(6)]
    assert {row["status"] for row in rows} == {"no_onset"}


def test_it_is_said_how_far_kl_went_back_and_that_gold_went_with_it():
    row = judged(WALKS["far back"], WALKS["far back"] / 10, 1)
    assert "kl_went_back" in row["flags"] and row["gold_lost"] is None
    assert "KL went back from 100 to 9 nats and gold with it" in row["reasons"][0]
    assert any("neither overoptimization nor collapse" in warning for warning in row["reasons"])


def test_an_alarm_that_the_way_back_explains_later_is_withdrawn_in_sight():
    """Gold dips for three looks, at the turn; from there on it follows KL down."""
    d = WALKS["far back"]
    truth = d / 10
    truth[13:16] -= 0.3
    found = [judged(d, truth, seed) for seed in range(6)]
    withdrawn = [row for row in found if row["alarm"] and row["alarm"]["withdrawn"]]
    assert withdrawn
    for row in withdrawn:
        assert row["status"] == "no_onset" and "kl_went_back" in row["flags"]
        assert "alarm_withdrawn" in row["flags"]
        assert row["alarm"]["withdrawn"]["reason"] in row["reasons"][0]


def test_gold_that_falls_with_rising_kl_keeps_its_alarm_when_kl_goes_back():
    d = WALKS["a little"]
    found = [judged(d, (d / 5) * (2 - d / 5), seed) for seed in range(8)]
    called = [row["status"] in ("overoptimized", "collapsed") for row in found]
    assert np.mean(called) >= 0.75
    assert not any("kl_went_back" in row["flags"] for row in found)


def test_gold_lower_on_the_way_back_than_on_the_way_out_is_a_fall():
    d = WALKS["far back"]
    truth = d / 10
    truth[13:] -= np.linspace(0.2, 0.4, 8)
    found = [judged(d, truth, seed) for seed in range(8)]
    assert all(row["status"] in ("overoptimized", "collapsed") for row in found)


def test_the_comparison_at_equal_kl_is_in_standard_errors():
    kl = np.array([0.0, 4.0, 8.0, 4.0, 2.0])
    gold = np.array([0.0, 1.0, 2.0, 0.5, 0.0])
    # at 4 and 2 nats gold was 1 and .5: lower by .5 and .5
    contrast = np.array([0.25, 0.75, 0.0, -0.5, -0.5])
    expected = 0.5 / np.sqrt(contrast @ contrast * 0.01)
    assert lower_on_the_way_back(kl, gold, np.full(5, 0.01)) == pytest.approx(expected)
    beyond = np.array([1.0, 4.0, 8.0, 0.5])
    assert lower_on_the_way_back(beyond, np.zeros(4), np.ones(4)) == 0.0
