"""Calibration from cells: the same numbers as from the answers themselves."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analytics import calibration as whole
from analytics.answers.calibration_cells import calibration, merged, reliability, risk_coverage
from analytics.hallucination import cells

CONFIDENCE = [0.95, 0.9, 0.85, 0.8, 0.75, 0.6, 0.55, 0.4, 0.3, 0.2]
CORRECT = [1, 1, 0, 1, 1, 0, 1, 0, 1, 0]


def counted(confidence: list[float], correct: list[int]) -> pl.DataFrame:
    n = len(confidence)
    return merged(cells(pl.DataFrame({
        "loop": ["l"] * n, "iteration": [0] * n, "question_id": [f"q{i}" for i in range(n)],
        "confidence": confidence,
        "grade": ["correct" if y else "incorrect" for y in correct],
    })))  # fmt: skip


def test_the_worked_example() -> None:
    found = calibration(counted(CONFIDENCE, CORRECT), 5)
    assert found.ece == pytest.approx(0.18)
    assert found.adaptive_ece == pytest.approx(0.17)
    assert calibration(counted(CONFIDENCE, CORRECT), 10).ece == pytest.approx(0.27)
    assert found.brier == pytest.approx(0.209)
    assert found.auroc == pytest.approx(17 / 24)
    assert found.aurc == pytest.approx(0.251071, abs=5e-7)
    assert found.aurc_optimal == pytest.approx(0.112619, abs=5e-7)
    assert found.excess == pytest.approx(0.138452, abs=5e-7)


def test_as_from_the_answers_themselves() -> None:
    rng = np.random.default_rng(3)
    c = (rng.integers(0, 301, 5000) / 300).round(6)
    y = (rng.random(5000) < c**1.3).astype(int)
    cells = counted(c.tolist(), y.tolist())
    found = calibration(cells, 15)
    area = whole.aurc(c, y)
    assert found.ece == pytest.approx(whole.ece(c, y, 15), abs=1e-9)
    assert found.adaptive_ece == pytest.approx(whole.adaptive_ece(c, y, 15), abs=1e-9)
    assert found.ece_null == pytest.approx(whole.ece_null(c, 15), abs=1e-9)
    assert found.auroc == pytest.approx(whole.auroc(c, y), abs=1e-9)
    assert (found.aurc, found.aurc_optimal) == pytest.approx((area.aurc, area.optimal), abs=1e-9)
    ours, theirs = reliability(cells, 15), whole.reliability(c, y, 15)
    for name in ("left", "right", "n", "confidence", "accuracy", "null_low", "null_high"):
        assert ours[name].to_list() == pytest.approx(theirs[name].to_list(), abs=1e-9), name
    curve = whole.risk_coverage(c, y)
    ends = risk_coverage(cells)
    at = ends["n"].to_numpy() - 1
    assert ends["risk"].to_list() == pytest.approx(curve["risk"].to_numpy()[at].tolist())
    assert ends["optimal"].to_list() == pytest.approx(curve["optimal"].to_numpy()[at].tolist())


def test_null_values_are_those_of_calibrated_models() -> None:
    rng = np.random.default_rng(5)
    c = rng.random(1000).round(4)
    found = calibration(counted(c.tolist(), [1] * 1000), 15)
    drawn = whole.ece_null_simulated(c, 15, draws=400)
    assert found.ece_null == pytest.approx(drawn.mean, rel=0.06)
    assert found.ece_null_high == pytest.approx(drawn.high, rel=0.06)
    mass = whole.ece_null_simulated(c, 15, adaptive=True, draws=400)
    assert found.adaptive_null == pytest.approx(mass.mean, rel=0.06)


def test_nothing_and_one_kind() -> None:
    assert calibration(counted([], [])).n == 0
    assert np.isnan(calibration(counted([0.4, 0.6], [1, 1])).auroc)
    with pytest.raises(ValueError, match="divide 300"):
        calibration(counted(CONFIDENCE, CORRECT), 7)
