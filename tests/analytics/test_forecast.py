"""Forecasts from a prefix: as exact as they can be, calibrated, refused where they say nothing."""

import json

import numpy as np
import polars as pl
import pytest

from analytics.gao import normalised_gold, rl_gold
from analytics.onset import verdict
from analytics.onset.alarm.siblings import alpha_fit, setup_of
from analytics.onset.curves.forecast import SharedAlpha, forecast, shared_alpha
from analytics.onset.sentences.withheld import refused
from analytics.quality.intervals import measure_forecasts
from analytics.simulated import honest_curve

D = np.linspace(0, 1, 13)


def prefix(x, sigma, g=0.0, peak=5.0, seed=0):
    rng = np.random.default_rng(seed)
    d = x * peak * D
    return d, normalised_gold(d / peak, g) + sigma * rng.standard_normal(13), np.full(13, sigma)


@pytest.fixture(scope="module")
def measured():
    rows = measure_forecasts(150, 7)
    return {(row["kind"], row["noise"], row["prefix"], row["method"]): row for row in rows}


@pytest.mark.parametrize("kind", ["rl", "bon"])
@pytest.mark.parametrize(
    ("sigma", "x", "error", "coverage"),
    [
        (0.02, 0.6, 0.20, 0.87),
        (0.02, 0.8, 0.10, 0.87),
        (0.02, 0.95, 0.07, 0.87),
        (0.05, 0.8, 0.32, 0.80),
        (0.05, 0.95, 0.19, 0.80),
    ],
)
def test_figures_to_reach(measured, kind, sigma, x, error, coverage):
    row = measured[kind, sigma, x, "form known"]
    assert row["error"] <= error + 2 * row["error_se"]
    assert row["coverage"] >= coverage - 2.5 * row["coverage_se"]


def test_a_wrong_form_is_a_failing_control(measured):
    for sigma in (0.02, 0.05):
        for x in (0.6, 0.8, 0.95):
            assert measured["bon", sigma, x, "wrong form"]["coverage"] < 0.15


def test_shared_alpha_narrows(measured):
    for x in (0.6, 0.8, 0.95):
        alone = measured["rl", 0.05, x, "form known"]
        shared = measured["rl", 0.05, x, "form and alpha shared"]
        assert shared["width"] < 0.8 * alone["width"]
        assert shared["coverage"] >= 0.87 - 2.5 * shared["coverage_se"]
        assert shared["refused"] < alone["refused"]


def test_wide_intervals_are_refused():
    early = forecast(*prefix(0.4, 0.05, seed=1), "rl")
    assert early.refused is not None and "spans" in refused(early.refused)
    late = forecast(*prefix(0.9, 0.01), "rl")
    assert (late.gold, late.gain) == pytest.approx((1.0, 1.0), abs=0.05)
    assert late.refused is None and 20 < late.low < late.high < 30


def test_a_form_that_does_not_fit_is_refused():
    d = np.linspace(0, 8, 13)
    gold = np.where(d < 6, 0.0, 1.0)
    assert "does not fit" in refused(forecast(d, gold, np.full(13, 0.02), "rl").refused)


def test_units_of_gold_and_errors():
    d, gold, se = prefix(0.8, 0.02)
    one, other = forecast(d, gold, se, "rl"), forecast(d, 9 * gold - 4, 9 * se, "rl")
    assert (other.kl, other.low, other.high) == pytest.approx((one.kl, one.low, one.high), rel=1e-6)
    assert (other.gold, other.gain) == pytest.approx((9 * one.gold - 4, 9 * one.gain), rel=1e-6)
    assert forecast(d[:5], gold[:5], se[:5], "rl") is None
    assert forecast(d, np.ones(13), se, "rl") is None


def test_alpha_over_siblings():
    assert shared_alpha([]) is None
    assert shared_alpha([{"alpha": 1.0, "alpha_se": 0.5}, {"alpha": -1.0, "alpha_se": 0.1}]) is None
    one = shared_alpha([{"alpha": 2.0, "alpha_se": 0.1}])
    assert one == SharedAlpha(2.0, pytest.approx(np.sqrt(0.2**2 + 0.1**2 + 0.1**2)), 1)
    many = shared_alpha([{"alpha": a, "alpha_se": 0.02} for a in (1.9, 2.0, 2.1)])
    assert many.alpha == pytest.approx(2.0) and 0.1 <= many.sd < 0.13 and many.runs == 3
    # what the siblings disagree about is not shared
    apart = shared_alpha([{"alpha": a, "alpha_se": 0.02} for a in (1.0, 2.0, 3.0)])
    assert apart.sd > 0.9


def frames(alpha, beta, ends, sigma=0.05, seed=0):
    d = np.linspace(0, ends, 15)
    gold = rl_gold(d, alpha, beta) + sigma * np.random.default_rng(seed).standard_normal(15)
    table = pl.DataFrame(
        {"step": np.arange(15) * 10, "kl": d**2, "gold_reward": gold}
    ).with_columns(
        pl.lit("evaluation").alias("source"),
        pl.lit(0).alias("stretch"),
        pl.lit(sigma).alias("gold_reward_se"),
        pl.col("kl").alias("proxy_reward"),
        *(pl.lit(None, dtype=pl.Float64).alias(c) for c in ("gold_reward_sd", "n_responses")),
    )
    return table, table.select("step", "stretch", "kl", "proxy_reward")


FACTS = {"run_id": "r", "kl_conversion": "exact", "gold_kind": "score", "trainer": "TRL PPO"}


def test_a_rising_run_has_a_forecast_and_says_so():
    row = verdict(*frames(0.8, 0.25, 8.0, sigma=0.02, seed=1), FACTS).row
    # exp(2 (.8 / .25 - 1)) = 81.5
    assert row["status"] == "no_onset" and "forecast" not in row["withheld"]
    assert row["forecast"]["kl_low"] <= 81.45 <= row["forecast"]["kl_high"]
    assert row["forecast"]["form"] == "rl" and row["forecast"]["siblings"] == 0
    assert "Forecast: if gold goes on along Gao et al.'s RL curve" in " ".join(row["reasons"])


def test_a_refused_forecast_says_why():
    row = verdict(*frames(0.8, 0.25, 3.0, sigma=0.1), FACTS).row
    assert row["forecast"] is None and "spans" in row["withheld"]["forecast"]
    assert "No forecast of gold's peak: its 90 % interval spans" in " ".join(row["reasons"])
    fallen = verdict(*frames(0.8, 0.4, 9.0, sigma=0.02), FACTS).row
    assert fallen["status"] == "overoptimized" and fallen["forecast"] is None
    preference = verdict(*frames(0.8, 0.25, 8.0), {**FACTS, "trainer": "TRL DPO"}).row
    assert preference["forecast"] is None and "optimiser" in preference["withheld"]["forecast"]


def test_siblings_narrow_the_forecast_of_a_run():
    log = frames(0.8, 0.25, 5.5, sigma=0.12, seed=1)
    fits = [alpha_fit(*frames(0.8, beta, 9.0, 0.02, seed), FACTS, None) for seed, beta in
            enumerate((0.3, 0.35, 0.4))]  # fmt: skip
    assert all(abs(fit["alpha"] - 0.8) < 4 * fit["alpha_se"] < 0.15 for fit in fits)
    alone = verdict(*log, FACTS).row
    shared = verdict(*log, FACTS, siblings=lambda: shared_alpha(fits)).row
    assert alone["forecast"] is None
    assert shared["forecast"]["siblings"] == 3
    assert shared["forecast"]["kl_low"] <= 81.45 <= shared["forecast"]["kl_high"]
    assert "with alpha of 3 runs of the same setup" in " ".join(shared["reasons"])
    json.dumps(shared, allow_nan=False)


def test_who_is_a_sibling():
    assert setup_of(FACTS) == setup_of({**FACTS, "run_id": "other", "config": {"beta": 0.1}})
    assert setup_of(FACTS) != setup_of({**FACTS, "gold_key": "other"})
    assert setup_of(FACTS) != setup_of({**FACTS, "config": {"model_name_or_path": "x"}})
    assert setup_of({**FACTS, "algorithm": "best_of_n"}) is None
    assert setup_of({"trainer": "TRL DPO"}) is None


NEVER = ("linear", "saturating", "plateau", "log", "sigmoid", "stairs")


@pytest.mark.parametrize("sigma", [0.02, 0.05])
@pytest.mark.parametrize("kind", NEVER)
def test_gold_that_never_peaks_hardly_ever_gets_a_forecast(kind, sigma):
    made = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, *kind.encode()])
        d = np.linspace(0, 12, 13 if seed % 2 else 21)
        gold = honest_curve(kind, d, rng) + sigma * rng.standard_normal(len(d))
        made += forecast(d, gold, np.full(len(d), sigma), "rl").refused is None
    assert made / 60 <= 0.10


@pytest.mark.parametrize("x", [0.6, 0.8, 0.95])
@pytest.mark.parametrize("form", ["rl", "best_of_n"])
def test_between_the_two_forms_a_forecast_is_refused_or_right(form, x):
    made = [forecast(*prefix(x, 0.02, 0.5, 6.0, seed), form) for seed in range(60)]
    made_known = [one for one in made if one.refused is None]
    right = sum(one.low <= 36 <= one.high for one in made_known)
    assert right >= 0.8 * len(made_known) or len(made_known) <= 0.1 * len(made)


def test_a_curve_that_bends_down_still_gets_its_forecast():
    made = [forecast(*prefix(0.95, 0.02, 0.0, 6.0, seed), "rl") for seed in range(60)]
    made_known = [one for one in made if one.refused is None]
    assert len(made_known) >= 0.2 * len(made)
    assert np.mean([one.low <= 36 <= one.high for one in made_known]) >= 0.8


def test_alpha_of_siblings_speaks_for_a_peak():
    alpha = (np.log(6.0) + 1) / 6.0
    shared = SharedAlpha(alpha, 0.05 * alpha, 3)
    runs = [prefix(0.8, 0.05, 0.0, 6.0, seed) for seed in range(40)]
    alone = sum(forecast(*run, "rl").refused is None for run in runs)
    with_alpha = sum(forecast(*run, "rl", shared=shared).refused is None for run in runs)
    assert with_alpha > alone + 5


def test_a_refusal_names_what_fits_as_well():
    d = np.linspace(0, 12, 13)
    rising = np.log1p(d) / np.log(13) + 0.02 * np.random.default_rng(1).standard_normal(13)
    assert "never falls fits" in refused(forecast(d, rising, np.full(13, 0.02), "rl").refused)
