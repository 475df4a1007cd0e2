"""The fall that "would have been seen with 80 % power" is seen so often, after a rise too."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict

LOOKS, NOISE, RUNS = 21, 0.05, 20
HALF = LOOKS // 2
UP = np.minimum(np.arange(LOOKS) / (LOOKS - 1 - HALF), 1)
DOWN = np.maximum((np.arange(LOOKS) - (LOOKS - 1 - HALF)) / HALF, 0)


def judged(truth, seed, stated=True):
    gold = truth + NOISE * np.random.default_rng([seed, 3]).standard_normal(LOOKS)
    table = pl.DataFrame(
        {
            "source": ["evaluation"] * LOOKS,
            "step": np.arange(LOOKS) * 50,
            "kl": np.linspace(0, 12, LOOKS) ** 2,
            "gold_reward": gold,
            "gold_reward_se": [NOISE if stated else None] * LOOKS,
            "proxy_reward": np.linspace(0, 1, LOOKS),
        },
        schema_overrides={"gold_reward_se": pl.Float64},
    )
    path = table.select("step", "kl", "proxy_reward")
    return verdict(table, path, {"kl_conversion": "exact", "max_steps": 1000}).row


@pytest.mark.parametrize(
    ("rise", "stated"), [(1.0, True), pytest.param(4.0, True, marks=pytest.mark.long), (0.3, False)]
)
def test_the_stated_fall_is_seen_in_about_four_of_five_runs(rise, stated):
    """.80 +- .05 on 80 runs or more (docs/methods.md); here two standard errors of few."""
    seen = 0
    for seed in range(RUNS):
        stands = judged(rise * UP, seed, stated)["detectable"]
        row = judged(rise * UP - stands * DOWN, seed + 1_000, stated)
        seen += row["status"] in ("overoptimized", "collapsed")
    assert 0.55 <= seen / RUNS <= 0.97


def test_a_rise_hides_a_part_of_a_fall():
    flat, risen, far = (judged(rise * UP, 1)["detectable"] for rise in (0.0, 0.3, 4.0))
    assert flat < risen < far
