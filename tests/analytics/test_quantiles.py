"""Quantiles and tails beside SciPy's own distributions, which are what everybody else asks."""

import numpy as np
import pytest
from scipy import stats

from analytics.computing import quantiles

DICE = np.random.default_rng(15)
P = np.concatenate([DICE.random(500), [1e-9, 0.5, 1 - 1e-9]])
FREEDOM = DICE.uniform(0.1, 60, len(P))
X = DICE.uniform(-3, 60, len(P))


def test_as_scipy_says() -> None:
    below = FREEDOM[::-1]
    for ours, theirs in (
        (quantiles.normal_quantile(P), stats.norm.ppf(P)),
        (quantiles.t_quantile(P, FREEDOM), stats.t.ppf(P, FREEDOM)),
        (quantiles.chi2_quantile(P, FREEDOM), stats.chi2.ppf(P, FREEDOM)),
        (quantiles.chi2_beyond(X, FREEDOM), stats.chi2.sf(X, FREEDOM)),
        (quantiles.f_beyond(X, FREEDOM, below), stats.f.sf(X, FREEDOM, below)),
        (quantiles.ranks(np.round(X)), stats.rankdata(np.round(X))),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_at_the_ends_as_scipy_says() -> None:
    odd = [-1.0, 0.0, np.inf, np.nan]
    np.testing.assert_array_equal(quantiles.chi2_beyond(odd, 3), stats.chi2.sf(odd, 3))
    np.testing.assert_array_equal(quantiles.f_beyond(odd, 3, 4), stats.f.sf(odd, 3, 4))
    np.testing.assert_array_equal(quantiles.chi2_beyond(1.0, [0, 4]), stats.chi2.sf(1.0, [0, 4]))
    np.testing.assert_array_equal(quantiles.t_quantile(0.9, odd), stats.t.ppf(0.9, odd))


@pytest.mark.parametrize("most", [3, 12, 400])
def test_fisher_as_scipy_says(most: int) -> None:
    for a, b, c, d in DICE.integers(0, most, (50, 4)).tolist():
        if (a or b) and (c or d):
            expected = stats.fisher_exact([[a, b], [c, d]])[1]
            assert quantiles.fisher_exact(a, b, c, d) == pytest.approx(expected, rel=1e-9)
