"""Looks are runs of consecutive steps; noise comes from what is inside them."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from analytics.onset.errors.autocorrelation import (
    between_looks,
    estimate,
    is_exact,
    variance_inflation,
)
from analytics.onset.errors.noise import noise_of_looks
from analytics.onset.errors.prompt_clusters import prompt_scatter
from analytics.onset.errors.stated_error import binomial_error, stated_error
from analytics.onset.evidence.measurements import Rows, fill_from_trajectory
from analytics.onset.evidence.pooling import pool, rows_per_look
from analytics.simulated import autoregressive


def make(gold, kl=None, stretch=None, step=None, n=None, sd=None):
    count = len(gold)
    blank = np.full(count, np.nan)
    return Rows(
        np.arange(count) if step is None else np.asarray(step),
        np.zeros(count, dtype=np.int64) if stretch is None else np.asarray(stretch),
        blank if kl is None else np.asarray(kl, dtype=float),
        np.asarray(gold, dtype=float),
        blank,
        blank if sd is None else np.asarray(sd, dtype=float),
        blank if n is None else np.asarray(n, dtype=float),
        blank,
    )


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (48, 1), (49, 2), (64, 2), (65, 4), (200, 8)])
def test_rows_per_look(rows, size):
    assert rows_per_look(rows) == size


def test_looks_keep_step_order_whatever_the_kl():
    rows = make(np.arange(8.0), kl=[5, 0, 7, 1, 2, 9, 3, 4])
    looks = pool(rows, 2)
    assert looks.gold.tolist() == [0.5, 2.5, 4.5, 6.5]
    assert looks.kl.tolist() == [2.5, 4.0, 5.5, 3.5]


def test_a_short_last_look_joins_the_one_before():
    assert pool(make(np.zeros(17)), 8).n_rows.tolist() == [8, 9]
    assert pool(make(np.zeros(20)), 8).n_rows.tolist() == [8, 8, 4]


def test_looks_stop_at_a_change_of_stretch():
    looks = pool(make(np.zeros(12), stretch=[0] * 5 + [1] * 7), 4)
    assert looks.n_rows.tolist() == [5, 4, 3]
    assert looks.stretch.tolist() == [0, 1, 1]


def test_missing_kl_comes_from_nearby_rows_and_is_never_invented():
    gold = make(np.zeros(3), step=[4, 10, 40])
    path = make(np.zeros(11), kl=np.arange(11.0), step=np.arange(11))
    filled = fill_from_trajectory(gold, path)
    assert filled.kl[0] == pytest.approx(4.0)
    assert filled.kl[1] == pytest.approx(9.0)  # rows 8, 9, 10: nothing is logged after 10
    assert np.isnan(filled.kl[2])


def test_scatter_between_rows_gives_the_error_of_a_look():
    rng = np.random.default_rng(0)
    rows = make(0.5 * rng.standard_normal(800) + np.linspace(0, 3, 800))
    noise = noise_of_looks(rows, pool(rows, 32), 32, None, "", None)
    assert noise.method == "rows"
    assert noise.se[-5:] == pytest.approx(np.full(5, 0.5 / np.sqrt(32)), rel=0.15)


def test_understated_errors_are_widened():
    rng = np.random.default_rng(0)
    rows = make(rng.standard_normal(24))
    honest = noise_of_looks(rows, pool(rows, 1), 1, np.full(24, 1.0), "", None)
    small = noise_of_looks(rows, pool(rows, 1), 1, np.full(24, 0.2), "", None)
    assert honest.widen.max() < 2
    assert small.se[-1] > 0.6


def test_prompts_give_the_course_and_rows_the_scale():
    rng = np.random.default_rng(3)
    sd = np.repeat([0.2, 0.8], 64)
    cells = sd[:, None] * rng.standard_normal((128, 8))
    rows = make(cells.mean(axis=1))
    half = pl.DataFrame(  # the log keeps half of the prompts behind each row
        {
            "step": np.repeat(np.arange(128), 4),
            "prompt_id": [f"p{i}" for i in rng.integers(0, 10_000, 512)],
            "n": np.full(512, 4),
            "gold_reward": cells[:, :4].ravel(),
            "proxy_reward": np.zeros(512),
        }
    )
    looks = pool(rows, 8)
    noise = noise_of_looks(rows, looks, 8, None, "", prompt_scatter(half, rows, looks))
    assert noise.method == "prompts"
    assert noise.se[7] == pytest.approx(0.2 / 8, rel=0.35)
    assert noise.se[-1] == pytest.approx(0.8 / 8, rel=0.35)


def test_a_prompt_that_comes_back_within_a_look_costs_precision():
    rng = np.random.default_rng(4)
    level = rng.standard_normal((16, 4))  # each look has its own four prompts, in all its rows
    gold = np.repeat(level, 8, axis=0) + 0.1 * rng.standard_normal((128, 4))
    names = np.repeat(np.arange(64).reshape(16, 4), 8, axis=0)
    cells = pl.DataFrame(
        {
            "step": np.repeat(np.arange(128), 4),
            "prompt_id": [f"p{i}" for i in names.ravel()],
            "gold_reward": gold.ravel(),
        }
    )
    rows = make(gold.mean(axis=1))
    looks = pool(rows, 8)
    assert prompt_scatter(cells, rows, looks).shared_prompts == pytest.approx(8, rel=0.1)


def test_stated_errors():
    with_sd = make([0.1, 0.2], n=[100, 400], sd=[1.0, 1.0])
    assert stated_error(with_sd, "score")[0] == pytest.approx([0.1, 0.05])
    percent = stated_error(make([50.0, 0.0], n=[400, 400]), "rate")[0]
    assert percent[0] == pytest.approx(2.5)
    assert percent[1] == pytest.approx(100 * np.sqrt(2 / 404 * 402 / 404 / 400))
    assert stated_error(make([0.1, 0.2]), "score")[0] is None


def test_a_rate_without_counts_states_no_error():
    assert stated_error(make([0.508, 0.562, 0.548, 0.458]), "rate").error is None


def test_errors_know_their_prompts_only_where_these_are_logged():
    with_sd = make([0.1, 0.2], n=[200, 200], sd=[1.0, 1.0])
    assert not stated_error(with_sd, "score").by_prompt
    prompts = replace(with_sd, n_prompts=np.array([25.0, 25.0]))
    stated = stated_error(prompts, "score")
    assert stated.by_prompt and stated.error == pytest.approx([0.2, 0.2])
    rate = replace(make([0.5, 0.5], n=[400, 400]), n_prompts=np.array([50.0, 50.0]))
    assert stated_error(rate, "rate").error == pytest.approx(np.sqrt(0.25 / 50), rel=1e-9)


def test_a_binomial_error_is_never_zero():
    assert np.all(binomial_error(np.array([0.0, 1.0]), np.array([50.0, 50.0])) > 0)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.7])
def test_autocorrelation_is_unbiased_on_long_logs(rho):
    paths = autoregressive(np.random.default_rng(0), (60, 200), rho)
    found = np.array([estimate(path) for path in paths])
    assert np.median(found) == pytest.approx(rho, abs=0.06)
    if rho == 0:
        assert np.mean(found > 0) < 0.15


def test_means_of_correlated_rows():
    paths = autoregressive(np.random.default_rng(1), (20_000, 16), 0.6).reshape(-1, 2, 8)
    means = paths.mean(axis=2)
    assert np.var(means) * 8 == pytest.approx(variance_inflation(0.6, 8), rel=0.04)
    assert np.corrcoef(means.T)[0, 1] == pytest.approx(between_looks(0.6, 8), abs=0.02)


def test_exact_curves_are_told_from_noise_and_from_smoothed_noise():
    x = np.linspace(0.1, 6, 80)
    rng = np.random.default_rng(0)
    assert is_exact(x * (1 - np.log(x)))
    assert not is_exact(x * (1 - np.log(x)) + 0.02 * rng.standard_normal(80))
    assert not is_exact(np.convolve(rng.standard_normal(160), np.hanning(40), "valid"))
