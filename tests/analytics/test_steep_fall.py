"""A steep fall among few evaluations whose noise nothing states is not taken for its own noise."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.errors.steep_fall import (
    FEWEST_LOOKS,
    MOST_LOOKS,
    _limit,
    _split,
    _splits,
    steep_fall,
)


def judged(gold):
    count = len(gold)
    table = pl.DataFrame(
        {
            "source": ["evaluation"] * count,
            "step": np.arange(count) * 100,
            "kl": np.linspace(0, 9, count) ** 2,
            "gold_reward": np.array(gold, dtype=float),
            "proxy_reward": np.linspace(0, 1, count),
        }
    )
    return verdict(table, table.select("step", "kl", "proxy_reward"), {"kl_conversion": "exact"})


SEEN = {
    "from a plateau": [0.60, 0.59, 0.61, 0.58, 0.20, 0.16, 0.14],
    "after a rise": [0.30, 0.45, 0.55, 0.60, 0.20, 0.15, 0.14],
    "early": [0.60, 0.55, 0.50, 0.20, 0.17, 0.15, 0.14],
}


@pytest.mark.parametrize("gold", SEEN.values(), ids=SEEN)
def test_seven_evaluations_that_fall_at_once_are_an_onset(gold):
    row = judged(gold).row
    assert row["status"] == "overoptimized" and "gold_noise_unknown" in row["flags"]
    assert row["gold_lost"]["low"] > 0.2
    assert "either side of its one steep fall" in row["noise"]


def test_a_seeded_fall_of_most_at_once_is_called_in_most_runs():
    """Seed means: noise .02 about .6, then about .17; six of ten were called without it none."""
    calls = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth = np.array([0.55, 0.58, 0.60, 0.60, 0.20, 0.16, 0.14])
        calls.append(judged(truth + 0.02 * rng.standard_normal(7)).status == "overoptimized")
    assert np.mean(calls) >= 0.6


def paths(name, count, rng):
    """Gold that never falls, in standard errors of its first look."""
    share = np.linspace(0, 1, MOST_LOOKS)
    truth = {
        "flat": 0 * share,
        "line": 20 * share,
        "plateau": 20 * np.minimum(share / 0.3, 1),
        "jump": 20 * (share > 0.3),
        "growing": 0 * share,
    }[name]
    noise = rng.standard_normal((count, MOST_LOOKS))
    return truth + noise * (np.geomspace(1, 3, MOST_LOOKS) if name == "growing" else 1)


@pytest.mark.parametrize("name", ["flat", "line", "plateau", "jump", "growing"])
def test_gold_that_never_falls_hardly_ever_shows_one(name):
    gold = paths(name, 3_000, np.random.default_rng(5))
    ever = np.zeros(len(gold), dtype=bool)
    for looks in range(FEWEST_LOOKS, MOST_LOOKS + 1):
        found = [_split(gold[:, :looks], at)[0] for at in _splits(looks)]
        ever |= np.max(found, axis=0) >= _limit(looks)
    assert ever.mean() <= 0.012


def test_where_it_is_and_what_is_beside_it():
    gold = np.array([1.0, 3.0, 2.0, 2.0, -9.0, -8.0, -10.0, -9.0]) * 100
    found = steep_fall(gold)
    assert found.at == 4 and found.freedom == 5
    line = np.polyfit(range(4), gold[:4], 1)
    left = np.r_[gold[:4] - np.polyval(line, range(4)), gold[4:] - gold[4:].mean()]
    assert found.variance == pytest.approx(left @ left / 5)
    assert found.mended(gold)[4:].mean() == pytest.approx(200)


def test_it_says_nothing_of_constant_gold_few_or_many_looks():
    step = np.r_[np.zeros(3), -np.ones(3) * 50] + np.array([0.1, -0.1, 0, 0.1, 0, -0.1])
    assert steep_fall(step) is not None
    assert steep_fall(step[:5]) is None and steep_fall(np.zeros(8)) is None
    assert steep_fall(np.r_[np.zeros(9), step[3:], step[3:], step[3:]]) is None
