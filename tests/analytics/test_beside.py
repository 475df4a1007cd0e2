"""What stands beside a rate: KL, rewards, arms, counted facts, and trends in words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analytics import hallucination
from analytics.hallucination import beside, facts
from analytics.hallucination.over_iterations import trend_sentences


def metrics(n: int, run: str = "a", **columns: object) -> pl.DataFrame:
    base = {
        "run_id": [run] * n, "phase": ["train"] * n, "step": list(range(n)),
        "kl": [float(i) for i in range(n)], "proxy_reward": [float(i) for i in range(n)],
        "gold_reward": [1.0] * n, "gold_reward_sd": [2.0] * n, "gold_reward_se": [None] * n,
        "n_responses": [400] * n,
    }  # fmt: skip
    frame = pl.DataFrame(base | columns)
    return frame.with_columns(pl.col("gold_reward_se").cast(pl.Float64))


def test_kl_of_a_rate_is_that_of_the_last_row_logged_by_then() -> None:
    rates = pl.DataFrame({"loop": ["b", "a", "a"], "iteration": [3, 3, 9], "rate": [0.1, 0.2, 0.3]})
    logged = metrics(4).with_columns(kl=pl.Series([0.0, 1.5, None, None]))
    late = pl.DataFrame({"loop": ["a"], "iteration": [0], "rate": [0.5]})
    assert beside.with_kl(rates, logged)["kl"].to_list() == [None, 1.5, 1.5]
    assert beside.with_kl(rates, logged)["rate"].to_list() == [0.1, 0.2, 0.3]
    assert beside.with_kl(late, logged)["kl"].to_list() == [0.0]
    evaluation = logged.with_columns(phase=pl.lit("eval"))
    assert beside.with_kl(late, evaluation)["kl"].to_list() == [None]


def test_rewards_of_a_loop_keep_their_rows_and_of_a_run_are_pooled() -> None:
    few = beside.rewards(metrics(9))
    assert few["iteration"].to_list() == list(range(9)) and few["rows"].to_list() == [1] * 9
    # 2 / sqrt(400) = .1
    assert few["gold_low"][0] == pytest.approx(1 - 0.1 * 1.959964)
    gold = np.tile([0.0, 2.0], 100)
    many = beside.rewards(metrics(200, gold_reward=gold.tolist()), most=20)
    assert many.height == 20 and many["rows"].to_list() == [10] * 20
    assert many["iteration"].to_list() == list(range(9, 200, 10))
    half = 1.959964 * np.std([0, 2] * 5, ddof=1) / np.sqrt(10)
    assert many["gold_high"].to_list() == pytest.approx([1 + half] * 20)
    missing = beside.rewards(metrics(2, kl=[float("nan"), 1.0], gold_reward_sd=[None, None]))
    assert missing["kl"].to_list() == [None, 1.0] and missing["gold_low"].null_count() == 2


def test_the_n_of_an_arm_is_its_loops() -> None:
    grades = {"a1": 0.2, "a2": 0.4, "b": 0.5}
    rows = [
        {"loop": loop, "iteration": 0, "origin": "benchmark", "question_id": f"q{i}",
         "grade": "incorrect" if i < 100 * share else "correct", "confidence": 0.9}
        for loop, share in grades.items() for i in range(100)
    ]  # fmt: skip
    rates = hallucination.rates(pl.DataFrame(rows)).filter(level="total")
    by_arm = beside.by_arm(
        rates.with_columns(kl=pl.lit(1.0)), {"a1": "a", "a2": "a", "b": "b"}
    ).sort("line")  # fmt: skip
    assert by_arm["line"].to_list() == ["a", "b"] and by_arm["loops"].to_list() == [2, 1]
    assert by_arm["rate"].to_list() == pytest.approx([0.3, 0.5])
    # t(1 df) = 12.706, se = .1: beyond [0, 1], so cut
    assert (by_arm["low"][0], by_arm["high"][0]) == (0, 1)
    assert by_arm["low"][1] is None and by_arm["high"][1] is None  # one loop: no interval


def steps(wrong: list[int], stated: list[int], logged: float | None = None) -> pl.DataFrame:
    n = len(wrong)
    return pl.DataFrame({
        "phase": ["train"] * n, "step": list(range(1, n + 1)), "responses": [10] * n,
        "stated": stated, "wrong": wrong, "rate_logged": [logged] * n,
        "stated_squares": [float(s * s) / 10 for s in stated],
        "cross": [float(s * w) / 10 for s, w in zip(stated, wrong, strict=True)],
        "wrong_squares": [float(w * w) / 10 for w in wrong], "kl": [0.5] * n,
    }, schema_overrides={"rate_logged": pl.Float64})  # fmt: skip


def test_wrong_facts_are_a_ratio_with_steps_as_clusters() -> None:
    wrong, stated = [5, 1, 6, 2], [10, 10, 20, 20]
    pooled = facts.pooled_facts(steps(wrong, stated), most=1)
    assert pooled["rate"][0] == pytest.approx(14 / 60) and pooled["n"][0] == 60
    p = 14 / 60
    residual = np.array(wrong) - p * np.array(stated)
    se = np.sqrt((residual**2).sum() * 4 / 3) / 60
    assert pooled["high"][0] == pytest.approx(p + 3.182446 * se, abs=1e-6)
    assert pooled["facts_per_response"][0] == pytest.approx(1.5)
    alone = facts.pooled_facts(steps(wrong, stated), most=9)
    assert alone.height == 4 and alone["steps"].to_list() == [1] * 4
    assert (alone["low"].to_numpy() <= alone["rate"].to_numpy()).all()


def test_a_rate_that_was_only_logged_is_said_to_be() -> None:
    bare = steps([0] * 4, [0] * 4, 0.25).with_columns(
        pl.lit(None, pl.Int64).alias(name) for name in ("stated", "wrong", "responses")
    )
    pooled = facts.pooled_facts(bare, most=2)
    assert pooled["rate"].to_list() == [0.25, 0.25] and pooled["n"].null_count() == 2
    (first, _) = facts.fact_rows(pooled, ["iteration", "ece"])
    assert first["n"] is None and first["ece"] is None and first["rate"] == 0.25


def test_fewer_wrong_facts_are_no_sign_of_an_onset() -> None:
    pooled = facts.pooled_facts(steps([5, 5, 1, 1], [10] * 4), most=2)
    gold = pl.DataFrame({"iteration": [2, 4], "gold_reward": [1.0, -0.5]})
    sentence = facts.facts_sentence(pooled, gold, {"status": "overoptimized"})
    assert "fell from 50.0 %" in sentence and "Gold fell from 1.0 at step 2 to −0.5" in sentence
    assert sentence.endswith("fewer wrong facts did not mean a better model.")
    sentence = facts.facts_sentence(pooled, gold, {"status": "no_onset"})
    assert sentence.endswith("this rate alone is no sign of an onset.")
    assert "No gold reward was measured" in facts.facts_sentence(pooled, gold.head(0), {})
    assert "Too few steps" in facts.facts_sentence(pooled.head(1), gold, {})


def loop(wrong: list[int], n: int = 200, confidence: float = 0.9) -> pl.DataFrame:
    """Totals of a loop that answers the same questions, the first `wrong` of them wrong."""
    rows = [
        {"loop": "l", "iteration": t, "origin": "benchmark", "question_id": f"q{i}",
         "grade": "incorrect" if i < w else "correct", "confidence": confidence}
        for t, w in enumerate(wrong) for i in range(n)
    ]  # fmt: skip
    return hallucination.rates(pl.DataFrame(rows)).filter(level="total")


def test_trends_in_words() -> None:
    text = " ".join(trend_sentences(loop([10, 30, 50, 70])))
    assert (
        "rise by 10 points an iteration (5.0 % to 35.0 %; t over iterations, 2 degrees of" in text
    )
    assert "where retraining itself adds no noise" in text
    assert "first saw a rise on the benchmark at iteration 1" in text
    assert "Wrong ones with confidence of at least 0.8 rise" in text
    text = " ".join(trend_sentences(loop([20, 21, 20, 22])))
    assert "show no trend beyond the scatter of retrained iterations" in text
    assert "counting noise" not in text and "has seen no rise" in text
    text = " ".join(trend_sentences(loop([10, 40, 20, 50])))
    assert (
        "no trend beyond the scatter" in text and "counting noise alone would give p < .001" in text
    )
    assert trend_sentences(loop([20, 25])) == [
        "2 iterations of answers on the benchmark: too few for a trend."
    ]
    assert "show no change to test" in " ".join(trend_sentences(loop([0, 0, 0])))
    assert trend_sentences(loop([20, 25]).head(0)) == []
