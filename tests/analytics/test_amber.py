"""The model average: sure after a hump, never sure on a run that does not fall."""

import numpy as np
import pytest

from analytics.onset.amber import WARNING, p_past_peak
from analytics.simulated import HONEST, simulate


def posterior(kind, seed):
    frame = simulate(kind, "base_n20_s05", seed).frame
    columns = (frame[name].to_numpy() for name in ("d", "gold", "gold_se"))
    return p_past_peak(*columns, rho=0.0)


@pytest.mark.parametrize("kind", HONEST)
def test_runs_that_never_fall_are_not_warned_of(kind):
    assert np.mean([posterior(kind, seed) > WARNING for seed in range(20)]) <= 0.05


@pytest.mark.parametrize("kind", ["rl", "bon", "mid", "cliff"])
def test_big_falls_are_seen(kind):
    runs = [seed for seed in range(20) if simulate(kind, "base_n20_s05", seed).big]
    assert np.mean([posterior(kind, seed) > WARNING for seed in runs]) >= 0.85


def test_too_little_or_flat():
    d = np.arange(5.0)
    assert p_past_peak(d, d, np.ones(5)) is None
    assert p_past_peak(np.arange(9.0), np.zeros(9), np.ones(9)) == 0.0
