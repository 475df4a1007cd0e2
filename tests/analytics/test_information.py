"""The Cramér-Rao floor against worked numbers."""

import numpy as np
import pytest

from analytics.onset.evidence.information import cramer_rao

CASES = {
    (20, 0.05, 0.0): (0.0295, 0.0395, 0.0851, 0.1471),
    (20, 0.05, 1.0): (0.0193, 0.0180, 0.0451, 0.1015),
    (20, 0.02, 0.0): (0.0118, 0.0158, 0.0340, 0.0589),
    (40, 0.10, 0.0): (0.0451, 0.0576, 0.1265, 0.2212),
}


@pytest.mark.parametrize("case", CASES)
def test_floor(case):
    steps, sigma, g = case
    d, se = np.linspace(0, 1, steps + 1), np.full(steps + 1, sigma)
    floors = [cramer_rao(d, se, peak, 1.0, g) for peak in (0.3, 0.5, 0.7, 0.9)]
    assert floors == pytest.approx(CASES[case], abs=6e-5)


def test_floor_of_a_prefix():
    # 12 evaluations up to .6 of the peak at sigma .05: an interval of 2.4 either way at best
    d, se = np.linspace(0, 0.6, 13), np.full(13, 0.05)
    assert cramer_rao(d, se, 1.0, 1.0, 0.0) == pytest.approx(0.546, abs=1e-3)
    assert cramer_rao(d, se, 1.0, 1.0, 1.0) == pytest.approx(0.630, abs=1e-3)


def test_floor_is_free_of_units_and_may_not_exist():
    d = np.linspace(0, 1, 21)
    one = cramer_rao(d, np.full(21, 0.05), 0.5, 1.0, 0.0)
    assert cramer_rao(9 * d, np.full(21, 0.35), 4.5, 7.0, 0.0) == pytest.approx(one)
    assert cramer_rao(d[:2], np.full(2, 0.05), 0.5, 1.0, 0.0) == np.inf
