"""Fits of Gao's forms: exact on exact curves, calibrated on noisy ones, honest on other shapes."""

import numpy as np
import pytest

from analytics.gao import best_of_n_gold, rl_gold, rl_peak
from analytics.onset.curves.fits import fieller, form_of, gao_fit, has_form
from analytics.simulated import simulate

D = np.linspace(0, 12, 21)


def test_exact_curves_give_their_own_coefficients():
    rl = gao_fit(D, 0.3 + rl_gold(D, 0.5, 0.2), np.full(21, 1e-3), "rl")
    assert (rl.intercept, rl.alpha, rl.beta) == pytest.approx((0.3, 0.5, 0.2), abs=1e-9)
    assert rl.kl == pytest.approx(20.0855369232, abs=1e-8)
    bon = gao_fit(D, best_of_n_gold(D, 1.0, 0.25), np.full(21, 1e-3), "best_of_n")
    assert (bon.alpha, bon.beta) == pytest.approx((1.0, 0.25), abs=1e-9)
    assert bon.kl == pytest.approx(4.0, abs=1e-8)
    assert rl.fits and bon.fits and rl.kl_low < rl.kl < rl.kl_high


def test_rescaled_gold_has_the_same_peak():
    run = simulate("rl", "base_n20_s05", 1).frame
    gold = run["gold"].to_numpy()
    one = gao_fit(D, gold, np.full(21, 0.05), "rl")
    other = gao_fit(D, 7 * gold - 3, np.full(21, 0.35), "rl")
    assert (other.kl, other.kl_low, other.kl_high) == pytest.approx(
        (one.kl, one.kl_low, one.kl_high)
    )


def intervals(kind, form, runs=300, scenario="base_n20_s05"):
    for seed in range(runs):
        run = simulate(kind, scenario, seed)
        yield run, gao_fit(D, run.frame["gold"].to_numpy(), run.frame["gold_se"].to_numpy(), form)


def covers(run, fit):
    if fit.kl_low is None:
        return True
    return fit.kl_low <= run.kl_peak <= (np.inf if fit.kl_high is None else fit.kl_high)


@pytest.mark.parametrize(("kind", "form"), [("rl", "rl"), ("bon", "best_of_n")])
def test_the_right_form_covers_nine_in_ten(kind, form):
    found = list(intervals(kind, form))
    assert np.mean([covers(*one) for one in found]) == pytest.approx(0.9, abs=0.052)
    assert np.mean([fit.fits for _, fit in found]) > 0.9


def test_the_wrong_form_does_not_cover():
    assert np.mean([covers(*one) for one in intervals("bon", "rl")]) <= 0.42


@pytest.mark.parametrize("kind", ["cliff", "tent"])
def test_lack_of_fit_is_seen(kind):
    assert np.mean([not fit.fits for _, fit in intervals(kind, "rl")]) > 0.7


def test_a_rising_run_has_no_upper_bound():
    run = simulate("linear", "base_n20_s05", 0).frame
    fit = gao_fit(D, run["gold"].to_numpy(), np.full(21, 0.05), "rl")
    assert fit.kl_high is None


def test_fieller_of_a_certain_ratio():
    assert fieller(2.0, 1.0, np.diag([0.01, 1e-12]), 1.0) == pytest.approx((1.9, 2.1))
    assert fieller(1.0, 0.1, np.eye(2), 1.645) == (None, None)


def test_too_little_cannot_be_fitted():
    assert gao_fit(D[:4], D[:4], np.ones(4)) is None
    assert gao_fit(np.ones(9), np.ones(9), np.ones(9)) is None
    for broken in (1e9, 1e150, 1e300):  # a number that no policy reaches
        place = np.append(D[:-1], broken)
        assert gao_fit(place, np.sin(place), np.full(21, 0.1)) is None
    assert form_of({"trainer": "TRL GRPO"}) == "rl"
    assert form_of({"algorithm": "best-of-n"}) == form_of({"kl_estimator": "bon_bound"})
    assert has_form({}) and not has_form({"trainer": "TRL OnlineDPO"})


@pytest.mark.parametrize("kind", ["rl", "bon", "linear"])
def test_fieller_is_the_profile_likelihood_set(kind):
    frame = simulate(kind, "base_n20_s05", 2).frame
    gold, se = frame["gold"].to_numpy(), np.full(21, 0.05)
    fit = gao_fit(D, gold, se, "rl")
    left = np.column_stack([np.ones(21), D, -np.where(D > 0, D * np.log(np.maximum(D, 1e-9)), 0)])
    best = np.linalg.lstsq(left / 0.05, gold / 0.05, rcond=None)[1][0]

    def rise(kl):
        # misfit with the peak held at kl: alpha = beta (ln d* + 1)
        u = np.log(np.sqrt(kl)) + 1
        basis = np.column_stack([left[:, 0], u * left[:, 1] + left[:, 2]]) / 0.05
        return np.linalg.lstsq(basis, gold / 0.05, rcond=None)[1][0] - best

    quantile = 1.6448536269514722**2
    for bound in (fit.kl_low, fit.kl_high):
        if bound is not None:
            assert rise(bound) == pytest.approx(quantile, abs=1e-6)
    assert rise(fit.kl if fit.kl is not None else 1e6) < quantile


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_the_fit_takes_kl_in_any_unit(unit):
    x = np.linspace(0, 10, 21) * np.sqrt(unit)
    gold = rl_gold(x / np.sqrt(unit), 1.0, 0.4)
    fit = gao_fit(x, gold, np.full(21, 0.01), "rl")
    assert fit is not None
    assert fit.kl == pytest.approx(rl_peak(1.0, 0.4).kl * unit, rel=1e-4)
