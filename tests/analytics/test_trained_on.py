"""What a loop was trained on: the answer in a sentence, and the comparison with its control."""

from __future__ import annotations

import polars as pl
import pytest

from analytics.hallucination.repeated import repeated, sentence
from analytics.hallucination.trained_on import trained_headline, trained_rows

POINTS = pl.DataFrame({
    "loop": ["a", "a", "a", "b", "c"], "iteration": [2, 1, 3, 1, 1],
    "false_share": [0.4, 0.3, 0.67, 0.0, None], "false_low": [0.35, 0.2, 0.6, 0.0, None],
    "false_high": [0.5, 0.4, 0.7, 0.02, None], "kept_false": [None, None, None, None, 0.25],
    "human_share": [0.0, 1.0, None, 1.0, None],
})  # fmt: skip


def test_each_loop_from_its_first_to_its_last() -> None:
    a, b, c, nobody = trained_rows(POINTS, ["a", "b", "c", "nobody"])
    assert a["false"] == (0.3, 0.67, 0.6, 0.7) and (a["since"], a["at"]) == (1, 3)
    assert a["human"] == (1.0, 0.0, None, None)
    assert b["false"] == (None, 0.0, 0.0, 0.02)  # known once: nothing to go from
    assert c["false"] == (None,) * 4 and c["kept"] == (None, 0.25, None, None)
    assert nobody["false"] == nobody["human"] == (None,) * 4 and nobody["at"] is None


@pytest.mark.parametrize(("loops", "sentence"), [
    (["a"], "a: 30.0 % of the claims trained on were false at iteration 1, 67.0 % at iteration 3"),
    (["b"], "b: 0.0 % of the claims trained on at iteration 1 were false"),
    (["c"], "False among the texts kept for training, first to last: 25.0 % in c"),
    (["b", "a"],
     "False among the claims trained on, first to last: 0.0 % in b and 30.0 % to 67.0 % in a"),
    ([], "Nothing that was trained on has been checked against a source"),
])  # fmt: skip
def test_the_answer_in_a_sentence(loops: list[str], sentence: str) -> None:
    assert trained_headline(trained_rows(POINTS, loops)) == sentence


def test_many_loops_are_counted_not_listed() -> None:
    rows = [{**trained_rows(POINTS, ["b"])[0], "loop": str(n)} for n in range(9)]
    assert trained_headline(rows).endswith("0.0 % in 0, 0.0 % in 1, 0.0 % in 2 and 6 more loops")


def counted(loop: str, again: int, asked: int, variance: float = 0.0004) -> dict[str, object]:
    return {"loop": loop, "statements": 300, "checked": 300, "false": 200, "asked": asked,
            "repeated": again, "variance": variance}  # fmt: skip


def test_a_control_of_the_same_loop_is_tested_and_another_loop_is_not() -> None:
    own = counted("a", 60, 100)
    row = repeated(own, counted("a", 30, 100), "others")
    assert row.gap == pytest.approx((0.3, 0.3 - 1.959964 * 0.0008**0.5,
                                      0.3 + 1.959964 * 0.0008**0.5))  # fmt: skip
    assert row.p is not None and row.p < 1e-6 and "clustered by question" in sentence(row)
    other = repeated(own, counted("b", 30, 100), "the loop b")
    assert other.gap is None and other.other == (30, 100) and "no test between" in sentence(other)
    assert repeated(own, None, "").other is None
    assert repeated(own, counted("a", 0, 0), "").other is None
    still = repeated(counted("a", 0, 100, 0.0), counted("a", 0, 100, 0.0), "others")
    assert still.p is None and "clustered" not in sentence(still)
