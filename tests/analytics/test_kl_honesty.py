"""KL in doubt: bits, per token, estimators that disagree, spikes; and logs without any doubt."""

import json

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.labels.kl_honesty import UMBRELLA, doubts
from analytics.onset.sentences.kl_doubts import doubt_sentence

LENGTH = 40.0


def path(factor=1.0, rows=60, seed=0, gain=None, **columns):
    """A run to 20 nats whose proxy gains a little less than its KL allows."""
    rng = np.random.default_rng(seed)
    kl = 20 * np.linspace(0.01, 1, rows) ** 2
    proxy = 0.8 * np.sqrt(2 * kl) if gain is None else gain * np.linspace(0, 1, rows)
    return pl.DataFrame(
        {
            "step": np.arange(rows) * 10,
            "kl": factor * kl * (1 + 0.03 * rng.standard_normal(rows)),
            "proxy_reward": proxy,
            "proxy_reward_sd": np.ones(rows),
            "response_length": np.full(rows, LENGTH),
            **columns,
        }
    )


def samples(rows=60, factor=1.0, n=48):
    """k1 of responses to policies of `path`, as the query sample_kl has it."""
    rng = np.random.default_rng(1)
    kl = 20 * np.linspace(0.01, 1, rows) ** 2
    sd = np.sqrt(2 * kl)
    k1 = kl + sd / np.sqrt(n) * rng.standard_normal(rows)
    return pl.DataFrame(
        {"step": np.arange(rows) * 10, "n": np.full(rows, n), "k1": factor * k1,
         "k1_sd": factor * sd}
    )  # fmt: skip


def flags(trajectory, sample=None, further=None, **facts):
    return {doubt.flag for doubt in doubts(trajectory, sample, further, facts)}


def test_an_honest_log_raises_no_doubt():
    assert flags(path(), samples()) == set()
    for seed in range(20):
        assert flags(path(seed=seed), samples()) == set()
    assert flags(pl.DataFrame({"step": [1], "kl": [None]}), samples()) == set()


@pytest.mark.parametrize(
    ("factor", "flag"),
    [
        (1 / np.log(2), "kl_in_bits"),
        (np.log(2), "kl_in_bits"),
        (1 / LENGTH, "kl_per_token"),
        (LENGTH, "kl_per_token"),
        (1.2, "kl_estimators_disagree"),
        (0.7 * np.log(2), "kl_estimators_disagree"),
        (2.1, "kl_estimators_disagree"),
    ],
)
def test_against_the_samples(factor, flag):
    found = doubts(path(factor), samples(), None, {"kl_logged_unit": "nats/sequence"})
    assert flag in {doubt.flag for doubt in found}
    why = next(doubt_sentence(doubt) for doubt in found if doubt.flag == flag)
    assert "60 steps" in why and "k1" in why


def test_few_samples_do_not_disagree():
    assert flags(path(1.2), samples().head(2)) == set()


def test_bits_beside_nats_in_one_log():
    rows = path()
    beside = rows.select("step", pl.lit("kl_bits").alias("key"), pl.col("kl") / np.log(2))
    further = beside.rename({"kl": "value"})
    assert flags(rows, None, further) == {"kl_in_bits"}
    other = further.with_columns(pl.col("value") * 1.1)
    assert flags(rows, None, other) == set()
    noisy = further.with_columns(pl.col("value") * (1 + 0.2 * (pl.col("step") % 3 - 1)))
    assert flags(rows, None, noisy) == set()


def test_a_kl_too_small_for_the_gain_of_the_proxy():
    small = doubts(path(1 / LENGTH), None, None, {"kl_logged_unit": "nats/sequence"})
    assert [doubt.flag for doubt in small] == ["kl_per_token"]
    assert "standard deviations" in doubt_sentence(small[0])
    # a KL that was converted from tokens already is too small for another reason
    assert flags(path(1 / LENGTH), kl_logged_unit="nats/token") == {"kl_estimators_disagree"}
    no_length = path(1 / LENGTH).drop("response_length")
    assert flags(no_length) == {"kl_estimators_disagree"}


def test_rates_may_gain_many_standard_deviations():
    # from 2 % to 95 % correct is 6.6 sd of the start, and takes no more than ln 50 nats
    rate = np.linspace(0.02, 0.95, 60)
    kl = 3.9 * np.linspace(0.02, 1, 60)
    rows = path(proxy_reward=rate, proxy_reward_sd=np.full(60, 0.14), kl=kl)
    assert flags(rows) == set()


def test_spikes_are_seen_anywhere():
    for at in (0, 30, 59):
        kl = path()["kl"].to_numpy().copy()
        kl[at] = max(6 * kl[at], 150.0)
        found = doubts(path(kl=kl), None, None, {"kl_estimator": "k3"})
        spike = next(doubt for doubt in found if doubt.flag == "kl_spikes")
        assert f"step {at * 10} " in doubt_sentence(spike) and "(k3)" in doubt_sentence(spike)
    assert "kl_spikes" not in flags(path())


def gold_of(rows):
    kl = rows["kl"].to_numpy()
    gold = np.sqrt(np.maximum(kl, 0)) + 0.05 * np.random.default_rng(2).standard_normal(len(kl))
    empty = [pl.lit(None, dtype=pl.Float64).alias(f"gold_reward_{of}") for of in ("se", "sd")]
    return rows.select(
        pl.lit("evaluation").alias("source"),
        "step",
        pl.lit(0).alias("stretch"),
        "kl",
        pl.Series("gold_reward", gold),
        *empty,
        pl.lit(None, dtype=pl.Int64).alias("n_responses"),
        "proxy_reward",
    )


def test_the_verdict_carries_flag_umbrella_and_evidence():
    rows = path(1 / np.log(2)).with_columns(pl.lit(0).alias("stretch"))
    facts = {"kl_conversion": "exact", "gold_kind": "score"}
    row = verdict(gold_of(rows), rows, facts, sample_kl=samples()).row
    assert {"kl_in_bits", "kl_unit_unknown"} <= set(row["flags"])
    text = " ".join(row["reasons"])
    assert "KL is in doubt" in text and "bits" in text
    # the unit is doubted by evidence, not missing from the log
    assert "its values are as logged" not in text
    clean = verdict(gold_of(path()), path().with_columns(pl.lit(0).alias("stretch")), facts)
    assert not set(UMBRELLA) & set(clean.row["flags"])
    json.dumps(row, allow_nan=False)


def test_later_samples_do_not_enter_a_frozen_view():
    rows = path(1.5).with_columns(pl.lit(0).alias("stretch"))
    facts = {"kl_conversion": "exact", "gold_kind": "score"}
    spiked = rows.with_columns(
        pl.when(pl.col("step") == 500).then(900.0).otherwise(pl.col("kl")).alias("kl")
    )
    before = verdict(gold_of(spiked), spiked, facts, until=300).row
    assert "kl_spikes" not in before["flags"]
    assert "kl_spikes" in verdict(gold_of(spiked), spiked, facts).row["flags"]
