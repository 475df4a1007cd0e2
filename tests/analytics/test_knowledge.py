"""SliCK categories, semantic entropy and consistency from sampled answers."""

import math

import polars as pl
import pytest

from analytics import knowledge


def sampled(name: str, greedy: list[bool], warm: list[bool]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "question_id": [name] * (len(greedy) + len(warm)),
            "temperature": [0.0] * len(greedy) + [0.5] * len(warm),
            "correct": greedy + warm,
        },
        schema={"question_id": pl.String, "temperature": pl.Float64, "correct": pl.Boolean},
    )


@pytest.mark.parametrize(
    ("greedy", "warm", "category"),
    [
        ([True] * 10, [False] * 160, "HighlyKnown"),
        ([True] * 9 + [False], [True] * 160, "MaybeKnown"),
        ([True] + [False] * 9, [False] * 160, "MaybeKnown"),
        ([False] * 10, [False] * 159 + [True], "WeaklyKnown"),
        ([False] * 10, [False] * 160, "Unknown"),
        ([False] * 10, [], None),
        ([], [True] * 5, None),
    ],
)
def test_the_exact_definitions(greedy: list[bool], warm: list[bool], category: str | None) -> None:
    kinds = knowledge.slick(sampled("q", greedy, warm))
    assert kinds["knowledge"].to_list() == [category]
    assert bool(kinds["reason"][0]) == (category is None)


def test_unknown_on_few_samples_is_warned_of() -> None:
    few = knowledge.slick(sampled("q", [False] * 4, [False] * 6))
    assert few["unknown_below"][0] == pytest.approx(0.3)
    assert "0 of 10 answers right still allows P up to 30.0 %" in few["reason"][0]
    assert "as few as 10 answers" in knowledge.few_samples(few)
    full = knowledge.slick(sampled("q", [False] * 10, [False] * 160))
    assert full["unknown_below"][0] == pytest.approx(0.018, abs=5e-4)  # 0/170: P <= 1.8 %
    assert knowledge.few_samples(full) == "" == full["reason"][0]
    one = knowledge.slick(sampled("q", [True], [True]))
    assert one["knowledge"][0] == "HighlyKnown" and "one greedy answer" in one["reason"][0]


def test_ungraded_samples_do_not_count_and_impossible_counts_are_refused() -> None:
    rows = sampled("q", [True, True], [False]).with_columns(correct=pl.Series([True, None, False]))
    assert knowledge.slick(rows).select("greedy_n", "knowledge").row(0) == (1, "HighlyKnown")
    counts = pl.DataFrame(
        {"question_id": ["q"], "greedy_n": [1], "greedy_correct": [2], "sampled_n": [0],
         "sampled_correct": [0]}
    )  # fmt: skip
    with pytest.raises(ValueError, match="question q"):
        knowledge.slick_from_counts(counts)


def test_semantic_entropy() -> None:
    assert knowledge.semantic_entropy([6, 3, 1]) == pytest.approx(0.897946, abs=1e-6)
    assert knowledge.semantic_entropy([0.5, 0.3, 0.2]) == pytest.approx(1.029653, abs=1e-6)
    assert knowledge.semantic_entropy([10, 0]) == 0
    assert math.isnan(knowledge.semantic_entropy([]))
    with pytest.raises(ValueError, match="negative"):
        knowledge.semantic_entropy([1, -1])


def test_consistently_wrong_is_eight_of_ten_in_one_wrong_cluster() -> None:
    def samples(name: str, sizes: list[int], grades: list[str]) -> pl.DataFrame:
        clusters = [str(i) for i, n in enumerate(sizes) for _ in range(n)]
        grade = [g for g, n in zip(grades, sizes, strict=True) for _ in range(n)]
        return pl.DataFrame(
            {"question_id": [name] * len(grade), "cluster": clusters, "grade": grade}
        )

    counts = knowledge.consistency(
        pl.concat(
            [
                samples("eight", [8, 2], ["incorrect", "correct"]),
                samples("right", [9, 1], ["correct", "incorrect"]),
                samples("seven", [7, 3], ["incorrect", "incorrect"]),
                samples("three", [1, 6, 3], ["correct", "incorrect", "incorrect"]),
            ]
        )
    )
    assert counts["consistently_wrong"].to_list() == [True, False, False, False]
    assert counts["confidence_consistency"].to_list() == [0.8, 0.9, 0.7, 0.6]
    assert counts["semantic_entropy"][3] == pytest.approx(0.897946, abs=1e-6)
