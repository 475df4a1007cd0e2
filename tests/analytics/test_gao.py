"""The closed forms against worked numbers."""

import numpy as np
import pytest

from analytics.gao import (
    best_of_n_gold,
    best_of_n_peak,
    box_cox_gold,
    box_cox_peak,
    iterated_gold,
    normalised_gold,
    rl_gold,
    rl_peak,
)
from analytics.kl import best_of_n_kl, k1, k2, k3


@pytest.mark.parametrize(
    ("alpha", "beta", "d", "kl", "gold"), [(0.5, 0.1, 2.5, 6.25, 0.625), (1, 0.25, 2, 4, 1)]
)
def test_best_of_n_peak(alpha, beta, d, kl, gold):
    peak = best_of_n_peak(alpha, beta)
    assert (peak.d, peak.kl, peak.gold) == pytest.approx((d, kl, gold), abs=1e-12)
    assert best_of_n_gold(peak.zero, alpha, beta) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("alpha", "beta", "gold"), [(0.5, 0.2, 0.8963378140676129), (1, 0.4, None)]
)
def test_rl_peak(alpha, beta, gold):
    peak = rl_peak(alpha, beta)
    assert peak.d == pytest.approx(4.4816890703380645, abs=1e-9)
    assert peak.kl == pytest.approx(20.085536923187668, abs=1e-9)
    assert peak.zero == pytest.approx(12.182493960703473, abs=1e-9)
    assert peak.gold == pytest.approx(gold or 1.7926756281352258, abs=1e-9)
    assert rl_gold([0, peak.d], alpha, beta) == pytest.approx([0, peak.gold], abs=1e-9)


@pytest.mark.parametrize("g", [0.0, 0.25, 0.5, 1.0])
def test_box_cox_peak_is_the_maximum(g):
    peak = box_cox_peak(0.5, 0.2, g)
    d = np.linspace(0, peak.zero, 200_001)
    assert d[np.argmax(box_cox_gold(d, 0.5, 0.2, g))] == pytest.approx(peak.d, abs=1e-3)
    assert box_cox_gold(peak.zero, 0.5, 0.2, g) == pytest.approx(0, abs=1e-9)


def test_box_cox_at_one_is_best_of_n():
    d = np.linspace(0, 5, 11)
    assert box_cox_gold(d, 0.4, 0.1, 1.0) == pytest.approx(best_of_n_gold(d, 0.5, 0.1))


def test_normalised_curve_past_its_peak():
    assert normalised_gold(2.0, 0.0) == pytest.approx(0.6137056388801094, abs=1e-9)
    assert normalised_gold(2.0, 1.0) == pytest.approx(0, abs=1e-12)


def test_iterated():
    assert iterated_gold(8, 0.5, 0.2, 1) == pytest.approx(0.6728934, abs=1e-6)
    assert iterated_gold(8, 0.5, 0.2, 4) == pytest.approx(4 * rl_gold(2, 0.5, 0.2), abs=1e-9)


def test_no_peak_is_an_error():
    for peak in (rl_peak, best_of_n_peak):
        with pytest.raises(ValueError, match="no peak"):
            peak(0.5, 0.0)
    with pytest.raises(ValueError, match="negative"):
        box_cox_gold(-1.0, 1, 1, 0)


def test_best_of_n_kl():
    expected = [0, 0.193147, 0.636294, 1.835089, 3.174508, 4.549084, 5.908755, 10.002117]
    assert best_of_n_kl([1, 2, 4, 16, 64, 256, 1000, 60000]) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="at least 1"):
        best_of_n_kl(0)


@pytest.mark.parametrize("mu", [0.1, 1.0])
def test_estimators_have_schulmans_moments(mu):
    rng = np.random.default_rng(0)
    y = rng.standard_normal(400_000)
    ratio = (y - mu) ** 2 / 2 - y**2 / 2
    assert np.mean(k1(ratio)) == pytest.approx(mu**2 / 2, abs=4 * mu / 632)
    assert np.std(k1(ratio)) == pytest.approx(mu, rel=0.01)
    assert np.mean(k2(ratio)) == pytest.approx((mu**2 + mu**4 / 4) / 2, rel=0.02)
    assert np.mean(k3(ratio)) == pytest.approx(mu**2 / 2, rel=0.02)
    assert np.var(k3(ratio)) == pytest.approx(np.exp(mu**2) - 1 - mu**2, rel=0.1)
