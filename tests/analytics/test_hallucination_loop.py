"""The tables of the real loop, and grades as SimpleQA publishes them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics import hallucination
from analytics.hallucination import scores, training, trend
from analytics.rates import clustered_error

ROOT = Path(__file__).resolve().parents[2]
LOOPS = ("replace", "accumulate", "verified", "random_control")


def parquet(name: str) -> pl.DataFrame:
    return pl.read_parquet(ROOT / "data" / "examples" / "loop" / f"{name}.parquet")


@pytest.fixture(scope="module")
def answers() -> pl.DataFrame:
    return parquet("answers")


@pytest.fixture(scope="module")
def rates(answers: pl.DataFrame) -> pl.DataFrame:
    return hallucination.rates(answers, compare_to=0)


# correct, wrong, malformed, abstains, wrong & confident, (malformed), mean confidence
BRIEF = {
    ("replace", 0): (0.581, 0.132, 0.025, 0.287, 0.012, 0.001, 0.810),
    ("replace", 8): (0.210, 0.760, 0.178, 0.030, 0.098, 0.015, 0.526),
    ("accumulate", 8): (0.475, 0.319, 0.042, 0.206, 0.038, 0.001, 0.697),
    ("verified", 8): (0.290, 0.263, 0.042, 0.447, 0.025, 0.002, 0.668),
    ("random_control", 8): (0.293, 0.368, 0.037, 0.339, 0.052, 0.005, 0.673),
}


@pytest.mark.parametrize(("loop", "iteration"), list(BRIEF))
def test_results_in_brief(rates: pl.DataFrame, loop: str, iteration: int) -> None:
    names = ("correct_rate", "rate", "malformed_rate", "not_attempted_rate", "confident",
             "confident_malformed_rate", "mean_confidence")  # fmt: skip
    row = rates.filter(loop=loop, iteration=iteration, origin="benchmark", level="total")
    assert row["n"].to_list() == [1000]
    expected = BRIEF[loop, iteration]
    assert row.select(names).row(0) == pytest.approx(expected, abs=5.01e-4)


BENCHMARK = {
    "replace": [0.132, 0.196, 0.254, 0.316, 0.406, 0.517, 0.636, 0.706, 0.760],
    "accumulate": [0.132, 0.182, 0.227, 0.244, 0.272, 0.280, 0.287, 0.301, 0.319],
    "verified": [0.132, 0.116, 0.127, 0.138, 0.135, 0.169, 0.199, 0.224, 0.263],
    "random_control": [0.132, 0.160, 0.188, 0.206, 0.241, 0.300, 0.326, 0.377, 0.368],
}
CONFIDENT = {
    "replace": [0.012, 0.020, 0.028, 0.032, 0.038, 0.043, 0.043, 0.078, 0.098],
    "accumulate": [0.012, 0.021, 0.028, 0.028, 0.029, 0.030, 0.028, 0.029, 0.038],
    "verified": [0.012, 0.014, 0.012, 0.007, 0.008, 0.011, 0.010, 0.015, 0.025],
    "random_control": [0.012, 0.015, 0.021, 0.024, 0.029, 0.032, 0.044, 0.060, 0.052],
}
OF_ATTEMPTED = {
    "replace": [0.185, 0.254, 0.309, 0.378, 0.469, 0.572, 0.675, 0.738, 0.784],
    "verified": [0.185, 0.171, 0.196, 0.231, 0.242, 0.311, 0.363, 0.419, 0.476],
}
OWN = {
    "replace": [0.167, 0.207, 0.233, 0.337, 0.340, 0.433, 0.497, 0.580, 0.637],
    "accumulate": [0.167, 0.217, 0.277, 0.267, 0.260, 0.327, 0.283, 0.323, 0.307],
    "verified": [0.077, 0.027, 0.030, 0.037, 0.017, 0.023, 0.027, 0.023, 0.020],
    "random_control": [0.167, 0.187, 0.213, 0.177, 0.187, 0.230, 0.250, 0.280, 0.247],
}


@pytest.mark.parametrize(
    ("origin", "column", "table"),
    [
        ("benchmark", "rate", BENCHMARK),
        ("benchmark", "confident", CONFIDENT),
        ("benchmark", "rate_of_attempted", OF_ATTEMPTED),
        ("self_generated", "rate", OWN),
    ],
)
def test_every_iteration(
    rates: pl.DataFrame, origin: str, column: str, table: dict[str, list[float]]
) -> None:
    for loop, expected in table.items():
        rows = rates.filter(loop=loop, origin=origin, level="total").sort("iteration")
        assert rows[column].to_list() == pytest.approx(expected, abs=5.01e-4), loop


def test_by_knowledge_at_iteration_8(rates: pl.DataFrame) -> None:
    expected = {
        "accumulate": (0.149, 0.455, 0.475, 0.686), "random_control": (0.342, 0.422, 0.372, 0.457),
        "replace": (0.648, 0.825, 0.881, 0.943), "verified": (0.226, 0.377, 0.250, 0.400),
    }  # fmt: skip
    for loop, shares in expected.items():
        rows = rates.filter(loop=loop, iteration=8, origin="benchmark", level="knowledge")
        assert rows["knowledge"].to_list() == [
            "HighlyKnown",
            "MaybeKnown",
            "Unknown",
            "WeaklyKnown",
        ]
        assert rows["n"].to_list() == [491, 154, 320, 35]
        assert rows["rate"].to_list() == pytest.approx(shares, abs=5.01e-4)


@pytest.mark.parametrize(
    ("loop", "inside", "outside"),
    [("replace", 0.630, 0.890), ("accumulate", 0.274, 0.364), ("verified", 0.044, 0.482),
     ("random_control", 0.218, 0.518)],
)  # fmt: skip
def test_in_the_pool_and_outside(
    answers: pl.DataFrame, loop: str, inside: float, outside: float
) -> None:
    for pool, rate, start in ((True, inside, 0.122), (False, outside, 0.142)):
        part = answers.filter(pl.col("in_loop_pool") == pool, loop=loop, origin="benchmark")
        rows = hallucination.rates(part).filter(level="total").sort("iteration")
        assert rows["n"].unique().to_list() == [500]
        assert rows["rate"][8] == pytest.approx(rate, abs=1e-9)
        assert rows["rate"][0] == pytest.approx(start, abs=1e-9)


@pytest.mark.parametrize(
    ("loop", "difference", "low", "high"),
    [("replace", 0.628, 0.596, 0.659), ("accumulate", 0.187, 0.159, 0.216),
     ("verified", 0.131, 0.098, 0.166), ("random_control", 0.236, 0.203, 0.267)],
)  # fmt: skip
def test_change_with_the_entity_as_cluster(
    answers: pl.DataFrame,
    rates: pl.DataFrame,
    loop: str,
    difference: float,
    low: float,
    high: float,
) -> None:
    wide = (
        answers.filter(pl.col("iteration").is_in([0, 8]), loop=loop, origin="benchmark")
        .with_columns(wrong=(pl.col("grade") == "incorrect").cast(pl.Float64))
        .pivot("iteration", index=["question_id", "entity_id"], values="wrong")
        .sort("question_id")
    )
    change = (wide["8"] - wide["0"]).to_numpy()
    half = 1.96 * clustered_error(change, wide["entity_id"].to_numpy())
    assert change.mean() == pytest.approx(difference, abs=1e-9)
    assert (change.mean() - half, change.mean() + half) == pytest.approx((low, high), abs=0.004)
    row = rates.filter(loop=loop, iteration=8, origin="benchmark", level="total")
    assert row["change_difference"][0] == pytest.approx(difference)
    assert row["change_paired"][0] and row["change_shared"][0] == 1000


def test_the_story_of_each_loop(answers: pl.DataFrame, rates: pl.DataFrame) -> None:
    whole = rates.filter(level="total", iteration=8)
    own = whole.filter(origin="self_generated")
    assert not own["change_paired"].any() and own["change_shared"].max() <= 20
    verified = dict(zip(*whole.filter(loop="verified")["origin", "change_difference"], strict=True))
    assert verified["self_generated"] < -0.05 < 0.1 < verified["benchmark"]
    wrong = answers.filter(loop="replace", origin="benchmark").select(
        "question_id", "iteration", wrong=(pl.col("grade") == "incorrect").cast(pl.Float64)
    )
    assert trend.question_trend(wrong).z > 20
    looks = hallucination.flips(answers.filter(origin="benchmark"))
    sums = looks.group_by("loop", "iteration").agg(pl.col("newly_wrong", "newly_right").sum())
    alarms = {
        loop: trend.rise_on_same_questions(part["newly_wrong"], part["newly_right"]).alarm
        for (loop,), part in sums.sort("loop", "iteration").group_by("loop", maintain_order=True)
    }
    # verified first improves: the process waits until what was forgotten outweighs it.
    assert alarms == {"replace": 0, "accumulate": 0, "random_control": 0, "verified": 5}


def test_consistently_wrong(answers: pl.DataFrame) -> None:
    own = answers.filter(
        pl.col("confidence_consistency") >= 0.75,
        grade="incorrect", origin="benchmark", loop="replace",
    )  # fmt: skip
    counted = own.group_by("iteration").len().sort("iteration")
    assert counted["len"].to_list() == [17, 39, 51, 66, 72, 70, 101, 125, 162]


def test_what_replace_trained_on(answers: pl.DataFrame) -> None:
    statements = training.statements(answers)
    view = training.training_view(statements, answers, control_loop="random_control")
    rows = view.frame.filter(pl.col("knowledge").is_null(), loop="replace").sort("iteration")
    claim_true = [0.693, 0.683, 0.580, 0.527, 0.473, 0.473, 0.417, 0.330]
    assert (1 - rows["false_share"]).to_list() == pytest.approx(claim_true, abs=5.01e-4)
    assert rows["checked_share"].to_list() == [1.0] * 8
    sentences = view.sentences["replace"]
    assert "291 of 1,147" in sentences and "against 30.4 % of 803 in the control loop" in sentences
    assert "no test between" in sentences  # one loop an arm
    assert "association" in view.sentences["random_control"]
    assert "0.0 % of 2,400" in view.sentences["verified"]
    repeated = [0.228, 0.242, 0.270, 0.211, 0.259, 0.253, 0.280, 0.264]
    assert rows["repeated_share"].to_list() == pytest.approx(repeated, abs=5.01e-4)
    pool = training.training_view(training.mistakes(answers), answers)
    assert "against 60.2 % of 1,844" in pool.sentences["replace"]
    with pytest.raises(ValueError, match="different kinds"):
        training.training_view(pl.concat([statements, training.mistakes(answers)]), answers)


def test_false_claims_among_kept_texts() -> None:
    generations = parquet("generations")
    texts = training.training_texts(generations)
    kept = texts.filter(pl.col("kept"), loop="verified")
    assert kept["false"].to_list() == [0] * 9
    whole = generations.filter(loop="replace", iteration=8).select("n_claims", "n_true").sum()
    both = texts.filter(loop="replace", iteration=8).select("claims", "false").sum()
    assert both.row(0) == (whole["n_claims"][0], whole["n_claims"][0] - whole["n_true"][0])
    assert 1 - both["false"][0] / both["claims"][0] == pytest.approx(0.397, abs=5e-4)
    assert np.all(texts["false_low"].to_numpy() <= texts["false_share"].to_numpy())


@pytest.mark.parametrize(
    ("model", "right", "wrong"), [("model-a", 187, 405), ("model-b", 175, 331)]
)
def test_f_score_of_graded_questions(model: str, right: int, wrong: int) -> None:
    letters = {"A": "correct", "B": "incorrect", "C": "not_attempted"}
    file = ROOT / "tests" / "data" / "tables" / f"{model}.csv.gz"
    frame = pl.read_csv(file).select(
        pl.lit(model).alias("loop"),
        pl.lit(0).alias("iteration"),
        pl.lit("benchmark").alias("origin"),
        pl.col("problem").alias("question_id"),
        pl.col("grade").replace_strict(letters),
    )
    (row,) = hallucination.rows(hallucination.rates(frame).filter(level="total"))
    assert row["n"] == 613
    plain = float(scores.f_score(row["correct"], row["incorrect"], row["not_attempted"]))
    # The harmonic mean of the shares right of all and right of attempted.
    assert plain == pytest.approx(2 / (613 / right + (right + wrong) / right))


def test_training_without_a_check_or_control_is_said() -> None:
    statements = pl.DataFrame(
        {"loop": ["a"] * 3, "iteration": [1] * 3, "origin": ["o"] * 3,
         "question_id": ["q", "r", "s"], "knowledge": ["Unknown"] * 3, "statement": ["x", "y", "z"],
         "statement_grade": ["incorrect", "correct", None], "trained_on": [True] * 3,
         "kind": ["claim"] * 3}
    )  # fmt: skip
    later = pl.DataFrame(
        {"loop": ["a"] * 2, "iteration": [1] * 2, "origin": ["o"] * 2, "question_id": ["q", "r"],
         "answer": ["x", "y"], "grade": ["incorrect", "correct"]}
    )  # fmt: skip
    view = training.training_view(statements, later)
    row = view.frame.filter(pl.col("knowledge").is_null()).row(0, named=True)
    assert (row["statements"], row["checked"], row["false"]) == (3, 2, 1)
    assert (row["checked_share"], row["false_share"], row["repeated_share"]) == (2 / 3, 0.5, 1.0)
    assert "1 more were never checked" in view.sentences["a"]
    assert "Without a control this is an association" in view.sentences["a"]
    never = training.training_view(
        statements.with_columns(statement_grade=pl.lit(None, pl.String)), later
    )
    assert "None of 3 statements was checked" in never.sentences["a"]
    assert never.frame["false_share"].null_count() == never.frame.height
