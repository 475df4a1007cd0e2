"""Next evaluation, first loss of 1 %, cliff: right on average, and null only with a reason."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.curves.hump_average import hump_average
from analytics.onset.curves.next_evaluation import NARROWER, next_evaluation
from analytics.onset.sentences.outlook import outlook_sentences, worth_it
from analytics.simulated import D_END, curve, gold_measurements, simulate

FACTS = {"run_id": "r", "kl_conversion": "exact", "gold_kind": "score"}
OUTLOOKS = ("forecast", "kl_1_percent", "cliff", "next_evaluation")


def judged(kind, seed=4, scenario="base_n20_s05", n=None):
    gold = gold_measurements(simulate(kind, scenario, seed)).with_columns(
        pl.lit(n, dtype=pl.Int64).alias("n_responses")
    )
    return verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), FACTS).row


def width(average):
    spot = average.interval(0.9)
    return np.log(spot.high / spot.low)


@pytest.mark.parametrize("kind", ["cliff"])
def test_the_next_evaluation_narrows_as_much_as_it_says(kind):
    promised, seen, elsewhere = [], [], []
    for seed in range(18):
        run = simulate(kind, "base_n20_s05", seed)
        d, gold, se = (run.frame[name].to_numpy() for name in ("d", "gold", "gold_se"))
        average = hump_average(d, gold, se, before_end=True)
        made = next_evaluation(average, d, gold, se, True)
        promised.append(made.narrower)
        rng = np.random.default_rng([seed, *kind.encode(), *b"base_n20_s05"])
        peak = D_END * rng.uniform(0.3, 0.8)
        exponent = np.random.default_rng()
        exponent.bit_generator.state = rng.bit_generator.state
        noise = np.random.default_rng(seed)
        for at, ratios in ((np.sqrt(made.kl), seen), (noise.uniform(0, D_END), elsewhere)):
            again = np.random.default_rng()
            again.bit_generator.state = exponent.bit_generator.state
            truth = float(curve(kind, np.array([at]), peak, again)[0])
            order = np.argsort(np.append(d, at))
            for _ in range(3):
                y = np.append(gold, truth + 0.05 * noise.standard_normal())[order]
                more = hump_average(np.append(d, at)[order], y, np.full(22, 0.05), before_end=True)
                ratios.append(1 - width(more) / width(average))
    assert np.mean(seen) > np.mean(elsewhere) + 0.02
    assert np.mean(seen) == pytest.approx(np.mean(promised), abs=0.08)


def test_the_place_of_the_next_evaluation():
    fallen, rising = judged("bon", n=400), judged("late", n=400)
    assert fallen["next_evaluation"]["kl"] <= fallen["kl_end"]
    assert fallen["next_evaluation"]["step"] is not None
    assert rising["next_evaluation"]["kl"] >= rising["kl_end"]
    for row in (fallen, rising):
        made = row["next_evaluation"]
        assert 0 < made["narrower"] < 1 and made["for"] == NARROWER
        if made["evaluations"] is not None:
            assert made["responses"] == 400 * made["evaluations"]
        promises = any("would narrow the peak's" in one for one in row["reasons"])
        assert promises == worth_it(made) == (row is fallen)
    assert judged("bon")["next_evaluation"]["responses"] is None


@pytest.mark.parametrize("change", [{"narrower": 0.02}, {"evaluations": None}])
def test_advice_that_changes_no_decision_is_not_given(change):
    row = judged("cliff", n=400)
    assert any("would narrow" in one for one in outlook_sentences(row))
    row["next_evaluation"] |= change
    assert not any("would narrow" in one for one in outlook_sentences(row))


def test_what_the_run_has_reached_is_measured_again_and_not_next():
    row = judged("cliff", n=400)
    row["next_evaluation"] |= {"kl": 0.002, "step": 0}
    text = " ".join(outlook_sentences(row))
    assert "Measure gold again at KL 0.002 nats, which the run has reached (about step 0)" in text
    row["next_evaluation"] |= {"kl": 200.0, "step": None}
    text = " ".join(outlook_sentences(row))
    assert "Next gold evaluation: at KL 200 nats (beyond the last)" in text


def test_gold_that_fell_from_its_start_has_no_gain_to_fall_below():
    count = 9
    kl = np.linspace(0, 2.1, count) ** 2
    rng = np.random.default_rng(5)
    gold = pl.DataFrame(
        {
            "source": ["evaluation"] * count,
            "step": np.arange(count),
            "stretch": [0] * count,
            "kl": kl,
            "proxy_reward": np.linspace(0, 1, count),
            "gold_reward": 0.7 - 0.1 * np.sqrt(kl) + 0.01 * rng.standard_normal(count),
            "gold_reward_se": [0.01] * count,
        }
    ).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("gold_reward_sd"),
        pl.lit(None, dtype=pl.Int64).alias("n_responses"),
    )
    row = verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), FACTS).row
    assert row["status"] == "overoptimized" and "peak_at_start" in row["flags"]
    assert row["kl_1_percent"] is None and "without any gain" in row["withheld"]["kl_1_percent"]
    assert not any("of its gain" in one for one in row["reasons"])


def test_more_evaluations_for_less_of_an_effect():
    run = simulate("cliff", "base_n20_s05", 3).frame
    d, gold, se = (run[name].to_numpy() for name in ("d", "gold", "gold_se"))
    average = hump_average(d, gold, se, before_end=True)
    made = next_evaluation(average, d, gold, se, True)
    assert (made.evaluations == 1) == (made.narrower >= NARROWER)


def test_one_percent_and_cliff_of_whole_verdicts():
    row = judged("rl")
    peak, one = row["peak"]["kl"], row["kl_1_percent"]
    assert row["status"] == "overoptimized"
    assert peak < one["kl"] and one["kl_low"] <= one["kl"]
    assert "Gold falls more than 1 %" in " ".join(row["reasons"])
    assert row["cliff"] is None and "abrupt" in row["withheld"]["cliff"]
    verdicts = [judged("cliff", seed) for seed in range(6)]
    sure = [row for row in verdicts if row["cliff"] is not None]
    assert len(sure) >= 3
    for row in sure:
        assert row["cliff"]["kl_low"] <= row["cliff"]["kl"] <= row["cliff"]["kl_high"]
        assert row["cliff"]["probability"] >= 0.9
        # where Gao's curves are rejected, the first 1 % is not guessed
        assert row["kl_1_percent"] is None or row["peak_model"]["fits"]
        assert "The fall is abrupt" in " ".join(row["reasons"])


@pytest.mark.parametrize("kind", ["rl", "cliff", "tent", "linear", "plateau", "late"])
def test_what_is_null_has_its_reason_and_nothing_else_has_one(kind):
    row = judged(kind)
    for name in OUTLOOKS:
        assert (row[name] is None) == (name in row["withheld"]), name
    assert all(isinstance(why, str) and why for why in row["withheld"].values())


def test_nothing_is_told_without_kl_or_gold():
    gold = gold_measurements(simulate("rl", "base_n20_s05", 4)).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("kl")
    )
    row = verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), FACTS).row
    assert all(row[name] is None for name in OUTLOOKS)
    assert row["withheld"]["next_evaluation"] == "KL is not known"
    empty = verdict(gold.clear(), gold.select("step", "stretch", "kl", "proxy_reward"), FACTS).row
    assert all(row[name] is None for name in OUTLOOKS)
    assert set(empty["withheld"]) == set(OUTLOOKS)
