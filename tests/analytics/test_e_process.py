"""The e-process: its parts against plain formulas, its error at every look, and e-BH."""

import numpy as np
import pytest

from analytics.onset.alarm.e_process import ALARM, careful_error, e_bh, log_e, log_e_at_end
from analytics.onset.curves.unimodal import falling_short, rising_fit
from analytics.simulated import simulate


def test_the_denominator_is_the_isotonic_fit_from_every_start():
    rng = np.random.default_rng(0)
    values, weights = rng.standard_normal((4, 9)), rng.uniform(0.5, 2, 9)
    found = falling_short(values, weights)
    for i, row in enumerate(values):
        for j in range(9):
            left = weights[j:] * (row[j:] - rising_fit(row[j:], weights[j:])) ** 2
            assert found[i, j] == pytest.approx(left.sum(), abs=1e-12)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_gold_that_never_falls_seldom_reaches_twenty_at_any_look(mean):
    rng = np.random.default_rng(1)
    d = np.linspace(0, 12, 21)
    gold = mean * np.minimum(d / 4, 1) * 20 + rng.standard_normal((2_000, 21))
    found = log_e(d, gold, np.ones(21))
    assert np.mean(found.max(axis=1) >= np.log(ALARM)) <= 0.02
    # an e-value: its mean at a fixed look is at most 1 (here far below: an isotonic denominator)
    assert np.exp(found[:, -1]).mean() <= 1


def test_big_falls_are_seen():
    runs = [simulate(kind, "base_n20_s05", s) for kind in ("rl", "bon") for s in range(60)]
    runs = [run for run in runs if run.big]
    gold = np.array([run.frame["gold"].to_numpy() for run in runs])
    found = log_e(runs[0].frame["d"].to_numpy(), gold, np.full(21, 0.05))
    assert np.mean(found.max(axis=1) >= np.log(ALARM)) >= 0.85


def test_nothing_after_a_look_enters_it():
    rng = np.random.default_rng(2)
    d, gold, se = np.sqrt(np.arange(15.0)), rng.standard_normal((3, 15)), rng.uniform(0.5, 2, 15)
    whole = log_e(d, gold, se)
    for k in (4, 9, 14):
        assert np.array_equal(log_e(d[: k + 1], gold[:, : k + 1], se[: k + 1])[:, k], whole[:, k])
        alone = log_e_at_end(d[: k + 1], gold[0, : k + 1], se[: k + 1])
        assert alone == pytest.approx(whole[0, k], abs=1e-9)
    assert log_e_at_end(d[:3], gold[0, :3], se[:3]) is None


def test_shifted_and_rescaled_gold_gives_the_same_value():
    frame = simulate("bon", "noisy_n20_s10", 1).frame
    d, gold, se = (frame[name].to_numpy() for name in ("d", "gold", "gold_se"))
    value = log_e_at_end(d, gold, se)
    assert log_e_at_end(d, 7 * gold - 100, 7 * se) == pytest.approx(value, abs=1e-6)
    assert log_e_at_end(3 * d, gold, se) == pytest.approx(value, abs=1e-6)


def test_errors_that_are_not_known_are_taken_larger():
    se = np.ones(3)
    assert np.array_equal(careful_error(se, np.inf, 0.0), se)
    assert careful_error(se, 10.0, 0.0)[0] == pytest.approx(np.sqrt(10 / 3.940299), abs=1e-6)
    assert careful_error(se, np.inf, 0.5)[0] == pytest.approx(np.sqrt(3.0))


def test_e_bh_ignores_what_was_not_tested():
    assert e_bh(np.array([50.0, np.nan, 15.0]), 0.05).tolist() == [True, False, False]
    assert e_bh(np.array([50.0, np.inf, 41.0]), 0.05).tolist() == [True, True, True]
    assert e_bh(np.array([]), 0.05).tolist() == []
