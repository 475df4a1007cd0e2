"""The unimodal fit against a brute-force optimum, the peak set and the loss."""

import numpy as np
import pytest
from scipy.optimize import minimize

from analytics.onset.curves.gold_lost import gold_lost
from analytics.onset.curves.peak import peak_set, threshold
from analytics.onset.curves.unimodal import misfit_by_mode, unimodal_fit
from analytics.simulated import simulate


def test_misfit_is_the_constrained_least_squares_optimum():
    rng = np.random.default_rng(0)
    curves, weights = rng.standard_normal((3, 7)), rng.uniform(0.5, 2, 7)
    misfit = misfit_by_mode(curves, weights)
    for curve, found in zip(curves, misfit, strict=True):
        for mode in range(7):
            signs = np.where(np.arange(6) < mode, 1.0, -1.0)
            best = minimize(
                lambda f, y=curve: np.sum(weights * (f - y) ** 2),
                np.zeros(7),
                constraints={"type": "ineq", "fun": lambda f, s=signs: s * np.diff(f)},
                method="SLSQP",
                options={"ftol": 1e-12, "maxiter": 300},
            )
            assert found[mode] == pytest.approx(best.fun, abs=1e-5)
            fit = unimodal_fit(curve, weights, mode)
            assert np.sum(weights * (fit - curve) ** 2) == pytest.approx(found[mode], abs=1e-9)


def test_threshold_grows_with_noise_and_falls_with_fewer_looks():
    # docs/methods.md: 1.43, 2.47 and .29 for a set that may miss a peak between two looks; ours
    # asks the widened set to reach both looks around the peak and is a little higher
    assert 1.4 < threshold(21, 0.05) < 2.3
    assert 2.2 < threshold(21, 0.10) < 3.0
    assert 0.2 < threshold(11, 0.05) < 1.0


@pytest.mark.parametrize("kind", ["rl", "bon", "mid", "cliff", "tent"])
def test_the_set_covers_the_peak(kind):
    covered = []
    for seed in range(120):
        run = simulate(kind, "base_n20_s05", seed)
        gold, kl = run.frame["gold"].to_numpy(), run.frame["kl"].to_numpy()
        found = peak_set(gold, np.full(21, 0.05), np.sqrt(kl), 0.0, np.inf)
        covered.append(kl[found.first] <= run.kl_peak <= kl[found.last])
    assert np.mean(covered) >= 0.9 - 3 * np.sqrt(0.09 / 120)


def test_one_noisy_look_does_not_move_the_mode_far():
    look = np.arange(21)
    gold = 1 - ((look - 10) / 10) ** 2
    gold[16] += 0.45
    found = peak_set(gold, np.full(21, 0.15), look.astype(float), 0.0, np.inf)
    assert 8 <= found.mode <= 13


def test_exact_gold_gives_the_exact_peak():
    gold = 1 - (np.arange(21) - 7.0) ** 2
    found = peak_set(gold, np.zeros(21), np.arange(21.0), 0.0, np.inf)
    assert (found.first, found.mode, found.last) == (6, 7, 8)
    assert found.gold == pytest.approx(1.0)


def test_loss_is_not_flattered_by_the_choice_of_the_peak():
    naive, corrected, covered = [], [], []
    for seed in range(120):
        run = simulate("rl", "noisy_n20_s10", seed)
        gold, truth = run.frame["gold"].to_numpy(), run.frame["truth"].to_numpy()
        loss = truth.max() - truth[-1]
        found = gold_lost(gold, np.full(21, 0.1), 0.0, np.inf)
        naive.append(gold.max() - gold[-1] - loss)
        corrected.append(found.value - loss)
        covered.append(found.low <= loss <= found.high)
    assert abs(np.mean(corrected)) < 0.6 * np.mean(naive)
    assert np.mean(covered) >= 0.82
