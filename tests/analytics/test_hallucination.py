"""Rates from graded answers: denominators, samples, pairing, what is missing, and words."""

import time
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics import calibration, hallucination
from analytics.hallucination import counts, pairs, scores, words
from analytics.hallucination.level_rows import calibration as calibration_of_cells
from analytics.rates import benjamini_hochberg, mcnemar, newcombe, wilson

C, W, N = "correct", "incorrect", "not_attempted"


def answers(grades: list[str | None], **columns: Any) -> pl.DataFrame:
    """One loop `a` on the benchmark; question q0, q1 … unless told otherwise."""
    n = len(grades)
    given = {
        "loop": ["a"] * n, "iteration": [0] * n, "origin": ["benchmark"] * n,
        "question_id": [f"q{i}" for i in range(n)], "topic": ["t"] * n, "grade": grades,
        "confidence": [None] * n, "knowledge": [None] * n, **columns,
    }  # fmt: skip
    kinds = {"confidence": pl.Float64, "knowledge": pl.String, "topic": pl.String}
    return pl.DataFrame(given, schema_overrides=kinds)


def total(frame: pl.DataFrame, iteration: int = 0, **where: Any) -> dict[str, Any]:
    total_rows = frame.filter(pl.col("level") == "total", iteration=iteration, **where)
    (row,) = hallucination.rows(total_rows)
    return row


@pytest.mark.parametrize(
    ("c", "n", "i", "f"),
    [
        (42.7, 9.2, 48.1, 44.8), (38.2, 1.0, 60.8, 38.4), (28.9, 35.0, 36.1, 35.0),
        (8.1, 28.5, 63.4, 9.4), (8.6, 0.9, 90.5, 8.6), (5.1, 75.3, 19.6, 8.2),
    ],
)  # fmt: skip
def test_f_of_the_simpleqa_table(c: float, n: float, i: float, f: float) -> None:
    assert 100 * float(scores.f_score(c, i, n)) == pytest.approx(f, abs=0.06)


def test_two_hallucination_rates_with_their_names() -> None:
    grades = [C] * 427 + [N] * 92 + [W] * 481
    row = total(hallucination.rates(answers(grades)))
    assert row["rate"] == pytest.approx(0.481)
    assert row["rate_of_attempted"] == pytest.approx(0.530, abs=5e-4)  # 1 - CGA (.470)
    assert row["f_score"] == pytest.approx(0.448, abs=6e-4)
    assert row["penalised"] == pytest.approx(0.427 - 0.481)
    assert float(scores.penalised_score(427, 481, 92, 0.75)) == pytest.approx(0.427 - 3 * 0.481)
    assert (row["low"], row["high"]) == pytest.approx(tuple(map(float, wilson(481, 1000))))
    assert "of 908 attempted answers" in words.rate_sentence(row, of_attempted=True)


def test_samples_are_averaged_within_the_question() -> None:
    ids = ["q0"] * 8 + ["q1", "q2"]
    row = total(hallucination.rates(answers([W] * 8 + [C, C], question_id=ids)))
    assert (row["n"], row["questions"], row["incorrect"]) == (10, 3, 8)
    assert row["rate"] == pytest.approx(1 / 3)  # not 8 / 10
    assert row["interval"] == "Wilson, questions averaged"
    # All or nothing within a question: ten answers are three questions' worth.
    low, high = map(float, wilson(1, 3))
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    # Samples that vary as coins are worth nearly as many answers.
    coins = [W, C] * 200
    loose = total(
        hallucination.rates(answers(coins, question_id=[f"q{i // 10}" for i in range(400)]))
    )
    assert loose["rate"] == 0.5 and loose["high"] - loose["low"] < 0.11


def test_confident_hallucination_and_its_denominator() -> None:
    grades = [W, W, W, C, C, N, N, W]
    confidence = [0.8, 0.79, 0.95, 0.9, 0.2, 0.99, None, None]
    row = total(hallucination.rates(answers(grades, confidence=confidence)))
    # Seven of eight are measured: the last has no confidence, an abstention needs none.
    assert row["measured"] == 7 and row["confident"] == pytest.approx(2 / 7)
    assert row["confident_of_confident"] == pytest.approx(2 / 3)
    assert total(hallucination.rates(answers(grades, confidence=confidence), tau=0.9))[
        "confident"
    ] == pytest.approx(1 / 7)
    single = pl.Series(np.array([0.7] * 8, dtype=np.float32))
    assert total(hallucination.rates(answers(grades, confidence=single), tau=0.7))[
        "confident"
    ] == pytest.approx(4 / 8)  # float32(.7) < .7


def test_no_confidence_is_not_no_confident_hallucination() -> None:
    row = total(hallucination.rates(answers([W, C, N])))
    assert row["confident"] is None and row["confident_low"] is None and row["ece"] is None
    assert row["mean_confidence"] is None and row["auroc"] is None


def test_unknown_grades_and_impossible_confidences_are_counted_and_said() -> None:
    frame = answers(
        [W, "perhaps", None, C], confidence=[1.3, 0.5, 0.5, float("nan")], sample_id=[0] * 4
    )
    row = total(hallucination.rates(frame))
    assert (row["n"], row["ungraded"], row["rate"]) == (2, 2, 0.5)
    assert row["confidence_refused"] == 2 and row["confident"] is None
    (found,) = pairs.unclear(frame).to_dicts()
    sentences = words.unclear_sentences(found)
    assert (
        len(sentences) == 2
        and "2 answers of iteration 0" in sentences[0]
        and "[0, 1]" in sentences[1]
    )
    assert total(hallucination.rates(answers([None])))["rate"] is None


def test_the_same_question_twice_with_different_grades_is_said() -> None:
    frame = answers([W, C, C], question_id=["q", "q", "r"])
    (found,) = pairs.unclear(frame).to_dicts()
    assert (found["repeated"], found["contradicting"]) == (1, 1)
    assert "1 of them with different grades" in words.unclear_sentences(found)[0]
    assert total(hallucination.rates(frame))["rate"] == 0.25
    apart = frame.with_columns(sample_id=pl.Series([0, 1, 0]))
    assert words.unclear_sentences(pairs.unclear(apart).to_dicts()[0]) == []


def two_iterations(before: list[str], now: list[str], **columns: Any) -> pl.DataFrame:
    n = len(before)
    ids = [f"q{i}" for i in range(n)] + [f"q{i}" for i in range(len(now))]
    own = {"question_id": ids, "iteration": [0] * n + [1] * len(now), **columns}
    return answers(before + now, **own)


def worked() -> pl.DataFrame:
    """25 newly wrong, 11 newly right of 400: 48 wrong before, 62 now."""
    before = [C] * 25 + [W] * 11 + [W] * 37 + [C] * 327
    return two_iterations(before, [W] * 25 + [C] * 11 + [W] * 37 + [C] * 327)


def test_the_paired_test_is_used_where_questions_are_shared() -> None:
    row = total(hallucination.rates(worked()), 1)
    change = row["change"]
    assert (change["newly_wrong"], change["newly_right"], change["shared"]) == (25, 11, 400)
    assert change["p_exact"] == pytest.approx(0.028817, abs=1e-6)
    assert change["p"] == pytest.approx(0.020074, abs=1e-6)
    assert change["test"] == "McNemar mid-p" and change["paired"] is True
    assert (change["low"], change["high"]) == pytest.approx((0.005801, 0.064199), abs=1e-6)
    assert change["q"] is None and change["from_iteration"] == 0
    assert words.change_sentence(row) == (
        "Wrong answers on the benchmark rose from 12.0 % to 15.5 % since iteration 0: "
        "25 newly wrong, 11 newly right of 400 shared questions (exact McNemar p = .029)."
    )


def test_unpaired_where_questions_differ_and_it_says_so() -> None:
    other = worked().with_columns(
        question_id=pl.format("{}-{}", "iteration", "question_id"), origin=pl.lit("self_generated")
    )
    row = total(hallucination.rates(other), 1)
    change = row["change"]
    assert change["paired"] is False and change["test"] == "Newcombe, unpaired"
    assert (change["low"], change["high"]) == pytest.approx((-0.012916, 0.082959), abs=1e-6)
    assert change["newly_wrong"] is None and change["p_exact"] is None and change["shared"] == 0
    sentence = words.change_sentence(row)
    assert "within chance" in sentence and "cannot be paired" in sentence
    assert "Self-generated questions change from iteration to iteration (none shared)" in sentence


def test_a_reused_question_id_with_another_text_is_another_question() -> None:
    texts = ["same"] * 400 + ["other"] * 400
    row = total(hallucination.rates(worked().with_columns(question=pl.Series(texts))), 1)
    assert row["change"]["paired"] is False
    same = worked().with_columns(question=pl.lit("same"))
    assert total(hallucination.rates(same), 1)["change"]["paired"] is True


def test_a_few_shared_questions_are_not_a_pairing_but_a_grown_benchmark_is() -> None:
    few = two_iterations([W] * 100, [C] * 100).with_columns(
        question_id=pl.when(pl.col("question_id").str.slice(1).cast(pl.Int64) < 30)
        .then("question_id")
        .otherwise(pl.format("{}-{}", "iteration", "question_id"))
    )
    change = total(hallucination.rates(few), 1)["change"]
    assert (change["paired"], change["shared"]) == (False, 30)
    grown = total(hallucination.rates(two_iterations([C] * 50, [W] * 100)), 1)
    assert grown["change"]["paired"] and grown["change"]["shared"] == 50
    assert grown["n"] == 100 and grown["change"]["rate_before"] == 0


def test_an_iteration_without_a_predecessor_and_a_chosen_one() -> None:
    frame = pl.concat([answers([g] * 20, iteration=[t] * 20) for t, g in ((0, C), (2, W), (5, C))])
    rows = hallucination.rates(frame)
    assert total(rows)["change"] is None
    assert "Iteration 0 has no earlier answers on the benchmark" in words.change_sentence(
        total(rows)
    )
    assert [total(rows, t)["change"]["from_iteration"] for t in (2, 5)] == [0, 2]
    chosen = hallucination.rates(frame, compare_to=0)
    assert [total(chosen, t)["change"]["from_iteration"] for t in (2, 5)] == [0, 0]
    assert total(chosen, 5)["change"]["difference"] == 0
    assert "stayed at 0.0 %" in words.change_sentence(total(chosen, 5))
    missing = hallucination.rates(frame, compare_to=1)
    assert all(row["change"] is None for row in hallucination.rows(missing))


def test_origins_are_never_pooled() -> None:
    frame = answers([W, W, C, C], origin=["benchmark", "self_generated"] * 2)
    rows = hallucination.rates(frame)
    assert rows.filter(level="total")["origin"].to_list() == ["benchmark", "self_generated"]
    assert rows["n"].max() == 2
    own, fixed = total(rows, origin="self_generated"), total(rows, origin="benchmark")
    assert "against 50.0 % on the fixed benchmark" in words.beside_benchmark(own, fixed)
    assert "no fixed benchmark was asked" in words.beside_benchmark(own, None)
    plain = answers([W, C]).drop("origin", "topic", "confidence", "knowledge")
    assert hallucination.rates(plain)["origin"].to_list() == ["not stated"]


def test_totals_then_topics_then_categories_with_q_over_topics() -> None:
    random = np.random.default_rng(2)
    n = 300
    grade = lambda p: np.where(random.random(n) < p, W, C).tolist()  # noqa: E731
    topic = [f"t{i % 6}" for i in range(n)] * 2
    category = [("HighlyKnown", "Unknown")[i % 2] for i in range(n)] * 2
    rows = hallucination.rates(
        two_iterations(grade(0.2), grade(0.3), topic=topic, knowledge=category)
    )
    now = rows.filter(iteration=1)
    assert now["level"].to_list() == ["total"] + ["topic"] * 6 + ["knowledge"] * 2
    assert now["topic"].to_list() == [None, *[f"t{i}" for i in range(6)], None, None]
    topics = now.filter(level="topic")
    expected = mcnemar(topics["change_newly_wrong"], topics["change_newly_right"]).mid_p
    assert topics["change_p"].to_numpy() == pytest.approx(expected)
    assert topics["change_q"].to_numpy() == pytest.approx(benjamini_hochberg(expected))
    assert topics["n"].sum() == now["n"][0] and topics["shrunken"].null_count() == 0
    spread = topics["rate"].std(), topics["shrunken"].std()
    assert spread[1] < spread[0]  # type: ignore[operator]
    assert now.filter(pl.col("level") != "topic")["shrunken"].null_count() == 3
    assert "over topics" in words.change_sentence(hallucination.rows(topics)[0])


def test_three_questions_in_a_topic_are_too_few() -> None:
    frame = two_iterations([C] * 33, [W] * 3 + [C] * 30, topic=(["rare"] * 3 + ["town"] * 30) * 2)
    rows = hallucination.rates(frame).filter(iteration=1, topic="rare")
    (row,) = hallucination.rows(rows)
    assert words.change_sentence(row) == "rare: 3 benchmark questions, too few to tell (below 10)."
    assert row["change"]["newly_wrong"] == 3  # the numbers stay


def test_questions_without_a_topic_are_in_the_total_only() -> None:
    rows = hallucination.rates(answers([W, C, C], topic=[None, "t", "t"]))
    assert rows["n"].to_list() == [3, 2]
    assert rows["level"].to_list() == ["total", "topic"]


def test_several_samples_change_by_question_averages() -> None:
    ids = [f"q{i // 4}" for i in range(80)]
    before, now = [C] * 80, ([W] + [C] * 3) * 12 + [C] * 32
    frame = answers(before + now, question_id=ids * 2, iteration=[0] * 80 + [1] * 80)
    change = total(hallucination.rates(frame), 1)["change"]
    assert change["test"] == "sign test mid-p on question averages"
    assert (change["newly_wrong"], change["shared"]) == (12, 20)
    assert change["difference"] == pytest.approx(12 * 0.25 / 20)
    assert "exact sign test" in words.change_sentence(total(hallucination.rates(frame), 1))


def test_flipped_lists_the_questions_newly_wrong_first() -> None:
    flipped = pairs.flipped(two_iterations([C, W, C, W], [W, C, C, N]))
    assert flipped["question_id"].to_list() == [
        "q0",
        "q1",
        "q3",
    ]  # wrong to abstained: not wrong now
    assert flipped["change"].to_list() == ["newly_wrong", "newly_right", "newly_right"]


def test_counts_from_elsewhere_give_the_same_rates() -> None:
    random = np.random.default_rng(9)
    n = 600
    frame = answers(
        random.choice([C, W, N], n).tolist(),
        iteration=np.repeat([0, 1, 2], 200),
        question_id=[f"q{i % 200}" for i in range(n)],
        topic=[f"t{i % 3}" for i in range(n)],
        confidence=random.random(n).round(2),
        malformed=random.random(n) < 0.1,
        entity_id=[f"e{i % 50}" for i in range(n)],
    )
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    rows = hallucination.rates(frame)
    again = hallucination.rates_from_counts(
        counts.count(shuffled),
        pairs.flips(shuffled),
        counts.clusters(shuffled),
        calibration_of_cells(counts.cells(shuffled)),
        changed_entities=pairs.flip_clusters(shuffled),
    )
    # Addition in another order differs in the last bits only.
    assert_frame_equal(rows, again, abs_tol=1e-12)
    bare = hallucination.rates_from_counts(counts.count(frame), pairs.flips(frame))
    assert bare.columns == rows.columns
    assert bare["ece"].null_count() == bare.height
    for schema, made in ((counts.COUNTS, counts.count(frame)), (pairs.FLIPS, pairs.flips(frame)),
                         (counts.CLUSTERS, counts.clusters(frame)),
                         (counts.CELLS, counts.cells(frame))):  # fmt: skip
        assert dict(made.schema) == schema


def test_cells_carry_calibration_exactly() -> None:
    random = np.random.default_rng(4)
    n = 500
    confidence = random.integers(0, 101, n) / 100
    right = random.random(n) < confidence**2
    rows = hallucination.rates(answers(np.where(right, C, W).tolist(), confidence=confidence))
    row = total(rows)
    assert row["ece"] == pytest.approx(calibration.ece(confidence, right), abs=1e-9)
    assert row["ece_null"] == pytest.approx(calibration.ece_null(confidence), abs=1e-9)
    assert row["brier"] == pytest.approx(calibration.brier(confidence, right), abs=1e-9)
    assert row["auroc"] == pytest.approx(calibration.auroc(confidence, right), abs=1e-9)
    assert row["bins"] == 15 and row["ece"] > 2 * row["ece_null"]


def test_abstentions_are_no_part_of_calibration() -> None:
    row = total(hallucination.rates(answers([C, W, N, N], confidence=[0.9, 0.1, 0.9, 0.8])))
    assert row["n_calibration"] == 2 and row["auroc"] == 1


def test_clusters_widen_the_interval() -> None:
    grades = ([W] * 10 + [C] * 10) * 20  # an entity is all wrong or all right
    row = total(hallucination.rates(answers(grades, entity_id=[f"e{i // 10}" for i in range(400)])))
    assert row["clusters"] == 40 and row["design_effect"] == pytest.approx(10)
    assert row["se_clustered"] == pytest.approx(0.5 / np.sqrt(40))
    assert (row["low_clustered"], row["high_clustered"]) == pytest.approx((0.345935, 0.654065))
    low, high = map(float, wilson(20, 40))  # of 40 independent answers, with z for t
    assert row["low_clustered"] < low and row["high_clustered"] > high
    assert total(hallucination.rates(answers(grades)))["clusters"] is None


def test_runs_and_steps_stand_in_for_loops_and_iterations() -> None:
    frame = answers([W, C]).rename({"loop": "run_id", "iteration": "step"})
    rows = hallucination.rates(frame)
    assert rows.columns[:2] == ["run", "iteration"] and rows["run"][0] == "a"
    with pytest.raises(ValueError, match="lack the column loop"):
        hallucination.rates(answers([W]).drop("loop"))
    with pytest.raises(ValueError, match="lack the column grade"):
        hallucination.rates(answers([W]).drop("grade"))
    with pytest.raises(ValueError, match="tau"):
        hallucination.rates(answers([W]), tau=80)


def test_no_answers_give_no_rows() -> None:
    empty = hallucination.rates(answers([]))
    assert empty.height == 0 and hallucination.rows(empty) == []


def test_rows_hold_what_the_json_promises() -> None:
    (row, *_) = hallucination.rows(hallucination.rates(worked()).filter(iteration=1))
    promised = {
        "loop", "iteration", "origin", "topic", "knowledge", "n", "correct", "incorrect",
        "not_attempted", "rate", "low", "high", "rate_of_attempted", "confident",
        "confident_low", "confident_high", "f_score", "ece", "ece_null", "auroc", "brier",
    }  # fmt: skip
    assert promised <= set(row)
    assert {"from_iteration", "difference", "low", "high", "test", "p", "q", "newly_wrong",
            "newly_right"} <= set(row["change"])  # fmt: skip
    assert not any(isinstance(v, float) and np.isnan(v) for v in row.values())


def test_an_unknown_grader_and_single_loops_are_said() -> None:
    assert "does not say who graded" in words.grader_unknown([None])
    assert "2 graders (exact, judge)" in words.grader_unknown(["exact", "judge"])
    assert "Some answers do not say" in words.grader_unknown(["exact", None])
    assert "no test between arms" in words.arms_sentence({"a": 1, "b": 2})
    assert "no test" not in words.arms_sentence({"a": 2, "b": 2})


def test_the_sentence_of_the_design() -> None:
    before = [W] * 132 + [C] * 868
    now = [C] * 12 + [W] * 120 + [W] * 221 + [C] * 647
    row = total(hallucination.rates(two_iterations(before, now)), 1)
    assert words.change_sentence(row) == (
        "Wrong answers on the benchmark rose from 13.2 % to 34.1 % since iteration 0: 221 newly "
        "wrong, 12 newly right of 1,000 shared questions (exact McNemar p < .001)."
    )


def test_half_a_million_answers_are_counted_at_once() -> None:
    n = 500_000
    random = np.random.default_rng(0)
    number = pl.int_range(n, eager=True)
    frame = pl.DataFrame({"number": number, "confidence": random.random(n)}).select(
        pl.lit("a").alias("loop"),
        (pl.col("number") % 10).alias("iteration"),
        pl.lit("self_generated").alias("origin"),
        pl.format("q{}", pl.col("number") // 10).alias("question_id"),
        pl.format("t{}", pl.col("number") // 10 % 50).alias("topic"),
        pl.Series("grade", [C, W, N]).gather(random.integers(0, 3, n)),
        "confidence",
    )
    start = time.process_time()  # of all threads; counting row by row takes minutes
    counted = counts.count(frame)
    assert time.process_time() - start < 20
    assert counted["n"].sum() == n and counted.height == 500
    _, low, high = newcombe(counted["incorrect"], counted["n"], counted["incorrect"], counted["n"])
    assert np.all(low < 0) and np.all(high > 0)
