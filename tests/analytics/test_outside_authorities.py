"""Our statistics against scipy, statsmodels and ruptures, which others wrote and check.

The process that serves pages does without scipy.optimize, scipy.signal and scipy.stats (22, 50 and
46 MB), so these are asked here and not there.
"""

import numpy as np
import pytest
import ruptures
from scipy import optimize, signal, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats import contingency_tables, multitest, proportion

from analytics import rates
from analytics.computing.quantiles import fisher_exact
from analytics.onset.curves.unimodal import rising_fit
from analytics.onset.errors.line_residuals import ar1_times
from analytics.onset.evidence.ar1 import correlated, whitened
from analytics.onset.evidence.contrasts import drop_contrasts


def rng() -> np.random.Generator:
    return np.random.default_rng(1616)


@pytest.mark.parametrize("looks", [1, 2, 7, 40])
def test_the_rising_fit_is_scipys_isotonic_regression(looks: int) -> None:
    for draw in rng().standard_normal((25, looks)):
        weights = np.exp(draw[::-1])
        theirs = optimize.isotonic_regression(draw, weights=weights).x
        assert rising_fit(draw, weights) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.95])
def test_correlated_noise_and_its_whitening_are_scipys_filters(rho: float) -> None:
    white, scale = rng().standard_normal((5, 60)), np.sqrt(1 - rho * rho)
    first = white[:, :1].copy()
    driven = np.concatenate([first, scale * white[:, 1:]], axis=1)
    noise = correlated(white.copy(), rho)
    assert noise == pytest.approx(signal.lfilter([1.0], [1.0, -rho], driven), abs=1e-12)
    back = signal.lfilter([1.0, -rho], [1.0], noise)
    back[:, 1:] /= scale
    assert whitened(noise, rho) == pytest.approx(back, abs=1e-12)
    assert whitened(noise, rho) == pytest.approx(white, abs=1e-12)
    assert whitened(noise.T, rho, axis=0) == pytest.approx(white.T, abs=1e-12)
    assert correlated(white.T.copy(), rho, axis=0) == pytest.approx(noise.T, abs=1e-12)


@pytest.mark.parametrize("rho", [0.4, 0.9])
def test_the_correlation_matrix_in_blocks_is_scipys_filter_both_ways(rho: float) -> None:
    columns = rng().standard_normal((200, 2))
    ahead = signal.lfilter([1.0], [1.0, -rho], columns, axis=0)
    back = signal.lfilter([1.0], [1.0, -rho], columns[::-1], axis=0)[::-1]
    assert ar1_times(columns, rho) == pytest.approx(ahead + back - columns, abs=1e-10)


def test_adjusted_p_values_are_those_of_scipy_and_statsmodels() -> None:
    for size in (1, 2, 9, 50):
        p = rng().uniform(0, 1, size) ** 3
        ours = rates.benjamini_hochberg(p)
        assert ours == pytest.approx(stats.false_discovery_control(p), abs=1e-15)
        assert ours == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1], abs=1e-15)


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (0, 20, 3, 30), (10, 10, 7, 12)])
def test_intervals_of_rates_are_those_of_statsmodels(counts: tuple[int, ...]) -> None:
    events, n, before, of = counts
    wilson = proportion.proportion_confint(events, n, method="wilson")
    assert np.array(rates.wilson(events, n)) == pytest.approx(np.array(wilson), abs=1e-12)
    newcombe = proportion.confint_proportions_2indep(
        events, n, before, of, method="newcomb", compare="diff"
    )
    assert np.array(rates.newcombe(*counts)[1:]) == pytest.approx(np.array(newcombe), abs=1e-12)


@pytest.mark.parametrize(("wrong", "right"), [(25, 11), (9, 2), (3, 3), (0, 6)])
def test_changed_answers_are_tested_as_by_statsmodels(wrong: int, right: int) -> None:
    table, ours = [[50, wrong], [right, 70]], rates.mcnemar(wrong, right)
    exact = contingency_tables.mcnemar(table, exact=True).pvalue
    plain = contingency_tables.mcnemar(table, exact=False, correction=False).pvalue
    assert float(ours.exact) == pytest.approx(exact, abs=1e-12)
    assert float(ours.chi2_p) == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("counts", [(3, 20, 9, 25), (0, 8, 4, 9), (12, 13, 5, 11)])
def test_the_exact_test_of_small_counts_is_scipys(counts: tuple[int, ...]) -> None:
    a, n, b, of = counts
    theirs = stats.fisher_exact([[a, n - a], [b, of - b]]).pvalue
    assert fisher_exact(a, n - a, b, of - b) == pytest.approx(theirs, abs=1e-12)


def test_the_error_of_clustered_answers_is_the_sandwich_of_statsmodels() -> None:
    each = np.repeat(np.arange(30), rng().integers(1, 9, 30))
    scores = (rng().random(len(each)) < rng().random(30)[each]).astype(float)
    sandwich = {"groups": each, "use_correction": False}
    fit = OLS(scores, np.ones(len(each))).fit(cov_type="cluster", cov_kwds=sandwich)
    assert rates.clustered_error(scores, each) == pytest.approx(float(fit.bse[0]), rel=1e-9)


def test_the_largest_drop_of_means_lies_where_ruptures_breaks_a_curve() -> None:
    """Of contrasts over all looks, the one that explains most is the least-squares change."""
    looks, found = 10, []
    contrasts = drop_contrasts(looks).matrix
    whole = contrasts[(contrasts != 0).all(axis=1)]
    for gold in rng().standard_normal((40, looks)) - 3 * (np.arange(looks) >= 6):
        row = whole[np.argmax(whole @ gold)]
        breaks = ruptures.Dynp(model="l2", min_size=1, jump=1).fit(gold).predict(n_bkps=1)
        assert breaks == [int(np.argmax(row < 0)), looks]
        found.append(breaks[0])
    assert len(set(found)) > 1
