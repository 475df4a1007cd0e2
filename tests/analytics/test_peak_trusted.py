"""The averaged interval is the headline, and Gao's peak is told, only where they can be trusted."""

import numpy as np
import polars as pl
import pytest

from analytics.gao import normalised_gold
from analytics.onset.judging.decision import gather
from analytics.onset.judging.peak_row import model_row, peak_row

LOOKS, NOISE = 21, 0.05
D = np.linspace(0, 12, LOOKS)
SHARE = np.linspace(0, 1, LOOKS)
FINE = np.linspace(0, 1, 4001)


def double(share):
    """Two peaks, the later one a little higher."""
    first, second = (share - 0.25) / 0.09, (share - 0.6) / 0.13
    return np.exp(-(second**2) / 2) + 0.9 * np.exp(-(first**2) / 2)


def slow_late(share):
    return np.minimum(share / 0.5, 1) ** 0.5 - 0.7 * np.maximum(share - 0.5, 0)


def sudden(share):
    return (1 - np.exp(-6 * np.minimum(share, 0.5))) / (1 - np.exp(-3)) - 0.8 * (share > 0.52)


def late_rise(share):
    return 1 / (1 + np.exp(-(share - 0.36) / 0.06)) - 2 * np.maximum(share - 0.6, 0) ** 1.2


def flat_top(share):
    return np.minimum(share / 0.35, 1) - 1.5 * np.maximum(share - 0.65, 0)


SHAPES = {one.__name__: one for one in (double, slow_late, sudden, late_rise, flat_top)}


def evidence(truth, seed):
    gold = truth + NOISE * np.random.default_rng([seed, 5]).standard_normal(LOOKS)
    table = pl.DataFrame(
        {
            "source": ["evaluation"] * LOOKS,
            "step": np.arange(LOOKS) * 50,
            "kl": D**2,
            "gold_reward": gold,
            "gold_reward_se": [NOISE] * LOOKS,
        }
    )
    path = table.select("step", "kl")
    facts = {"kl_conversion": "exact", "max_steps": 1000}
    return gather(table, path, facts, None, None, None, peak_only=True)


def top(shape):
    """Where the truth is within a hair of its highest, nats."""
    truth = shape(FINE)
    highest = (12 * FINE[truth >= truth.max() - 1e-3]) ** 2
    return highest.min(), highest.max()


@pytest.mark.parametrize("runs", [14, pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", SHAPES)
def test_the_headline_covers_shapes_that_no_method_was_built_on(name, runs):
    """12 of 14 pass: where half are covered, so many are in 1 case of 150 a shape."""
    low, high = top(SHAPES[name])
    covered = []
    for seed in range(runs):
        row = peak_row(evidence(SHAPES[name](SHARE), seed))
        covered.append(row["kl_low"] <= high and (row["kl_high"] or np.inf) >= low)
    assert np.mean(covered) >= 0.85


def test_the_model_is_silent_on_two_peaks_and_told_on_gaos_curve():
    """Gao's best curve fits both by its chi-square."""
    for seed in range(8):
        found = evidence(double(SHARE), seed)
        row = model_row(found)
        assert row["kl"] is row["kl_low"] is row["kl_high"] is None
        assert row["trusted"] is False and peak_row(found)["method"] == "shape"
    rows = [model_row(evidence(normalised_gold(D / 6.0, 0.5), seed)) for seed in range(8)]
    assert sum(row["trusted"] and row["kl"] is not None for row in rows) >= 6
    right = [row["kl_low"] <= 36 <= row["kl_high"] for row in rows if row["kl"] is not None]
    assert np.mean(right) >= 0.7


def test_gaos_curves_keep_their_narrow_headline():
    rows = [peak_row(evidence(normalised_gold(D / 6.0, 0.5), seed)) for seed in range(12)]
    assert sum(row["method"] == "average" for row in rows) >= 10
    widths = [row["kl_high"] / row["kl_low"] for row in rows if row["kl_high"]]
    assert np.median(widths) < 1.5
