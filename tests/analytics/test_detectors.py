"""The registry of detectors: online is retrospective, and the batch is the verdict."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.onset import verdict
from analytics.onset.alarm.detectors import DETECTORS, Series, first_alarm
from analytics.onset.alarm.spending import Plan
from analytics.simulated import gold_measurements, simulate

FACTS = {"run_id": "r", "gold_kind": "score", "kl_conversion": "exact"}
RED = DETECTORS[0]


def series_of(runs, stated=True):
    frame = runs[0].frame
    gold, proxy = (
        np.array([run.frame[name].to_numpy() for run in runs]) for name in ("gold", "proxy")
    )
    plan = Plan(1, gold.shape[1], True) if stated else Plan(1, 48, False)
    return Series(frame["d"].to_numpy(), gold, proxy, frame["gold_se"].to_numpy(), plan)


def test_names_are_unique_and_say_what_they_promise():
    names = [detector.name for detector in DETECTORS]
    assert names[:3] == ["RED", "e-process", "AMBER"] and len(set(names)) == len(names)
    assert all(detector.promise for detector in DETECTORS)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
@settings(max_examples=40)
@given(seed=st.integers(0, 1_000), k=st.integers(4, 19), kind=st.sampled_from(["rl", "plateau"]))
def test_a_decision_uses_nothing_after_its_look(detector, seed, k, kind):
    series = series_of([simulate(kind, "base_n20_s05", seed)])
    noise = np.random.default_rng(seed).standard_normal((2, 1, 21))
    later = np.arange(21) > k
    changed = Series(
        np.where(later, series.d * 1.5 + 1, series.d),
        np.where(later, 50 * noise[0], series.gold),
        np.where(later, 50 * noise[1], series.proxy),
        np.where(later, 3 * series.se, series.se),
        series.plan,
    )
    before = detector.statistic(series)[:, : k + 1]
    assert np.array_equal(before, detector.statistic(changed)[:, : k + 1])


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("scenario", ["base_n20_s05", "ar_n20_s05_r5", "dense_n40_s10"])
def test_the_batch_decides_as_the_verdict_does(scenario, stated):
    runs = [simulate(kind, scenario, s) for kind in ("bon", "plateau", "cliff") for s in range(2)]
    alarms = first_alarm(RED.statistic(series_of(runs, stated)), RED.threshold)
    for run, alarm in zip(runs, alarms, strict=True):
        gold = gold_measurements(run)
        planned = {"max_steps": 10 * (gold.height - 1)} if stated else {}
        row = verdict(
            gold, gold.select("step", "stretch", "kl", "proxy_reward"), FACTS | planned
        ).row
        assert (row["alarm"]["step"] // 10 if row["alarm"] else -1) == alarm
    if scenario == "base_n20_s05":
        others = [detector.statistic(series_of(runs))[:, -1] for detector in DETECTORS[1:3]]
        for run, log_e, past in zip(runs, *others, strict=True):
            gold = gold_measurements(run)
            row = verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), FACTS).row
            if row["autocorrelation"] == 0 and "widened" not in " ".join(row["reasons"]):
                assert np.log(row["e_value"]) == pytest.approx(min(log_e, 690.78), abs=0.01)
                # 0 in the batch: silent, as no curve fits
                assert past in (0.0, pytest.approx(row["p_past_peak"], abs=1e-6))
