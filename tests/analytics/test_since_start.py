"""What a loop does since its start: one row a loop and origin, the surest change first."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analytics.figures.truth.rates import Line
from analytics.figures.truth.topics import topic_figure
from analytics.hallucination import rates
from analytics.hallucination.since_start import first_iterations, headline, since_start

KINDS = {"c": "correct", "i": "incorrect", "n": "not_attempted"}


def answers(loop: str, *grades: str, origin: str = "benchmark", renamed: bool = False):
    """Rows of answers: a string of c, i, n an iteration; other questions each time if renamed."""
    return [
        {"loop": loop, "iteration": at, "origin": origin, "grade": KINDS[kind], "topic": "t",
         "question_id": f"{at if renamed else ''}q{i}", "confidence": 0.9}
        for at, graded in enumerate(grades) for i, kind in enumerate(graded)
    ]  # fmt: skip


def since(rows: list[dict]) -> list[dict]:
    frame = pl.DataFrame(rows)
    every, compared = rates(frame), rates(frame, compare_to=0)
    last = pl.col("iteration") == pl.col("iteration").max().over("loop", "origin")
    total = pl.col("level") == "total"
    return since_start(every.filter(total), compared.filter(total, last))


def test_the_largest_sure_change_stands_first_and_origins_apart() -> None:
    rows = since([
        *answers("worse", "c" * 60, "c" * 50 + "i" * 10, "c" * 20 + "i" * 40),
        *answers("better", "i" * 40 + "c" * 20, "c" * 60),
        *answers("same", "c" * 50 + "i" * 10, "i" * 10 + "c" * 50),
        *answers("one", "c" * 60),
        *answers("worse", "c" * 60, "i" * 60, origin="self_generated", renamed=True),
    ])  # fmt: skip
    assert [(r["loop"], r["moved"]) for r in rows if r["origin"] == "benchmark"] == [
        ("worse", "more"), ("better", "fewer"), ("same", "chance"), ("one", "unknown"),
    ]  # fmt: skip
    assert rows[-1]["origin"] == "self_generated" and "other questions" in rows[-1]["tested"]
    worst = rows[0]
    assert worst["since"] == 0 and worst["tested"].startswith("40 newly wrong, 0 newly right of 60")
    assert worst["rate"][:2] == pytest.approx((0, 2 / 3))
    assert worst["rate"][2] < 2 / 3 < worst["rate"][3]
    assert worst["silent"][1] == pytest.approx(0) and 0 < worst["silent"][3] < 0.1
    sentence = headline(rows)
    assert "rose in 1 of 3 loops, most in worse: 0.0 % to 66.7 %" in sentence
    assert "fell in 1 of 3 loops, most in better: 66.7 % to 0.0 %" in sentence


def test_a_headline_is_never_surer_than_its_test() -> None:
    alone = since(answers("a", "c" * 50 + "i" * 10, "i" * 11 + "c" * 49))
    assert headline(alone).endswith("within chance")
    assert "nothing to compare with yet" in headline(since(answers("a", "ci")))
    assert headline([]) == "No answer is graded"
    silent = since(answers("a", "n" * 40, "i" * 40))
    assert "rose from 0.0 % to 100.0 %" in headline(silent) and silent[0]["silent"][
        0
    ] == pytest.approx(1)


def test_topics_are_drawn_with_their_start_and_the_surest_at_the_top() -> None:
    rows = pl.DataFrame({
        "part": ["<b>x</b>", "y", "y"], "loop": ["a", "a", "b"], "rate": [0.5, 0.2, 0.3],
        "low": [0.4, 0.1, 0.2], "high": [0.6, 0.3, 0.4], "change_rate_before": [0.1, None, 0.3],
        "change_q": [0.001, None, 0.9], "questions": [50, 50, 50],
    })  # fmt: skip
    figure = topic_figure(rows, [Line("a", "a", "#0072B2"), Line("b", "b", "#D55E00")])
    now = {trace.name: trace for trace in figure.data if trace.name}
    assert list(now["a"].x) == [0.5, 0.2] and now["a"].y[0] > now["a"].y[1]
    np.testing.assert_allclose(now["a"].error_x.array, [0.1, 0.1])
    assert "‹b›x‹/b›" in figure.layout.yaxis.ticktext[0] and "q = .001" in now["a"].text[0]


def test_each_loop_has_its_own_first_iteration() -> None:
    frame = pl.DataFrame({"loop": ["b", "a", "a"], "iteration": [5, 3, 2]})
    assert first_iterations(frame) == {"a": 2, "b": 5}
