"""Estimators of KL and chi-square against their closed forms, by quadrature: no Monte Carlo."""

import numpy as np
import pytest

from analytics.kl import best_of_n_chi2, chi_square, gold_gain_bound, k1, k2, k3

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def moments(estimate, mu):
    """Mean and sd of an estimate under pi = N(0, 1), reference N(mu, 1)."""
    value = estimate(mu**2 / 2 - mu * NODES)
    mean = float(WEIGHTS @ value)
    return mean, float(np.sqrt(WEIGHTS @ (value - mean) ** 2))


@pytest.mark.parametrize("mu", [0.1, 1.0, 3.0])
def test_closed_forms(mu):
    kl = mu**2 / 2
    assert moments(k1, mu) == pytest.approx((kl, mu), rel=1e-9)
    assert moments(k2, mu)[0] == pytest.approx((mu**2 + mu**4 / 4) / 2, rel=1e-9)
    mean, sd = moments(k3, mu)
    assert mean == pytest.approx(kl, rel=1e-9)
    assert sd**2 == pytest.approx(np.exp(mu**2) - 1 - mu**2, rel=1e-8)


@pytest.mark.parametrize(
    ("mu", "estimate", "bias", "spread"),
    [
        (0.1, k1, 0.0, 20.0),
        (0.1, k2, 0.002, 1.42),
        (0.1, k3, 0.0, 1.42),
        (1.0, k1, 0.0, 2.0),
        (1.0, k2, 0.25, 1.73),
        (1.0, k3, 0.0, 1.7),
    ],
)
def test_schulmans_table(mu, estimate, bias, spread):
    kl = mu**2 / 2
    mean, sd = moments(estimate, mu)
    assert mean / kl - 1 == pytest.approx(bias, abs=6e-4)
    assert sd / kl == pytest.approx(spread, abs=6e-3)


def test_far_from_the_reference_only_k1_is_of_use():
    # mu = 3, KL 4.5 nats: sd over KL
    assert moments(k1, 3.0)[1] / 4.5 == pytest.approx(0.67, abs=0.01)
    assert moments(k3, 3.0)[1] / 4.5 == pytest.approx(20, abs=0.1)
    assert moments(k2, 3.0)[0] / 4.5 - 1 == pytest.approx(2.25, abs=1e-9)


def test_token_terms_are_summed_over_a_response():
    # 200 tokens of .05 nats each: 10 nats
    mu = np.sqrt(0.1)
    sums = {e: (200 * moments(e, mu)[0], np.sqrt(200) * moments(e, mu)[1]) for e in (k1, k2, k3)}
    assert sums[k1] == pytest.approx((10, 4.47), abs=0.01)
    assert sums[k2][0] == pytest.approx(10.25, abs=1e-9)
    assert sums[k3] == pytest.approx((10, 1.01), abs=0.01)
    # of the response's own ratio instead: k2 is 60 nats, k3 has no spread to speak of
    whole = np.sqrt(20.0)
    assert moments(k2, whole)[0] == pytest.approx(60, rel=1e-9)
    assert np.exp(20.0) - 1 - 20 > 1e8


def test_chi_square_of_a_shift():
    ratio = 0.25 / 2 - 0.5 * NODES
    # under pi the mean of the ratio is e^(mu^2)
    assert float(WEIGHTS @ np.expm1(ratio)) == pytest.approx(0.2840254167, abs=1e-9)
    assert np.expm1(9.0) == pytest.approx(8102, abs=0.1)
    assert chi_square(np.log([2.0, 0.5, 1.0])) == pytest.approx(1 / 6)
    assert best_of_n_chi2([2, 4, 16]) == pytest.approx([1 / 3, 9 / 7, 225 / 31], abs=1e-12)


def test_bound_on_golds_gain():
    # proxy tilted by e^(u / 2), correlation .8: gold gains .4, which is above the bound
    bound = gold_gain_bound(0.5, float(np.expm1(0.25)), 0.8)
    assert bound == pytest.approx(0.226, abs=1e-3)
    assert bound <= 0.8 * 0.5
    assert gold_gain_bound(0.5, 1.0, 1.0) == pytest.approx(0.5)
