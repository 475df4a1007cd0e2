"""Beside an alarm stands what was measured on logs that say as much of their noise."""

import pytest

from analytics.measured.likeness import LIKE, is_like, kind_of, measured_on_like
from analytics.measured.published import battery_table
from analytics.quality.battery import verdict_of
from analytics.quality.battery_logs import CONDITIONS, simulated_log

ALARM = {"step": 300, "withdrawn": None}
TAKEN = {"step": 300, "withdrawn": {"step": 900, "reason": "evaluations scatter too much"}}


def row(condition, flat, plateau=0.0, **more):
    errors = {"flat_se": 0.01, "plateau_se": 0.01, "falling_se": 0.01, "flat_ever_se": 0.01}
    return {
        "condition": condition, "words": f"as in {condition}", "runs": 400, "claimed": 0.05,
        "flat": flat, "plateau": plateau, "flat_ever": flat, "falling": 0.9, "refused": 0.0,
        "holds": True, "finds": True, "asked": True,
    } | errors | more  # fmt: skip


SINGLE = [one for one in CONDITIONS if one.evaluations <= 100]
"""Pooled rows are like none, unless they look smoothed."""


OF_KINDS = [[one for one in SINGLE if is_like(one.name, kind)] for kind in LIKE]
USUAL = [one for kind in OF_KINDS if kind for one in (kind[0], kind[-1])]


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(one, id=one.name, marks=[pytest.mark.long] * (one not in USUAL))
        for one in SINGLE
    ],
)
def test_a_condition_is_like_the_kind_that_its_own_verdicts_are(condition):
    rows = [verdict_of(simulated_log(condition, "falling", 900 + i)).row for i in range(3)]
    found = {kind_of(one) for one in rows}
    (own,) = (kind for kind in LIKE if is_like(condition.name, kind))
    # where no error is stated, smoothed and correlated gold look alike, and not in every run
    unstated = {"smoothed", "correlated", "unstated"}
    assert own in found or (own in unstated and found <= unstated)


def test_every_condition_is_like_one_kind():
    for condition in CONDITIONS:
        kinds = [kind for kind in LIKE if is_like(condition.name, kind)]
        assert len(kinds) == 1, (condition.name, kinds)


def verdict(**more):
    noise = "from the spread between the responses of each evaluation"
    return {"flags": ["clustered_unknown"], "noise": noise, "alarm": ALARM} | more


def test_the_worst_of_the_like_is_told():
    rows = [row("sd, 25 x 8, icc 0.2", 0.0), row("sd, 50 x 16, icc 0.8", 0.02), row("t3", 0.3)]
    worst = measured_on_like(verdict(), rows)
    assert "2.0 ± 1.0 % of runs" in worst and "as in sd, 50 x 16, icc 0.8" in worst
    assert "worst of 2 kinds" in worst and "400 runs" in worst


@pytest.mark.parametrize("alarm", [None, TAKEN])
def test_nothing_is_told_beside_no_alarm(alarm):
    assert measured_on_like(verdict(alarm=alarm), [row("sd, 25 x 8, icc 0.2", 0.0)]) is None


def test_pooled_training_rows_are_like_none():
    assert measured_on_like(verdict(rows_per_look=8), [row("sd, 25 x 8, icc 0.2", 0.0)]) is None


def test_conditions_that_miss_their_claim_come_first():
    rows = [row("a", 0.0), row("b", 0.2, holds=False), row("c", 0.0, finds=False)]
    table = battery_table(rows)
    assert table["log"].to_list() == ["as in b", "as in c", "as in a"]
    assert table[""].to_list() == ["more than claimed", "misses falls", "holds"]
    assert table["false alarms"][0] == "20.0 ± 1.0 %"
