"""A small edition of the published figures: fails where validity or power breaks."""

import json

import numpy as np
import pytest

from analytics.measured.published import (
    SCENARIO_WORDS,
    detector_table,
    kind_table,
    matching_scenario,
    published,
    red_over_scenarios,
)
from analytics.onset.alarm.detectors import DETECTORS
from analytics.onset.alarm.spending import Plan
from analytics.quality.detection import (
    CONTROLS,
    POOLED,
    _replayed,
    calibrated,
    measure_scenario,
    simulated,
)
from analytics.simulated import HONEST

RUNS = 60
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)
OURS = ("RED", "e-process", "AMBER")


@pytest.fixture(scope="module")
def small():
    return measure_scenario("base_n20_s05", RUNS, 2, (*DETECTORS, *CONTROLS))


def test_ours_hold_their_error_and_find_big_falls(small):
    table = {row["detector"]: row for row in detector_table(small, "base_n20_s05").to_dicts()}
    for name, power, delay in (("RED", 0.90, 2.6), ("e-process", 0.80, 3.0), ("AMBER", 0.92, 2.4)):
        assert table[name]["false_alarms"] <= MOST
        assert table[name]["premature"] <= 0.02
        assert table[name]["power"] >= power and table[name]["ratio"] <= delay
    cliff = kind_table(small, "base_n20_s05", ("cliff", "tent")).rows_by_key("detector", named=True)
    assert cliff["RED"][0]["cliff"] == 1.0 and cliff["RED"][0]["tent"] >= 0.8


def test_the_controls_fail(small):
    table = {row["detector"]: row for row in detector_table(small, "base_n20_s05").to_dicts()}
    assert table["patience 3"]["false_alarms"] > 0.5
    assert table["AMBER without sigmoid"]["false_alarms"] > 0.5
    assert table["patience, calibrated"]["power"] < 0.3
    assert table["proxy-gold gap"]["power"] < 0.5


def test_no_rule_is_earlier_than_one_look_at_the_limit(small):
    delay = {row["detector"]: row["ratio"] for row in small if row["kind"] == "gao"}
    assert delay["limit, c = 1.645"] < delay["limit, c = 2.2"] < delay["limit, c = 2.6"]
    assert delay["RED"] < 1.15 * delay["limit, c = 2.6"]


def test_a_calibrated_threshold_errs_in_five_percent_of_its_own_runs():
    gap = DETECTORS[5]
    threshold = calibrated(gap.statistic, "sparse_n10_s05", 100)
    series = simulated("saturating", "sparse_n10_s05", 100, 7_000_000).series
    assert np.mean(gap.statistic(series).max(axis=1) >= threshold) <= 0.05


def test_hundreds_of_pooled_rows_are_replayed():
    honest = simulated("plateau", POOLED, 20, 5).series.gold
    falling = simulated("bon", POOLED, 6, 5).series.gold
    plan = Plan(16, 25, True)
    assert np.mean([_replayed(one, plan) >= 0 for one in honest]) <= 0.2
    assert np.mean([_replayed(one, plan) >= 0 for one in falling]) >= 0.5


def test_the_kept_figures_are_whole():
    figures = published("detectors")
    assert figures["runs_per_class"] >= 500 and figures["code"] and figures["made"]
    assert {row["scenario"] for row in figures["rows"]} >= set(SCENARIO_WORDS)
    over = red_over_scenarios(figures["rows"])
    independent = over.filter(~over["scenario"].str.contains("correlated"))
    slack = 2 * independent["false_alarms_se"].max()
    assert independent["false_alarms"].max() <= 0.05 + slack
    assert all(
        row[f"{key}_se"] is not None
        for row in figures["rows"]
        for key in ("alarms", "power", "premature")
        if key in row
    )
    for name in SCENARIO_WORDS:
        kinds = {row["kind"] for row in figures["rows"] if row["scenario"] == name}
        assert kinds & set(HONEST)
    json.dumps(figures, allow_nan=False)


@pytest.mark.parametrize(
    ("looks", "noise", "rows", "rho", "scenario"),
    [
        (21, 0.05, 1, 0.0, "base_n20_s05"),
        (20, 0.3, 1, 0.0, "noisy_n20_s10"),
        (8, 0.05, 1, 0.0, "sparse_n7_s05"),
        (45, 0.12, 1, 0.0, "dense_n40_s10"),
        (25, 0.05, 8, 0.0, POOLED),
        (21, 0.05, 1, 0.4, "ar_n20_s05_r5"),
        (21, None, 1, 0.0, None),
    ],
)
def test_a_verdict_finds_the_runs_like_its_own(looks, noise, rows, rho, scenario):
    row = {"looks": looks, "relative_noise": noise, "rows_per_look": rows, "autocorrelation": rho}
    assert matching_scenario(row) == scenario
