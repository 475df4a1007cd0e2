"""Calibration against the worked example and against simulation."""

import numpy as np
import pytest

from analytics import calibration

CONF = [0.95, 0.9, 0.85, 0.8, 0.75, 0.6, 0.55, 0.4, 0.3, 0.2]
RIGHT = [1, 1, 0, 1, 1, 0, 1, 0, 1, 0]


def test_the_worked_example() -> None:
    assert calibration.ece(CONF, RIGHT, 5) == pytest.approx(0.18, abs=1e-12)
    assert calibration.ece(CONF, RIGHT, 10) == pytest.approx(0.27, abs=1e-12)
    assert calibration.adaptive_ece(CONF, RIGHT, 5) == pytest.approx(0.17, abs=1e-12)
    assert calibration.adaptive_ece(CONF, RIGHT, 2) == pytest.approx(0.03, abs=1e-12)
    assert calibration.brier(CONF, RIGHT) == pytest.approx(0.209, abs=1e-12)
    assert calibration.auroc(CONF, RIGHT) == pytest.approx(17 / 24, abs=1e-12)
    area = calibration.aurc(CONF, RIGHT)
    assert area.aurc == pytest.approx(0.251071, abs=1e-6)
    assert area.optimal == pytest.approx(0.112619, abs=1e-6)
    assert area.excess == pytest.approx(0.138452, abs=1e-6)


@pytest.mark.parametrize(
    ("n", "expected"), [(100, 0.121), (400, 0.0616), (1000, 0.0391), (4000, 0.0193)]
)
def test_null_value_of_ece_at_uniform_confidence(n: int, expected: float) -> None:
    random = np.random.default_rng(n)
    draws = 600
    seen = np.mean(
        [calibration.ece(c := random.random(n), random.random(n) < c) for _ in range(draws)]
    )
    assert seen == pytest.approx(expected, rel=0.035)
    confidence = random.random(n)
    null_value = calibration.ece_null_simulated(confidence, draws=200)
    assert (
        null_value.mean == pytest.approx(expected, rel=0.08) and null_value.high > null_value.mean
    )
    assert calibration.ece_null(confidence) == pytest.approx(null_value.mean, rel=0.08)
    # spread evenly over the bins: sqrt(2/pi) sqrt(M/N) mean sqrt(p (1 - p))
    even = calibration.ece_null((np.arange(n) + 0.5) / n)
    assert even == pytest.approx(np.sqrt(2 / np.pi * 15 / n) * np.pi / 8, rel=0.03)
    assert even == pytest.approx(expected, rel=0.035)


def test_the_simulated_null_is_seeded_and_knows_the_confidences() -> None:
    sure, unsure = np.full(400, 0.99), np.full(400, 0.5)
    assert calibration.ece_null_simulated(sure) == calibration.ece_null_simulated(sure)
    assert (
        calibration.ece_null_simulated(sure).mean < calibration.ece_null_simulated(unsure).mean / 3
    )
    # One bin: the mean of |Binomial / n - p|, for which the half normal is good.
    assert calibration.ece_null_simulated(unsure).mean == pytest.approx(0.02, rel=0.1)
    spread = np.random.default_rng(1).random(300)
    adaptive = calibration.ece_null_simulated(spread, adaptive=True)
    assert adaptive.mean == pytest.approx(calibration.ece_null(spread), rel=0.1)


def test_bins_are_closed_on_the_right_also_for_single_precision() -> None:
    tenths = np.arange(1, 11) / 10
    assert calibration.bin_number(tenths, 10).tolist() == list(range(10))
    assert calibration.bin_number(tenths.astype(np.float32), 10).tolist() == list(range(10))
    assert calibration.bin_number([0.0], 10).tolist() == [0]


def test_reliability_shows_only_bins_that_hold_answers() -> None:
    bins = calibration.reliability(CONF, RIGHT, 5)
    assert bins["n"].to_list() == [1, 2, 2, 2, 3] and bins["n"].sum() == 10
    assert bins["accuracy"].to_list() == pytest.approx([0, 0.5, 0.5, 1, 2 / 3])
    gaps = (bins["accuracy"] - bins["confidence"]).abs()
    assert float((gaps * bins["n"]).sum()) / 10 == pytest.approx(0.18)
    assert calibration.reliability([0.1, 0.9], [0, 1], 10)["bin"].to_list() == [0, 8]
    assert np.all(bins["null_low"].to_numpy() <= bins["confidence"].to_numpy())


def test_ties_count_one_half_and_the_order_of_rows_is_irrelevant() -> None:
    assert calibration.auroc([0.5] * 4, [1, 0, 1, 0]) == 0.5
    assert calibration.aurc([0.5] * 4, [1, 1, 0, 0]).aurc == pytest.approx(0.5)
    assert calibration.aurc([0.5] * 4, [0, 0, 1, 1]).aurc == pytest.approx(0.5)
    # Equal confidences stay in one equal-mass bin.
    assert calibration.adaptive_ece([0.5] * 4, [1, 0, 1, 0], 2) == 0


def test_a_perfect_ranking_has_no_excess() -> None:
    area = calibration.aurc([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0])
    assert area.excess == pytest.approx(0) and area.aurc > 0
    assert calibration.risk_coverage([0.9, 0.8], [1, 0])["risk"].to_list() == [0, 0.5]


def test_what_cannot_be_measured_is_nan_and_what_is_wrong_is_refused() -> None:
    assert np.isnan(calibration.auroc([0.5], [1])) and np.isnan(calibration.ece([], []))
    assert np.isnan(calibration.aurc([], []).aurc) and np.isnan(calibration.ece_null([]))
    assert calibration.brier([0.5, np.nan], [1, 1]) == 0.25  # missing is left out
    with pytest.raises(ValueError, match=r"outside \[0, 1\]: 1.2"):
        calibration.ece([1.2], [1])
    with pytest.raises(ValueError, match="0 or 1"):
        calibration.brier([0.2], [0.5])
    with pytest.raises(ValueError, match="2 confidences, but 1"):
        calibration.brier([0.2, 0.1], [1])
