"""What differs between two runs: gold at equal KL, held against simulated truth; settings."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from analytics.review.differs import POINTS, at_equal_kl, one_measure, sentence, settings


def looks(kl: list[float], gold: list[float], se: float | None = 0.1) -> pl.DataFrame:
    columns = {"kl": kl, "gold_reward": gold, "gold_se": [se] * len(kl)}
    return pl.DataFrame(columns, dict.fromkeys(columns, pl.Float64))


def test_gold_is_compared_at_the_same_kl_and_not_at_the_same_step() -> None:
    slow = looks([0, 1, 2, 4], [0, 1, 2, 4])
    fast = looks([0, 4, 8, 16], [0, 4.5, 8.5, 16.5])
    found = at_equal_kl(slow, fast)
    assert len(found) == POINTS and math.isclose(found[-1].kl, 4)
    assert math.isclose(found[-1].difference, 0.5)
    half = 2.2414 * math.hypot(0.1, 0.1)  # normal quantile at 1 - .10/2/4
    assert math.isclose(found[-1].high - found[-1].difference, half, rel_tol=1e-4)
    assert "gold of b is 0.5" in sentence(found, "a", "b") and "above" in sentence(found, "a", "b")
    back = at_equal_kl(fast, slow)
    assert math.isclose(back[-1].difference, -0.5) and "below" in sentence(back, "b", "a")


def test_the_first_way_through_a_kl_counts() -> None:
    """KL that goes back is passed twice; nothing is sorted."""
    there = looks([0, 4, 1, 4], [0, 4, 9, 9])
    assert math.isclose(at_equal_kl(there, looks([0, 4], [0, 4]))[-1].difference, 0, abs_tol=1e-9)


def test_what_cannot_be_told() -> None:
    one, far = looks([0, 1], [0, 1]), looks([5, 9], [0, 1])
    assert at_equal_kl(one, far) == [] and "share no KL" in sentence([], "a", "b")
    assert at_equal_kl(one, pl.DataFrame()) == [] == at_equal_kl(looks([], []), one)
    unsure = at_equal_kl(one, looks([0, 1], [0, 2], None))
    assert unsure[-1].low is None and "is not known" in sentence(unsure, "a", "b")
    same = at_equal_kl(one, looks([0, 1], [0, 1.01]))
    assert "not shown" in sentence(same, "a", "b")


def test_intervals_hold_all_together() -> None:
    rng = np.random.default_rng(13)
    kl = np.linspace(0, 3, 12) ** 2
    inside, many = 0, 400
    for _ in range(many):
        pair = [looks(kl.tolist(), (kl / 4 + rng.normal(0, 0.1, 12)).tolist()) for _ in range(2)]
        inside += all(row.low <= 0 <= row.high for row in at_equal_kl(*pair))
    assert inside / many > 0.90 - 3 * math.sqrt(0.9 * 0.1 / many)


def test_settings_that_differ_stand_first() -> None:
    one = {"trainer": "TRL", "config": {"lr": 1e-6, "model": {"name": "a"}, "seed": 1, "x": None}}
    other = {"trainer": "TRL", "config": {"lr": 1e-5, "model": {"name": "a"}, "beta": 0.1}}
    table = settings(one, other)
    assert table["setting"].to_list() == ["beta", "lr", "seed", "model.name", "trainer"]
    assert table["differs"].to_list() == [True, True, True, False, False]
    assert table.row(0) == ("beta", None, "0.1", True)
    assert settings({}, {}).is_empty()
    assert not one_measure({"gold_key": "a"}, {"gold_key": "b"})
