"""Runs looked at while they grow: an alarm stays, and looking often costs nothing."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.alarm.flat_runs import Schedule
from analytics.onset.alarm.red import WATCHED_PATHS, boundaries
from analytics.onset.alarm.spending import ALPHA, Plan, plan_of, shares
from analytics.onset.evidence.contrasts import hump_contrasts
from analytics.simulated import gold_measurements, simulate

FACTS = {"run_id": "r", "gold_kind": "score", "kl_conversion": "exact"}


def judged(run, max_steps=None, until=None):
    gold = gold_measurements(run)
    path = gold.select("step", "stretch", "kl", "proxy_reward")
    return verdict(gold, path, {**FACTS, "max_steps": max_steps}, until=until).row


def maxima(gold):
    """The scan statistic of many curves of unit noise at each look from the fourth on."""
    contrasts = hump_contrasts(gold.shape[1])
    return np.maximum.reduceat(contrasts.matrix @ gold.T, contrasts.first_of, axis=0)


def ever_alarms(gold, plan):
    """Which rows of gold (runs, evaluations) cross a boundary at any look of any stage."""
    alarmed = np.zeros(len(gold), dtype=bool)
    for stage in plan.reached(gold.shape[1]):
        count = min(stage.last, gold.shape[1] // stage.size)
        kept = gold[:, : count * stage.size].reshape(len(gold), count, stage.size).mean(axis=2)
        if count < stage.first:
            continue
        found = maxima(kept * np.sqrt(stage.size))[stage.first - 4 :]
        limits = boundaries(Schedule(stage.last), stage)[: count - stage.first + 1]
        alarmed |= (found >= limits[:, None]).any(axis=0)
    return alarmed


@pytest.mark.parametrize(
    ("plan", "rows"),
    [
        (Plan(1, 48, False), 11),
        (Plan(1, 48, False), 32),
        (Plan(1, 48, False), 128),
        (Plan(1, 11, True), 11),
        (Plan(1, 21, True), 64),
    ],
)
@pytest.mark.parametrize("mean", ["flat", "plateau"])
def test_a_watched_run_alarms_in_at_most_five_percent(plan, rows, mean):
    rng = np.random.default_rng(11)
    truth = 5 * np.minimum(np.arange(rows) / (0.3 * rows), 1) if mean == "plateau" else 0
    alarms = ever_alarms(truth + rng.standard_normal((3_000, rows)), plan)
    assert alarms.mean() <= ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / 3_000)


def test_a_planned_run_spends_with_the_square_of_the_look():
    stage = next(Plan(1, 21, True).stages())
    gold = np.random.default_rng(12).standard_normal((20_000, 21))
    crossed = maxima(gold) >= boundaries(Schedule(21), stage)[:, None]
    by_look = np.maximum.accumulate(crossed, axis=0).mean(axis=1)
    assert by_look == pytest.approx(shares(stage), abs=0.005)
    assert shares(stage) == pytest.approx(0.048 * (np.arange(4, 22) / 21) ** 2)


def test_all_stages_together_spend_five_percent():
    for plan in (Plan(1, 48, False), Plan(8, 25, True), Plan(2, 32, True)):
        assert sum(stage.alpha for stage in plan.reached(10**7)) <= ALPHA


def test_the_first_look_after_a_doubling_can_raise_an_alarm():
    later = Plan(1, 48, False).reached(280)[-1]
    assert later.size == 16 and later.first == 17
    spent = shares(later)
    assert spent[0] == pytest.approx(later.alpha / 3) and spent[-1] == pytest.approx(later.alpha)
    # its boundary is no extreme of the simulated flat runs: several of them cross it
    assert spent[0] * WATCHED_PATHS >= 5
    assert shares(replace(later, last=later.first)).tolist() == [later.alpha]


def test_boundaries_do_not_know_later_errors():
    stage = next(Plan(1, 48, False).stages())
    growing = tuple([0] * 10 + [4] * 38)
    first = boundaries(Schedule(48), stage)[:7]
    assert np.array_equal(first, boundaries(Schedule(48, profile=growing), stage)[:7])


@pytest.mark.parametrize("max_steps", [None, 200])
def test_an_alarm_stays_where_it_was(max_steps):
    run = simulate("bon", "base_n20_s05", 3)
    final = judged(run, max_steps)["alarm"]
    assert final is not None
    for until in range(0, 201, 20):
        alarm = judged(run, max_steps, until)["alarm"]
        assert alarm == (final if until >= final["step"] else None)


def test_an_alarm_outlives_coarser_looks():
    run = simulate("cliff", "dense_n40_s10", 0)
    early = judged(run)["alarm"]
    assert early is not None and judged(run)["rows_per_look"] == 1
    later = run.frame.tail(1).select(pl.all().exclude("step").repeat_by(20).explode())
    later = later.with_columns(step=410 + 10 * pl.int_range(20)).select(run.frame.columns)
    row = judged(replace(run, frame=pl.concat([run.frame, later])))
    assert row["rows_per_look"] == 2 and row["alarm"] == early


def test_the_plan_does_not_move_while_the_run_grows():
    steps = np.arange(2, 402, 2)
    plans = {plan_of(steps[:count], 400) for count in range(4, 201)}
    assert plans == {Plan(8, 25, True)}
    assert plan_of(steps, 3) == Plan(1, 48, False)
