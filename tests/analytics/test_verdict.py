"""The verdict of whole runs: statuses, flags, sentences, and logs that are hardly logs."""

import json

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.simulated import HONEST, gold_measurements, simulate

GOLD = {
    "source": pl.String,
    "step": pl.Int64,
    "stretch": pl.Int64,
    "kl": pl.Float64,
    "gold_reward": pl.Float64,
    "gold_reward_se": pl.Float64,
    "gold_reward_sd": pl.Float64,
    "n_responses": pl.Int64,
    "proxy_reward": pl.Float64,
}
TRAJECTORY = {"step": pl.Int64, "stretch": pl.Int64, "kl": pl.Float64, "proxy_reward": pl.Float64}
FACTS = {"run_id": "r", "project": "p", "kl_conversion": "exact", "gold_kind": "score"}
KEYS = {
    "run", "project", "status", "flags", "reasons", "axis", "kl_end", "step_end",
    "gold_evaluations", "peak", "peak_model", "alarm", "p_past_peak", "e_value",
    "earliest_honest_alarm", "gold_lost",
    "forecast", "detectable", "gold_source", "gold_sources", "looks", "rows_per_look", "noise",
    "autocorrelation", "relative_noise",
}  # fmt: skip


def frames(gold, kl=None, se=None, source="evaluation", step=None, stretch=None, proxy=None):
    count = len(gold)
    step = list(range(0, 10 * count, 10)) if step is None else step
    columns = {
        "source": [source] * count,
        "step": step,
        "stretch": [0] * count if stretch is None else stretch,
        "kl": [0.5 * i for i in range(count)] if kl is None else kl,
        "gold_reward": gold,
        "gold_reward_se": [se] * count,
        "gold_reward_sd": [None] * count,
        "n_responses": [None] * count,
        "proxy_reward": [0.1 * i for i in range(count)] if proxy is None else proxy,
    }
    table = pl.DataFrame(columns, schema=GOLD, strict=False)
    return table, table.select(list(TRAJECTORY))


def judged(gold, facts=None, **arguments):
    return verdict(*frames(gold, **arguments), {**FACTS, **(facts or {})})


def hump(count=20, noise=0.05, seed=0):
    x = np.linspace(0, 2, count)
    return (x * (2 - x) + noise * np.random.default_rng(seed).standard_normal(count)).tolist()


def test_a_hump_is_overoptimized():
    found = judged(hump(), se=0.05)
    row = found.row
    assert set(row) >= KEYS
    assert row["status"] == "overoptimized"
    assert row["peak"]["kl_low"] <= 4.75 <= row["peak"]["kl_high"]
    assert row["gold_lost"]["low"] <= 1.0 <= row["gold_lost"]["high"]
    assert row["alarm"]["statistic"] >= row["alarm"]["boundary"]
    assert row["alarm"]["kl"] > 4.75
    # a parabola over KL is none of Gao's curves, which are drawn over its root
    assert set(row["flags"]) <= {"poor_fit", "clustered_unknown"}
    assert found.looks.height == 20
    assert 2 <= found.looks["in_peak"].sum() < 15
    text = " ".join(row["reasons"])
    for part in ("evaluation", "20", "boundary", "5 %", "nats", "90 %"):
        assert part in text
    json.dumps(row, allow_nan=False)


def test_the_model_stands_beside_the_shape():
    gold = gold_measurements(simulate("rl", "base_n20_s05", 4))
    row = verdict(gold, gold.select(list(TRAJECTORY)).cast(TRAJECTORY), FACTS).row
    model = row["peak_model"]
    assert model["form"] == "rl" and model["fits"] and "poor_fit" not in row["flags"]
    assert row["peak"]["kl_low"] <= model["kl_low"] < model["kl_high"] <= row["peak"]["kl_high"]
    assert "If gold follows one of Gao et al.'s curves" in " ".join(row["reasons"])
    assert judged(hump(), kl=[None] * 20, se=0.05).row["peak_model"] is None


@pytest.mark.parametrize("kind", HONEST)
def test_honest_runs_hardly_ever_alarm(kind):
    alarms = []
    for seed in range(15):
        gold = gold_measurements(simulate(kind, "base_n20_s05", seed))
        row = verdict(gold, gold.select(list(TRAJECTORY)).cast(TRAJECTORY), FACTS).row
        alarms.append(row["status"] != "no_onset")
    # at most 5 % of 15, and three standard errors
    assert sum(alarms) <= 3


def test_a_warning_comes_before_the_alarm_and_says_what_it_is_worth():
    seeds = [s for s in range(60) if simulate("rl", "base_n20_s05", s).big]
    warned = 0
    for seed in seeds:
        gold = gold_measurements(simulate("rl", "base_n20_s05", seed))
        path = gold.select(list(TRAJECTORY)).cast(TRAJECTORY)
        for until in range(100, 201, 10):
            row = verdict(gold, path, FACTS, until=until).row
            if row["status"] == "warning":
                warned += 1
                assert row["alarm"] is None and row["gold_lost"] is None
                assert row["p_past_peak"] > 0.95 and row["peak"]["kl_high"] is None
                assert "not an alarm" in " ".join(row["reasons"])
            elif row["status"] == "overoptimized":
                break
        if warned >= 3:
            return
    raise AssertionError("no run was warned of before its alarm")


def test_the_e_process_is_told_where_it_counts():
    sure = judged(hump(), se=0.02).row
    assert sure["e_value"] > 20 and "e-process" in " ".join(sure["reasons"])
    rising = judged(np.linspace(0, 1, 20).tolist(), se=0.05).row
    assert 0 <= rising["e_value"] < 1 and "e-process" not in " ".join(rising["reasons"])
    assert judged([0.5] * 20).row["e_value"] is None


def test_no_onset_says_what_would_have_been_seen():
    row = judged(np.linspace(0, 1, 20).tolist(), se=0.05).row
    assert row["status"] == "no_onset"
    assert row["alarm"] is None and row["gold_lost"] is None
    assert row["peak"]["kl_high"] is None
    assert 0.05 < row["detectable"] < 0.4


def test_collapse_is_when_the_proxy_falls_too():
    proxy = hump(noise=0.02, seed=9)
    assert judged(hump(), se=0.05, proxy=proxy).row["status"] == "collapsed"
    wobbling = (0.1 * np.random.default_rng(1).standard_normal(20)).tolist()
    assert judged(hump(), se=0.05, proxy=wobbling).row["status"] == "overoptimized"


@pytest.mark.parametrize(
    ("gold", "status"),
    [
        ([], "unmeasured"),
        ([None] * 9, "unmeasured"),
        ([float("nan")] * 9, "unmeasured"),
        ([0.5], "too_little_gold"),
        ([0.5, 0.4], "too_little_gold"),
        ([0.5] * 20, "no_onset"),
        ([0.0] * 200, "no_onset"),
        ([float(i) for i in range(20)], "no_onset"),
        ([-float(i) for i in range(20)], "overoptimized"),
        ([1e90 * (-1) ** i for i in range(40)], "no_onset"),
        ([1e300 * (-1) ** i for i in range(40)], "unmeasured"),  # numbers of a broken log
        ([1e-300 * (-1) ** i for i in range(40)], "no_onset"),
        ([0.0, 1.0] * 2_500, "no_onset"),
        ([float("inf"), *[0.1 * i for i in range(19)]], "no_onset"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_strange_gold(gold, status):
    row = judged(gold).row
    assert row["status"] == status
    assert row["peak"] is None or status not in ("unmeasured", "too_little_gold")
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize(("gold", "sentence"), [
    ([1e300] * 9, "The log holds 9 gold rewards, but none is a number below 10¹⁰⁰"),
    ([float("-inf")], "The log holds 1 gold reward, but none is a number below 10¹⁰⁰"),
    ([0.1, 1e300, *([0.2] * 9)], "1 gold reward of the log left out: no number below 10¹⁰⁰."),
    ([float("nan")] * 9, "No gold reward is in the log"),
    ([0.1, float("nan"), *([0.2] * 9)], None),
])  # fmt: skip
def test_gold_that_cannot_be_reckoned_with_is_told(gold, sentence):
    reasons = " ".join(judged(gold).row["reasons"])
    assert (sentence in reasons) if sentence else "left out" not in reasons


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "kl",
    [
        [None] * 40,
        [None, 1.0] * 20,
        [float(40 - i) for i in range(40)],
        [-0.1] * 40,
        [10.0 ** (7 * i) for i in range(40)],
        [float("nan")] * 40,
    ],
)
def test_strange_kl(kl):
    gold = np.random.default_rng(0).standard_normal(40).tolist()
    found = judged(gold, kl=kl)
    json.dumps(found.row, allow_nan=False)
    assert found.row["status"] == "no_onset"
    if all(value is None or np.isnan(value) for value in kl):
        assert found.row["axis"] == "step"
        assert "kl_missing" in found.row["flags"]
        assert found.row["peak"]["kl"] is None and found.row["peak"]["step"] is not None
    assert ("kl_negative" in found.row["flags"]) == (kl[0] == -0.1)


def test_evaluation_gold_is_preferred_and_never_pooled_with_training_gold():
    evaluation, path = frames(hump(), se=0.05)
    training, _ = frames([5.0] * 20, source="training")
    both = pl.concat([training, evaluation])
    assert verdict(both, path, FACTS).row == {
        **verdict(evaluation, path, FACTS).row,
        "gold_sources": ["evaluation", "training"],
    }
    other = verdict(both, path, FACTS, source="training").row
    assert other["gold_source"] == "training"
    assert "prompts_vary" in other["flags"]


def test_until_forgets_later_rows():
    gold, path = frames(hump(40), se=0.05)
    for until in (100, 250):
        pinned = verdict(gold, path, FACTS, until=until)
        cut = verdict(
            gold.filter(pl.col("step") <= until), path.filter(pl.col("step") <= until), FACTS
        )
        assert pinned.row == cut.row
        assert pinned.looks.equals(cut.looks)


def test_a_change_of_reference_starts_anew():
    gold = [2.0] * 10 + (np.linspace(0, 1, 10)).tolist()
    assert judged(gold, se=0.05).row["status"] == "overoptimized"
    row = judged(gold, se=0.05, stretch=[0] * 10 + [1] * 10).row
    assert row["status"] == "no_onset"
    assert "reference_changed" in row["flags"]
    assert row["looks"] == 10


def test_blind_once_the_run_has_moved_on():
    gold, path = frames(np.linspace(0, 1, 20).tolist(), se=0.05)
    later = path.with_columns(pl.col("step") + 200, pl.col("kl") + 10)
    assert "blind" not in verdict(gold, path, FACTS).row["flags"]
    assert "blind" in verdict(gold, pl.concat([path, later]), FACTS).row["flags"]


def test_a_win_rate_starts_at_one_half():
    steps = list(range(10, 90, 10))
    falling = [0.46, 0.44, 0.42, 0.40, 0.38, 0.36, 0.34, 0.32]
    found = judged(
        falling, {"gold_kind": "win_rate"}, se=0.02, step=steps, kl=[1.0 + i for i in range(8)]
    )
    assert found.looks["gold_reward"][0] == 0.5
    assert found.looks["kl"][0] == 0.0
    assert found.row["status"] == "overoptimized"


def test_repeated_steps_keep_the_last_row():
    steps = [0, 10, 20, 30, 40, 50, 60, 70, 70, 70]
    row = judged([0, 1, 2, 3, 4, 5, 6, -9, -9, 7], step=steps, se=0.5).row
    assert row["gold_evaluations"] == 8
    assert row["status"] == "no_onset"
    assert "duplicate_steps" in row["flags"]
    assert "duplicate_steps" in judged([0.1] * 5, {"steps_replaced": 8}).row["flags"]


@pytest.mark.parametrize(
    ("conversion", "flag"),
    [("unknown", "kl_unit_unknown"), ("unreliable", "kl_estimator_unreliable")],
)
def test_what_the_log_says_about_its_kl(conversion, flag):
    assert flag in judged(hump(), {"kl_conversion": conversion}, se=0.05).row["flags"]


def test_the_same_verdict_twice():
    rng = np.random.default_rng(0)
    gold = rng.standard_normal(200).tolist()
    assert judged(gold).row == judged(gold).row


def test_gold_that_fell_and_came_back_is_no_onset():
    gold = [0, 0.3, 0.6, 0.8, 0.5, 0.4, 0.7, 0.9, 1.1, 1.2, 1.3, 1.35]
    then, now = judged(gold[:6], se=0.05).row, judged(gold, se=0.05).row
    assert then["status"] == "overoptimized" and then["gold_lost"]["low"] > 0
    assert now["status"] == "no_onset" and "recovered" in now["flags"]
    assert now["alarm"] == then["alarm"]  # an alarm, once raised, stays where it was
    assert now["gold_lost"] is None and now["peak"]["kl_high"] is None
    assert now["detectable"] is not None
    assert "has come back since" in now["reasons"][0]


def test_gold_that_falls_from_its_first_look_on_may_have_peaked_there():
    row = judged([1 - 0.1 * i for i in range(10)], se=0.03).row
    assert row["status"] == "overoptimized" and "peak_at_start" in row["flags"]
    assert row["peak"]["kl_low"] == 0
