"""The model average: sure after a hump, never sure on a run that does not fall."""

import numpy as np
import pytest

from analytics.onset.alarm.amber import NULLS, WARNING, p_past_peak, posteriors, sigmas
from analytics.simulated import HONEST, simulate


def columns(kind, seed):
    frame = simulate(kind, "base_n20_s05", seed).frame
    return tuple(frame[name].to_numpy() for name in ("d", "gold", "gold_se"))


def posterior(kind, seed):
    past, fits = p_past_peak(*columns(kind, seed))
    return past if fits else 0.0


@pytest.mark.parametrize("kind", HONEST)
def test_runs_that_never_fall_are_not_warned_of(kind):
    assert np.mean([posterior(kind, seed) > WARNING for seed in range(20)]) <= 0.05


@pytest.mark.parametrize("kind", ["rl", "bon", "mid"])
def test_big_falls_are_seen(kind):
    runs = [seed for seed in range(20) if simulate(kind, "base_n20_s05", seed).big]
    assert np.mean([posterior(kind, seed) > WARNING for seed in runs]) >= 0.85


def test_too_little_or_flat():
    d = np.arange(5.0)
    assert p_past_peak(d, d, np.ones(5)) is None
    assert p_past_peak(np.arange(9.0), np.zeros(9), np.ones(9)) == (0.0, True)


def test_a_careless_model_takes_a_sigmoid_for_a_hump():
    """Without a sigmoid among the honest curves, and with gains of either sign."""
    runs = [columns("sigmoid", seed) for seed in range(40)]
    (d, _, se), gold = runs[0], np.array([run[1] for run in runs])
    ever = {True: np.zeros(40, dtype=bool), False: np.zeros(40, dtype=bool)}
    for k in range(6, 22):
        for careless in ever:
            nulls = NULLS[:3] if careless else NULLS
            past, _ = posteriors(d[:k], gold[:, :k], se[:k], nulls, either_sign=careless)
            ever[careless] |= past > WARNING
    assert ever[True].mean() > 0.5
    assert ever[False].mean() <= 0.05


def test_it_is_silent_where_no_curve_fits():
    d = np.arange(12.0)
    jagged = np.where(np.arange(12) % 2, 1.0, -1.0) - 0.3 * d
    past, fits = p_past_peak(d, jagged, np.full(12, 0.01))
    assert 0 <= past <= 1 and not fits


def test_unknown_noise_widens_the_grid_of_errors():
    assert sigmas(np.inf) == (1.0,)
    few, many = sigmas(4.0), sigmas(400.0)
    assert few[0] > many[0] > 1 > many[-1] > few[-1]
    d = np.arange(12.0)
    hump = 2 * (d / 6) - (d / 6) ** 2 + 0.1 * np.random.default_rng(0).standard_normal(12)
    sure = p_past_peak(d, hump, np.full(12, 0.15))[0]
    assert p_past_peak(d, hump, np.full(12, 0.15), freedom=2.0)[0] < sure
