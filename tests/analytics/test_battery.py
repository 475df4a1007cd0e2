"""The battery's logs are wrong in exactly the way they say, and its rows count what they say."""

import json

import numpy as np
import pytest

from analytics.quality import battery
from analytics.quality import battery_logs as logs
from analytics.quality.battery_logs import CONDITIONS, NOISE, simulated_log

MANY = 4_000


def rng(seed=0):
    return np.random.default_rng(seed)


def autocorrelation(values, lag=1):
    moved = values - values.mean()
    return float(np.sum(moved[lag:] * moved[:-lag]) / np.sum(moved**2))


@pytest.mark.parametrize(
    ("prompts", "responses", "icc"), [(25, 8, 0.8), (25, 8, 0.2), (50, 4, 0.5)]
)
def test_spread_between_responses_hides_the_design_effect(prompts, responses, icc):
    made = logs.spread_between_responses(np.zeros(MANY), rng(), prompts, responses, icc)
    assert np.std(made["gold_reward"]) == pytest.approx(NOISE, rel=0.05)
    stated = np.median(made["gold_reward_sd"] / np.sqrt(made["n_responses"]))
    factor = np.sqrt(1 + (responses - 1) * icc)
    assert NOISE / stated == pytest.approx(factor, rel=0.06)


def test_rates_of_few_questions_scatter_more_than_a_binomial():
    made = logs.rates(np.full(MANY, 0.5), rng(), 50, 8, 0.4, "se")
    assert np.mean(made["gold_reward"]) == pytest.approx(0.5, abs=0.01)
    scatter = np.std(made["gold_reward"]) / np.median(made["gold_reward_se"])
    assert scatter == pytest.approx(np.sqrt(1 + 7 * 0.4), rel=0.05)
    assert np.all(made["gold_reward"] == np.round(made["gold_reward"], 3))


@pytest.mark.parametrize("factor", [1.0, 1.25, 1.5, 2.0])
def test_stated_errors_are_too_small_by_the_factor(factor):
    made = logs.gauss(np.zeros(MANY), rng(), factor)
    times_too_small = np.std(made["gold_reward"]) / made["gold_reward_se"][0]
    assert times_too_small == pytest.approx(factor, rel=0.04)
    assert "gold_reward_se" not in logs.gauss(np.zeros(3), rng(), None)


@pytest.mark.parametrize("rho", [0.3, 0.6])
def test_correlated_errors_have_their_correlation_and_their_stated_spread(rho):
    made = logs.correlated(np.zeros(20_000), rng(), rho)
    assert autocorrelation(made["gold_reward"]) == pytest.approx(rho, abs=0.03)
    assert np.std(made["gold_reward"]) == pytest.approx(made["gold_reward_se"][0], rel=0.05)


def test_heavy_tails_are_heavy_and_as_wide_as_stated():
    errors = logs.heavy(np.zeros(400_000), rng())["gold_reward"] / NOISE
    assert np.std(errors) == pytest.approx(1, rel=0.1)
    # P(|t3| > 5.196) = .01385
    assert np.mean(np.abs(errors) > 3) == pytest.approx(0.01385, rel=0.1)


@pytest.mark.parametrize("size", [5.0, -10.0])
def test_one_evaluation_alone_is_off(size):
    clean, off = logs.gauss(np.zeros(21), rng(3)), logs.outlier(np.zeros(21), rng(3), size)
    moved = (off["gold_reward"] - clean["gold_reward"]) / NOISE
    assert np.count_nonzero(moved) == 1 and np.flatnonzero(moved)[0] >= 3
    assert moved[moved != 0][0] == pytest.approx(size)


def test_noise_grows_fourfold_around_the_constant_error():
    made = np.array(
        [logs.growing(np.zeros(21), rng(i), 4.0, "constant")["gold_reward"] for i in range(MANY)]
    )
    spread = made.std(axis=0)
    assert spread[-1] / spread[0] == pytest.approx(4, rel=0.06)
    assert spread[10] == pytest.approx(NOISE, rel=0.05)
    first = logs.growing(np.zeros(21), rng(), 4.0, "first")["gold_reward_se"]
    assert first == pytest.approx(NOISE / 2)


def test_moving_mean_of_five_correlates_four_rows_and_no_fifth():
    gold = logs.moving_mean(np.zeros(40_000), rng(), 5)["gold_reward"][10:]
    for lag in range(1, 7):
        assert autocorrelation(gold, lag) == pytest.approx(max(0, 1 - lag / 5), abs=0.03)


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.6])
def test_running_mean_is_an_ar_of_one_minus_its_weight(weight):
    gold = logs.exponential_mean(np.zeros(40_000), rng(), weight)["gold_reward"][200:]
    assert autocorrelation(gold) == pytest.approx(1 - weight, abs=0.02)
    spread = NOISE * np.sqrt(weight / (2 - weight))
    assert np.std(gold) == pytest.approx(spread, rel=0.06)


@pytest.mark.parametrize("prompts", [8, 16])
def test_errors_of_few_prompts_scatter_like_chi_square(prompts):
    made = logs.few_prompts(np.zeros(MANY), rng(), prompts)
    assert np.std(made["gold_reward"]) == pytest.approx(NOISE, rel=0.05)
    squares = made["gold_reward_se"] ** 2 / NOISE**2
    assert np.mean(squares) == pytest.approx(1, rel=0.03)
    assert np.var(squares) == pytest.approx(2 / (prompts - 1), rel=0.1)


def test_errors_are_missing_in_their_share_of_the_rows():
    made = logs.gaps(np.zeros(MANY), rng(), 0.4)
    assert np.mean(np.isnan(made["gold_reward_se"])) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("seed", range(12))
def test_falling_runs_give_half_of_the_gain_away_and_honest_ones_nothing(seed):
    d = np.linspace(0, 12, 2_001)
    made = logs.truths(d, rng(seed))
    assert made["falling"][-1] == pytest.approx(0.5, abs=1e-5)
    assert made["falling"].max() == pytest.approx(1, abs=1e-4)
    for truth in ("flat", "plateau"):
        assert np.all(np.diff(made[truth]) >= 0)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.name)
def test_a_log_is_made_from_its_seed_alone(condition):
    one, same = (simulated_log(condition, "falling", 5) for _ in range(2))
    other = simulated_log(condition, "falling", 6)
    assert one.table.equals(same.table) and not one.table.equals(other.table)
    assert one.table.height == condition.evaluations == len(one.truth)
    assert (one.max_steps is not None) == condition.planned
    flat = simulated_log(condition, "flat", 5)
    assert np.all(flat.truth == flat.truth[0])


def test_conditions_have_names_of_their_own():
    assert len({one.name for one in CONDITIONS}) == len(CONDITIONS)


def test_a_row_counts_the_statuses_at_the_end():
    def run(status, ever=False):
        return {"status": status, "ever": ever, "kl": None, "flags": []}

    condition = battery.chosen(["gauss"])[0]
    judged = {
        "flat": [
            run("overoptimized", True),
            run("no_onset", True),
            run("no_onset"),
            run("warning"),
        ],
        "plateau": [run("no_onset")] * 4,
        "falling": [run("collapsed", True), run("too_little_gold")] + [run("warning")] * 2,
    }
    row = battery.row_of(condition, judged)
    assert (row["flat"], row["flat_ever"], row["plateau"]) == (0.25, 0.5, 0)
    assert (row["falling"], row["refused"], row["warned"]) == (0.25, 0.25, 0.5)
    assert row["flat_se"] == pytest.approx(np.sqrt(1 / 3 * 2 / 3 / 4), abs=1e-4)
    assert row["holds"] and not row["finds"]
    judged["flat"] = [run("overoptimized", True)] * 4
    assert not battery.row_of(condition, judged)["holds"]
    assert "MISSES FALLS" in battery.sentence(row)


def test_an_unknown_condition_is_named():
    with pytest.raises(KeyError, match="unknown condition 'gaus'"):
        battery.measure(1, 1, ["gaus"])


@pytest.mark.parametrize("runs", [2, pytest.param(6, marks=pytest.mark.long)])
def test_ever_is_what_a_replay_finds(runs):
    condition = battery.chosen(["errors / 2"])[0]
    for seed in range(runs):
        log = simulated_log(condition, "flat", seed)
        assert battery.judge(log)["ever"] == battery.judge(log, replayed=True)["ever"]


def test_true_errors_hold_and_find():
    row = battery.measure(20, 3, ["gauss"])[0]
    assert row["holds"] and row["finds"] and row["falling"] == 1.0
    assert json.loads(json.dumps(row)) == row
