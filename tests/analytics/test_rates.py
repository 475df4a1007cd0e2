"""Intervals and tests against the worked numbers of the literature and against brute force."""

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from analytics import rates
from analytics.hallucination import grader, topics, trend


@pytest.mark.parametrize(
    ("events", "n", "low", "high"),
    [
        (81, 263, 0.255289, 0.366210),
        (15, 148, 0.062386, 0.160487),
        (0, 20, 0.0, 0.161125),
        (48, 400, 0.091715, 0.155514),
        (62, 400, 0.122833, 0.193731),
        (10, 10, 0.722467, 1.0),
    ],
)
def test_wilson(events: int, n: int, low: float, high: float) -> None:
    assert [float(end) for end in rates.wilson(events, n)] == pytest.approx([low, high], abs=1e-6)


def test_a_rate_of_nothing_is_not_zero() -> None:
    low, high = rates.wilson([0, 3], [0, 10])
    assert np.isnan(low[0]) and np.isnan(high[0]) and low[1] > 0
    with pytest.raises(ValueError, match="between 0 and n"):
        rates.wilson(11, 10)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.2, 0.052431, 0.333873)),
        ((62, 400, 48, 400), (0.035, -0.012916, 0.082959)),
    ],
)
def test_newcombe(counts: tuple[int, ...], expected: tuple[float, ...]) -> None:
    assert [float(v) for v in rates.newcombe(*counts)] == pytest.approx(list(expected), abs=1e-6)


def test_mcnemar_of_the_worked_example() -> None:
    test = rates.mcnemar(25, 11)
    assert float(test.exact) == pytest.approx(0.028817, abs=1e-6)
    assert float(test.mid_p) == pytest.approx(0.020074, abs=1e-6)
    assert float(test.chi2) == pytest.approx(5.4444, abs=1e-4)
    assert float(test.chi2_p) == pytest.approx(0.019630, abs=1e-6)
    assert float(test.chi2_corrected) == pytest.approx(4.6944, abs=1e-4)
    assert float(test.chi2_corrected_p) == pytest.approx(0.030260, abs=1e-6)
    small = rates.mcnemar(9, 2)
    assert float(small.exact) == pytest.approx(0.065430, abs=1e-6)
    assert float(small.mid_p) == pytest.approx(0.038574, abs=1e-6)


def test_mcnemar_is_the_binomial_test_and_symmetric() -> None:
    b, c = np.array([0, 3, 5, 700, 40]), np.array([0, 3, 1, 600, 9])
    test, mirror = rates.mcnemar(b, c), rates.mcnemar(c, b)
    for i in range(1, len(b)):
        expected = stats.binomtest(int(b[i]), int(b[i] + c[i])).pvalue
        assert test.exact[i] == pytest.approx(expected, rel=1e-9)
    assert test.exact[0] == test.mid_p[0] == test.chi2_p[0] == 1  # nothing changed
    assert test.mid_p[1] == pytest.approx(1.0)
    assert np.allclose(test.mid_p, mirror.mid_p)


def test_paired_and_unpaired_differ_on_the_same_data() -> None:
    difference, error, low, high = map(float, rates.paired_difference(14, 36, 400))
    assert (difference, error) == pytest.approx((0.035, 0.0148976), abs=1e-7)
    assert (low, high) == pytest.approx((0.005801, 0.064199), abs=1e-6)
    assert low > 0 > float(rates.newcombe(62, 400, 48, 400)[1])


def test_no_change_seen_is_not_no_change_possible() -> None:
    _, _, low, high = rates.paired_difference(0, 0, 50)
    assert float(low) == float(high) == 0
    _, _, low, high = map(float, rates.paired_difference(0, 0, 50, small=True))
    assert low == pytest.approx(-high) and 0.02 < high < 0.08
    # From ten changes on it is the plain interval.
    same = rates.paired_difference(14, 36, 400, small=True)
    assert float(same[2]) == pytest.approx(0.005801, abs=1e-6)


def test_unpaired_p_is_exact_where_few_are_expected() -> None:
    got = rates.unpaired_p([3, 62, 0], [20, 400, 9], [0, 48, 0], [20, 400, 9])
    assert got[0] == pytest.approx(stats.fisher_exact([[3, 17], [0, 20]])[1])
    chi2 = stats.chi2_contingency([[62, 338], [48, 352]], correction=False).pvalue
    assert got[1] == pytest.approx(chi2)
    assert got[2] == 1
    assert float(rates.unpaired_p(3, 20, 0, 20)) == pytest.approx(got[0])


def test_clustered_errors_of_the_worked_example() -> None:
    s, clusters = [1, 1, 1, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    assert rates.clustered_error(s, clusters) == pytest.approx(0.254951, abs=1e-6)
    assert rates.clustered_error(s, clusters, "n-1") == pytest.approx(0.260342, abs=1e-6)
    alone = rates.clustered_error(s, range(10), "n-1")
    assert alone == pytest.approx(0.166667, abs=1e-6)  # each its own cluster: the usual error
    with pytest.raises(ValueError, match="10 scores, but 3"):
        rates.clustered_error(s, [1, 2, 3])


def test_ignoring_clusters_gives_false_positives_that_the_clustered_error_does_not() -> None:
    """50 clusters of 10, ICC .71, no effect: the naive interval misses far more than 5 %."""
    random = np.random.default_rng(3)
    naive = clustered = 0
    for _ in range(400):
        mean = random.beta(0.2042, 0.2042, 50)  # ICC = 1 / (a + b + 1) = .71
        s = (random.random((50, 10)) < mean[:, None]).ravel().astype(float)
        each = np.repeat(np.arange(50), 10)
        naive += abs(s.mean() - 0.5) > 1.96 * s.std(ddof=1) / np.sqrt(500)
        clustered += abs(s.mean() - 0.5) > 1.96 * rates.clustered_error(s, each)
    assert naive / 400 > 0.3
    assert clustered / 400 < 0.1


def test_samples_are_averaged_within_the_question() -> None:
    _, means = rates.question_means([1, 1, 1, 0], ["a", "a", "a", "b"])
    assert means.mean() == 0.5  # not .75


def test_benjamini_hochberg_of_the_classic_example() -> None:
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.060, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251,
         0.269, 0.275, 0.34, 0.341, 0.384, 0.569, 0.594, 0.696, 0.762, 0.94, 0.942, 0.975,
         0.986]  # fmt: skip
    q = rates.benjamini_hochberg(p)
    assert q[:6] == pytest.approx([0.025, 0.100, 0.210, 0.210, 0.210, 0.250], abs=5e-4)
    assert (q <= 0.05).sum() == 1 and (q <= 0.25).sum() == 6
    shuffled = np.random.default_rng(0).permutation(len(p))
    assert np.allclose(rates.benjamini_hochberg(np.array(p)[shuffled]), q[shuffled])
    assert np.isnan(rates.benjamini_hochberg([np.nan])).all()


def test_shrinkage_pulls_small_topics_more_than_large_ones() -> None:
    shrunk = topics.shrink([3, 100, 130, 10, 95], [3, 1000, 1000, 100, 1000])
    assert shrunk.rate[0] < 0.8 and abs(shrunk.rate[2] - 0.13) < 0.01
    assert np.all(shrunk.low < shrunk.rate) and np.all(shrunk.rate < shrunk.high)
    assert shrunk.effect == pytest.approx(shrunk.rate - shrunk.mean)


def test_topics_that_differ_by_noise_alone_are_pooled() -> None:
    random = np.random.default_rng(5)
    same = topics.shrink(random.binomial(200, 0.3, 40), np.full(40, 200))
    apart = topics.shrink(random.binomial(200, random.beta(3, 7, 40)), np.full(40, 200))
    assert same.rate.std() < 0.01 < 0.1 < apart.rate.std()
    assert 5 < apart.strength < 20  # truth: 10


def test_cochran_armitage_against_the_published_value() -> None:
    """Agresti, Categorical Data Analysis, table 5.5: alcohol and malformations, z² = 6.57."""
    test = trend.cochran_armitage([48, 38, 5, 1, 1], [17114, 14502, 793, 127, 38],
                                  [0, 0.5, 1.5, 4, 7])  # fmt: skip
    assert test.z**2 == pytest.approx(6.57, abs=0.005) and test.p == pytest.approx(0.0104, abs=1e-4)
    assert trend.cochran_armitage([5, 4, 3], [10, 10, 10]).z < 0
    assert np.isnan(trend.cochran_armitage([0, 0], [10, 10]).p)


def test_the_question_trend_uses_the_pairing() -> None:
    random = np.random.default_rng(11)
    hard = random.random(300) < 0.5  # the same questions are wrong at every iteration
    wrong = np.stack([hard | (random.random(300) < 0.02 * t) for t in range(5)])
    frame = pl.DataFrame(
        {
            "question_id": np.tile(np.arange(300), 5),
            "iteration": np.repeat(np.arange(5), 300),
            "wrong": wrong.ravel().astype(float),
        }
    )
    paired = trend.question_trend(frame)
    loose = trend.cochran_armitage(wrong.sum(axis=1), np.full(5, 300))
    assert paired.z > 3 > 1.5 > loose.z
    assert paired.slope == pytest.approx(loose.slope)
    assert np.isnan(trend.question_trend(frame.filter(pl.col("iteration") == 0)).p)


def test_e_process_is_the_mixture_it_says() -> None:
    b, c = 12, 5
    whole = integrate.quad(lambda bet: (1 + bet) ** b * (1 - bet) ** c, 0, 1)[0]
    assert trend.rise_on_same_questions([7, 5], [2, 3]).e[-1] == pytest.approx(whole)
    whole = integrate.quad(lambda t: (t / 0.1) ** 9 * ((1 - t) / 0.9) ** 41 / 0.9, 0.1, 1)[0]
    assert trend.above_limit([4, 5], [20, 30], 0.1).e[-1] == pytest.approx(whole)


def test_e_processes_may_be_looked_at_every_iteration() -> None:
    """No rise at all, looked at 20 times: alarms in at most 5 % of loops; p-values in more."""
    random = np.random.default_rng(17)
    loops, looks, n = 600, 20, 200
    difficulty = random.beta(0.5, 2, n)  # questions of very unequal difficulty
    paired = limit = naive = 0
    for _ in range(loops):
        b, c = np.zeros(looks), np.zeros(looks)
        wrong = np.zeros(looks)
        for t in range(looks):
            now = random.random(n) < difficulty
            wrong[t] = now.sum()
            flips = random.binomial(30, 0.5)
            b[t], c[t] = flips, 30 - flips
        paired += trend.rise_on_same_questions(b, c).alarm is not None
        limit += trend.above_limit(wrong, np.full(looks, n), difficulty.mean()).alarm is not None
        naive += bool((stats.binom.sf(np.cumsum(b) - 1, 30 * np.arange(1, 21), 0.5) < 0.05).any())
    assert paired / loops <= 0.05 and limit / loops <= 0.05
    assert naive / loops > 0.12


def test_e_process_sees_a_rise_and_recovers_from_a_long_fall() -> None:
    process = trend.rise_on_same_questions([30] * 8, [12] * 8)
    assert process.alarm is not None and process.alarm <= 2
    assert np.all(np.diff(process.p) <= 0)
    fallen = trend.rise_on_same_questions([0, 3000], [3000, 0])
    assert np.all(np.isfinite(fallen.e)) and fallen.e[0] == pytest.approx(1 / 3001, rel=1e-3)
    with pytest.raises(ValueError, match="limit"):
        trend.above_limit([1], [2], 1.0)


def test_rogan_gladen_is_the_inverse_of_the_grader() -> None:
    error = grader.GraderError(0.9, 0.95, 200, 400, (0, 1), (0, 1))
    seen = 0.2 * 0.9 + 0.8 * 0.05
    corrected = grader.rogan_gladen(seen, 1000, error)
    assert (
        corrected.rate == pytest.approx(0.2)
        and corrected.low < 0.2 < corrected.high
        and not corrected.reason
    )
    sure = grader.rogan_gladen(seen, 1000, grader.GraderError(1, 1, 10**6, 10**6, (0, 1), (0, 1)))
    low, high = rates.wilson(seen * 1000, 1000)
    assert (sure.low, sure.high) == pytest.approx((float(low), float(high)), abs=2e-3)
    assert corrected.high - corrected.low > sure.high - sure.low


@pytest.mark.parametrize(
    ("rate", "se", "sp", "audited"), [(0.2, 0.9, 0.97, 100), (0.05, 0.95, 0.95, 200)]
)
def test_the_corrected_interval_covers(rate: float, se: float, sp: float, audited: int) -> None:
    random = np.random.default_rng(23)
    half, covered = audited // 2, 0
    for _ in range(800):
        seen = random.binomial(500, rate * se + (1 - rate) * (1 - sp)) / 500
        found, kept = random.binomial(half, se) / half, random.binomial(half, sp) / half
        corrected = grader.rogan_gladen(
            seen, 500, grader.GraderError(found, kept, half, half, (0, 1), (0, 1))
        )
        covered += corrected.low <= rate <= corrected.high
    assert covered / 800 > 0.93


def test_a_grader_that_cannot_be_corrected_is_said() -> None:
    audit = pl.DataFrame({"grade": ["incorrect", "correct"], "human": ["correct", "incorrect"]})
    corrected = grader.rogan_gladen(0.3, 100, grader.grader_error(audit))
    assert np.isnan(corrected.rate) and "chance" in corrected.reason
    only = pl.DataFrame({"grade": ["correct"], "human": ["correct"]})
    assert "no wrong answer" in grader.rogan_gladen(0.3, 100, grader.grader_error(only)).reason
    few = grader.GraderError(1.0, 1.0, 3, 40, (0, 1), (0, 1))
    assert "only 3" in grader.rogan_gladen(0.3, 100, few).reason


@pytest.mark.parametrize("iterations", [3, 4, 8])
def test_retraining_noise_is_no_trend(iterations: int) -> None:
    """A random effect of .25 logit an iteration. Measured over 1,000 loops: .04 to .06 (se .007),
    Cochran-Armitage .22 to .77; a rise of .15 logit an iteration over 10 of them: .99."""
    random = np.random.default_rng(8724 + iterations)
    loops, n = 250, np.resize([1000, 400], iterations)
    effect = 0.25 * random.standard_normal((loops, iterations))
    rising = 0.3 * np.arange(iterations)
    false, naive, found = 0, 0, 0
    for noise in effect:
        chance, risen = (1 / (1 + np.exp(1.4 - eta)) for eta in (noise, noise / 10 + rising))
        wrong = random.binomial(n, chance)
        false += trend.scatter_trend(wrong / n, n).p < 0.05
        naive += trend.cochran_armitage(wrong, n).p < 0.05
        found += trend.scatter_trend(random.binomial(n, risen) / n, n).p < 0.05
    assert false <= 0.05 * loops + 3 * np.sqrt(0.05 * 0.95 * loops)
    assert naive > 0.2 * loops
    assert found >= {3: 0.25, 4: 0.8, 8: 0.99}[iterations] * loops


def test_a_trend_that_cannot_be_told_is_not_told() -> None:
    for shares, n in (([0.1, 0.2], [9, 9]), ([0.2] * 4, [9] * 4), ([0.0] * 3, [9] * 3),
                      ([0.1, 0.2, 0.3], [9, 0, 9])):  # fmt: skip
        assert np.isnan(trend.scatter_trend(shares, n).p)
    straight = trend.scatter_trend([0.1, 0.2, 0.3], [10] * 3)
    assert straight.p == pytest.approx(trend.cochran_armitage([1, 2, 3], [10] * 3).p)
    assert straight.slope == pytest.approx(0.1) and straight.scatter == 0
