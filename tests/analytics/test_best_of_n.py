"""Best-of-n: closed forms, exact enumeration, and errors on pools whose curve is known."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import best_of_n as bon
from analytics.best_of_n.estimator import best_of_n, best_of_n_kl_better, grid, selection
from analytics.best_of_n.fits import peak_kl, pool_fit
from analytics.best_of_n.resampling import FEWEST_PROMPTS, band, shape
from analytics.best_of_n.win_rate import win_rate
from analytics.gao import best_of_n_gold, best_of_n_peak, rl_gold, rl_peak
from analytics.kl import best_of_n_chi2, best_of_n_kl, best_of_n_kl_of, n_of_best_of_n_kl
from analytics.onset.curves.fits import gao_fit
from analytics.simulated_pools import simulate_pool, true_gold


def test_unbiased_estimator_on_the_published_example() -> None:
    gold = [0.1, 0.4, 0.9, 0.6, -0.2]
    found = best_of_n([1, 2, 3, 4, 5], gold, [1, 2, 3, 4, 5])[0]
    assert found == pytest.approx([0.36, 0.32, 0.15, -0.04, -0.2], abs=1e-12)


def enumerated(proxy: np.ndarray, value: np.ndarray, n: int) -> tuple[float, float]:
    """Mean value and win rate over every subset, ties broken at random, by counting."""
    everyone, values, wins = range(len(proxy)), [], []
    for subset in itertools.combinations(everyone, n):
        best = max(proxy[i] for i in subset)
        taken = [i for i in subset if proxy[i] == best]
        values.append(np.mean([value[i] for i in taken]))
        for other in set(everyone) - set(subset):
            beats = [(value[i] > value[other]) + 0.5 * (value[i] == value[other]) for i in taken]
            wins.append(np.mean(beats))
    return float(np.mean(values)), float(np.mean(wins)) if wins else np.nan


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=7))
def test_estimator_and_win_rate_equal_the_count_over_all_subsets(pairs) -> None:
    proxy, value = np.array(pairs, dtype=float).T
    sizes = np.arange(1, len(pairs) + 1)
    found, won = best_of_n(proxy, value, sizes)[0], win_rate(proxy, value, sizes)[0]
    for n in sizes:
        mean, rate = enumerated(proxy, value, int(n))
        assert found[n - 1] == pytest.approx(mean, abs=1e-12)
        assert won[n - 1] == pytest.approx(rate, abs=1e-12, nan_ok=True)


def test_order_of_samples_and_scale_of_proxy_change_nothing() -> None:
    proxy, gold = simulate_pool("hacked", 3, 40, 1)
    proxy = proxy.round(1)  # ties
    sizes = grid(40)
    shuffled = np.random.default_rng(0).permutation(40)
    for compute in (best_of_n, win_rate):
        whole = compute(proxy, gold, sizes)
        again = compute(7 * proxy[:, shuffled] + 3, gold[:, shuffled], sizes)
        assert again == pytest.approx(whole, abs=1e-12, nan_ok=True)
    moved = best_of_n(proxy, gold + 5, sizes) - 5
    assert moved == pytest.approx(best_of_n(proxy, gold, sizes), abs=1e-12)


def test_selection_sums_to_one_for_large_pools() -> None:
    weights = selection(60_000, np.array([1, 2, 1000, 60_000]))
    assert weights.sum(axis=0) == pytest.approx(np.ones(4), abs=1e-8)
    assert weights[-1, -1] == pytest.approx(1, abs=1e-8)
    with pytest.raises(ValueError, match="between 1 and the 5 samples"):
        selection(5, np.array([6]))


def test_win_rate_by_the_proxy_is_its_ceiling_without_ties_and_below_with_them() -> None:
    proxy = np.random.default_rng(0).standard_normal((2, 50))
    sizes = np.array([1, 2, 4, 16, 49])
    assert win_rate(proxy, proxy, sizes) == pytest.approx(
        np.tile(sizes / (sizes + 1), (2, 1)), abs=1e-12
    )
    tied = win_rate(np.zeros(50), np.zeros(50), sizes)
    assert tied == pytest.approx(np.full((1, 5), 0.5), abs=1e-12)


BOUND = {
    2: (0.193147, 0.439485, 0.666667),
    4: (0.636294, 0.797681, 0.8),
    16: (1.835089, 1.354654, 0.941176),
    64: (3.174508, 1.781715, 0.984615),
    256: (4.549084, 2.132858, 0.996109),
    1000: (5.908755, 2.430793, 0.999001),
    60_000: (10.002117, 3.162612, 0.999983),
}


@pytest.mark.parametrize("n", BOUND)
def test_bound_of_the_kl(n: int) -> None:
    kl, d, most = BOUND[n]
    assert float(best_of_n_kl(n)) == pytest.approx(kl, abs=5e-7)
    assert float(np.sqrt(best_of_n_kl(n))) == pytest.approx(d, abs=5e-7)
    assert n / (n + 1) == pytest.approx(most, abs=5e-7)
    assert n_of_best_of_n_kl(float(best_of_n_kl(n))) == pytest.approx(n, rel=1e-9)


def exact_kl(probability: np.ndarray, n: int) -> float:
    """KL of best-of-n over outcomes in ascending order of reward, from its exact pmf."""
    upto = np.cumsum(probability)
    chosen = upto**n - np.concatenate([[0.0], upto[:-1]]) ** n
    there = chosen > 0
    return float(np.sum(chosen[there] * np.log(chosen[there] / probability[there])))


@pytest.mark.parametrize(
    ("length", "n", "exact", "better"),
    [
        (2, 2, 0.1308, 0.1791), (2, 4, 0.4594, 0.4991), (2, 16, 0.6930, 0.6930),
        (2, 64, 0.6931, 0.6931), (10, 2, 0.1893, 0.1931), (10, 4, 0.6288, 0.6349),
        (10, 16, 1.7331, 1.7561), (10, 64, 2.2935, 2.2946), (10, 256, 2.3026, 2.3026),
    ],
)  # fmt: skip
def test_better_estimate_lies_between_exact_and_bound(length, n, exact, better) -> None:
    probability = np.full(length, 1 / length)
    assert exact_kl(probability, n) == pytest.approx(exact, abs=5.1e-5)
    found = float(best_of_n_kl_of(n, np.log(1 / length)))
    assert found == pytest.approx(better, abs=5.1e-5)
    assert exact_kl(probability, n) <= found <= float(best_of_n_kl(n)) + 1e-12


def test_better_estimate_at_its_ends() -> None:
    assert float(best_of_n_kl_of(16, 0.0)) == 0
    assert float(best_of_n_kl_of(16, -800.0)) == pytest.approx(float(best_of_n_kl(16)), abs=1e-9)
    assert float(best_of_n_kl_of(1, -2.0)) == pytest.approx(0, abs=1e-12)
    # a pool in which every response is one of two equally likely ones
    proxy = np.tile([0.0, 1.0], 50)
    found = best_of_n_kl_better(proxy, np.full(100, np.log(0.5)), [4])
    assert found[0, 0] == pytest.approx(float(best_of_n_kl_of(4, np.log(0.5))), abs=1e-12)


def test_chi_square_of_best_of_n() -> None:
    assert best_of_n_chi2([2, 4, 16]) == pytest.approx([1 / 3, 9 / 7, 225 / 31], abs=1e-12)


def test_fits_find_both_of_gaos_forms_and_their_peaks() -> None:
    kl = np.linspace(0, 12, 30)
    noise = 1e-4 * np.random.default_rng(0).standard_normal((40, 1))
    for form, curve, peak in (
        ("best_of_n", best_of_n_gold(np.sqrt(kl), 1.0, 0.25), best_of_n_peak(1.0, 0.25)),
        ("rl", rl_gold(np.sqrt(kl), 0.5, 0.3), rl_peak(0.5, 0.3)),
    ):
        wobble = 1e-5 * np.random.default_rng(1).standard_normal((40, 30))
        fit = pool_fit(0.2 + curve + noise + wobble, kl, form)
        assert fit is not None
        assert fit.intercept == pytest.approx(0.2, abs=1e-3)
        assert fit.kl == pytest.approx(peak.kl, rel=1e-3)
        assert fit.kl_bounds[0] <= peak.kl * 1.001 and fit.kl_bounds[1] >= peak.kl * 0.999
        assert fit.fits and not fit.beyond
        assert fit.gold(np.array([peak.d])) == pytest.approx([0.2 + peak.gold], abs=1e-3)
        other = gao_fit(np.sqrt(kl), curve, np.ones(30), form)
        assert (fit.alpha, fit.beta) == pytest.approx((other.alpha, other.beta), abs=1e-3)


def test_a_curve_that_never_turns_has_no_peak() -> None:
    assert peak_kl(np.array([0.5]), np.array([-0.1]), "best_of_n")[0] == np.inf
    assert peak_kl(np.array([-0.5]), np.array([0.1]), "best_of_n")[0] == 0
    proxy, gold = simulate_pool("honest", 64, 64, 0)
    sizes = grid(64)
    fit = pool_fit(best_of_n(proxy, gold, sizes), best_of_n_kl(sizes), "best_of_n")
    assert fit is not None
    assert fit.kl is None or fit.beyond


def test_where_the_kl_is_estimated_it_is_drawn_anew_with_the_prompts() -> None:
    proxy, gold = simulate_pool("hacked", 40, 64, 3)
    sizes = grid(64)
    table, bound = best_of_n(proxy, gold, sizes), best_of_n_kl(sizes)
    spread = np.random.default_rng(0).uniform(0.5, 1.0, (40, 1))
    fixed = pool_fit(table, bound, "best_of_n")
    drawn = pool_fit(table, bound * spread, "best_of_n")
    scaled = pool_fit(table, bound * spread.mean(), "best_of_n")
    assert fixed.kl * spread.mean() == pytest.approx(scaled.kl, rel=1e-9)
    assert drawn.kl == pytest.approx(scaled.kl, rel=1e-9)
    assert drawn.kl_bounds != pytest.approx(scaled.kl_bounds, rel=1e-6)


@pytest.mark.parametrize("kind", ["honest", "flat", "hacked", "badly_hacked"])
def test_falls_and_peaks_err_no_more_often_than_they_say(kind: str) -> None:
    sizes, pools = grid(64), 80
    truth = true_gold(kind, sizes)
    falls = covered = inside = 0
    for seed in range(pools):
        proxy, gold = simulate_pool(kind, 32, 64, seed)
        table = best_of_n(proxy, gold, sizes)
        found = shape(table, best_of_n_kl(sizes))
        low, high = band(table)
        falls += found.falls
        covered += found.low <= int(np.argmax(truth)) <= found.high
        inside += np.mean((low <= truth) & (truth <= high))
    # Four standard errors of a binomial rate below (above) what is claimed.
    assert covered / pools >= 0.90 - 4 * np.sqrt(0.09 / pools)
    assert inside / pools >= 0.90 - 4 * np.sqrt(0.09 / pools)
    if kind in ("honest", "flat"):
        assert falls / pools <= 0.05 + 4 * np.sqrt(0.0475 / pools)
    else:
        assert falls / pools >= 0.9


def test_few_prompts_get_no_interval() -> None:
    proxy, gold = simulate_pool("hacked", FEWEST_PROMPTS - 1, 64, 0)
    sizes = grid(64)
    table = best_of_n(proxy, gold, sizes)
    assert shape(table, best_of_n_kl(sizes)) is None
    assert np.isnan(band(table)[0]).all()
    fit = pool_fit(table, best_of_n_kl(sizes), "best_of_n")
    assert fit.kl_bounds == (None, None) and fit.fits is None


def pool_frame(prompts: int = 12, samples: int = 16, **more) -> pl.DataFrame:
    proxy, gold = simulate_pool("hacked", prompts, samples, 0)
    return pl.DataFrame(
        {
            "prompt_id": np.repeat([f"p{i}" for i in range(prompts)], samples),
            "gold_reward": gold.ravel(),
            "log_probability": [-5.0] * gold.size,
            "text": [f"t{i // 2}" for i in range(gold.size)],
            "rm": proxy.ravel(),
            **more,
        }
    )


def test_pool_says_what_it_left_out() -> None:
    frame = pool_frame()
    place = pl.int_range(pl.len()).over("prompt_id")
    few = frame.filter((pl.col("prompt_id") != "p3") | (place < 5))
    holes = few.with_columns(
        rm=pl.when((pl.col("prompt_id") == "p5") & (place < 2)).then(np.nan).otherwise("rm")
    )
    pool = bon.pool_of(holes, ["rm"])
    assert (pool.prompts, pool.prompts_left_out) == (11, 1)
    assert (pool.largest, pool.samples, pool.samples_left_out) == (14, 11 * 16 - 2, 2)
    assert pool.repeated == 1.0 and pool.has_probability
    assert bon.pool_of(frame.head(1), ["rm"]) is None
    assert bon.pool_of(frame.with_columns(gold_reward=pl.lit(None, pl.Float64)), ["rm"]) is None


def test_prompts_with_more_samples_keep_them_all() -> None:
    frame = pl.concat([
        pool_frame(),
        pool_frame(1, 40).with_columns(prompt_id=pl.lit("long")),
    ])  # fmt: skip
    pool = bon.pool_of(frame, ["rm"])
    assert (pool.prompts, pool.largest, pool.samples) == (13, 16, 12 * 16 + 40)
    curve = bon.curve(pool, "rm")
    long = frame.filter(pl.col("prompt_id") == "long")
    alone = best_of_n(long["rm"], long["gold_reward"], [16])[0, 0]
    rest = bon.curve(bon.pool_of(pool_frame(), ["rm"]), "rm")
    expected = (12 * rest.frame["gold_reward"][-1] + alone) / 13
    assert curve.frame["gold_reward"][-1] == pytest.approx(expected, abs=1e-12)


def test_curve_says_where_the_bound_is_not_tight() -> None:
    frame = pool_frame(12, 16, log_probability=[float(np.log(0.5))] * 192)
    assert bon.curve(bon.pool_of(frame, ["rm"]), "rm").not_tight_from == 2
    rare = bon.curve(bon.pool_of(pool_frame(log_probability=[-40.0] * 192), ["rm"]), "rm")
    assert rare.not_tight_from is None
    unknown = bon.curve(
        bon.pool_of(pool_frame(log_probability=[None] * 192), ["rm"]), "rm", "better"
    )
    assert unknown.kl == "bound" and unknown.frame["kl_better"].null_count() == 8


def test_ensembles() -> None:
    members = np.array([[1.0, 5.0], [3.0, -1.0], [2.0, 2.0]])
    assert bon.ensemble(members, "mean").tolist() == [2.0, 2.0]
    assert bon.ensemble(members, "wco").tolist() == [1.0, -1.0]
    assert bon.ensemble(members, "uwo", 0.5) == pytest.approx([2 - 1 / 3, 2 - 3.0])
    with pytest.raises(ValueError, match="unknown ensemble 'median'"):
        bon.ensemble(members, "median")
    scaled = bon.standardised([2.0, 4.0, np.nan])
    assert scaled[:2].tolist() == [-1.0, 1.0] and np.isnan(scaled[2])
    assert bon.standardised([3.0, 3.0]).tolist() == [0.0, 0.0]


def test_with_many_prompts_normal_draws_say_the_same_as_resampling(monkeypatch) -> None:
    sizes = grid(16)
    kl = best_of_n_kl(sizes)
    proxy, gold = simulate_pool("badly_hacked", 1500, 16, 0)
    table = best_of_n(proxy, gold, sizes)
    spread = np.random.default_rng(0).uniform(0.8, 1.0, (1500, 1))
    resampled = shape(table, kl), pool_fit(table, kl * spread, "best_of_n")
    monkeypatch.setattr("analytics.best_of_n.resampling.MOST_DRAWN", 1000)
    normal = shape(table, kl), pool_fit(table, kl * spread, "best_of_n")
    assert normal[0].falls and (normal[0].low, normal[0].high) == (
        resampled[0].low, resampled[0].high,
    )  # fmt: skip
    assert normal[0].fall_high == pytest.approx(resampled[0].fall_high, rel=0.05)
    assert normal[1].kl_bounds == pytest.approx(resampled[1].kl_bounds, rel=0.03)
    assert normal[1] != resampled[1]
