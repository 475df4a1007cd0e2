"""The limit: the paper-and-pencil distance, and its place beside a verdict."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.curves.limit import TYPICAL, distances, typical_look
from analytics.onset.curves.unimodal import rising_fit
from analytics.simulated import SCENARIOS, gold_measurements, simulate


def test_distance_is_what_the_best_never_falling_fit_leaves():
    rng = np.random.default_rng(0)
    mean, se = rng.standard_normal((3, 8)), rng.uniform(0.5, 2, 8)
    found = distances(mean, se)
    for i in range(3):
        for k in range(8):
            part = mean[i, : k + 1]
            left = (part - rising_fit(part, 1 / se[: k + 1] ** 2)) / se[: k + 1]
            assert found[i, k] == pytest.approx(np.linalg.norm(left), abs=1e-9)


@pytest.mark.parametrize(
    ("scenario", "one_look", "typical"),
    [("clean_n20_s02", 1.68, 1.82), ("base_n20_s05", 2.00, 2.24), ("sparse_n10_s05", 2.29, 2.54)],
)
def test_median_delay_at_the_limit(scenario, one_look, typical):
    runs = [simulate(kind, scenario, s) for kind in ("rl", "bon", "mid") for s in range(200)]
    runs = [run for run in runs if run.big]
    truth = np.array([run.frame["truth"].to_numpy() for run in runs])
    d, se = SCENARIOS[scenario].d, SCENARIOS[scenario].se
    peaks = np.array([run.kl_peak for run in runs])
    for c, known in ((1.645, one_look), (TYPICAL, typical)):
        look = typical_look(truth, se, c)
        ratio = np.where(look >= 0, d[look] ** 2 / peaks, np.inf)
        assert np.median(ratio) == pytest.approx(known, abs=0.08)


def judged(gold):
    facts = {"run_id": "r", "gold_kind": "score", "kl_conversion": "exact", "algorithm": "grpo"}
    return verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), facts).row


def test_the_verdict_says_when_a_typical_rule_would_have_called_it():
    row = judged(gold_measurements(simulate("rl", "clean_n20_s02", 5)))
    limit = row["earliest_honest_alarm"]
    assert limit["form"] == "gao"
    assert row["peak"]["kl"] < limit["kl_early"] <= limit["kl"] <= 1.3 * row["alarm"]["kl"]
    assert "typical rule" in " ".join(row["reasons"])
    rising = judged(gold_measurements(simulate("linear", "base_n20_s05", 5)))
    assert rising["earliest_honest_alarm"] is None or rising["earliest_honest_alarm"]["kl"] > 144


def test_over_steps_the_limit_is_a_step():
    gold = gold_measurements(simulate("bon", "base_n20_s05", 3)).with_columns(
        kl=pl.lit(None, dtype=pl.Float64)
    )
    limit = judged(gold)["earliest_honest_alarm"]
    assert limit["kl"] is None and limit["form"] == "shape" and 0 < limit["step"] <= 200
