"""A loop's board and lineage: states by fixed sequence, depth, shares, overlap, planted faults."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analytics.collapse.words import states
from analytics.figures.truth.iterations import arms_figure, provenance_figure
from analytics.figures.truth.rates import Line
from analytics.loops import lineage
from analytics.loops.ancestry import seen
from analytics.loops.board import first_failed
from analytics.loops.cells import Cell, Question
from analytics.loops.overlap import overlaps

CORPUS = {
    "loop": pl.String, "iteration": pl.Int64, "origin": pl.String,
    "generator_iteration": pl.Int64, "documents": pl.Int64, "tokens": pl.Int64, "depth": pl.Int64,
    "verified": pl.Boolean, "verifier": pl.String, "licence": pl.String,
    "reward_model": pl.String,
}  # fmt: skip


def corpus(*rows: tuple) -> pl.DataFrame:
    """Rows of iteration, origin, generator, tokens, and where given depth, licence."""
    made = [
        {"loop": "l", "iteration": r[0], "origin": r[1], "generator_iteration": r[2],
         "tokens": r[3], "depth": r[4] if len(r) > 4 else None,
         "licence": r[5] if len(r) > 5 else None}
        for r in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=CORPUS)


def test_depth_follows_from_lineage() -> None:
    table = corpus(
        (0, "human", None, 100), (1, "human", None, 50), (1, "self_generated", 0, 50),
        (2, "self_generated", 1, 100), (3, "self_generated", 0, 60), (3, "self_generated", 2, 40),
    )  # fmt: skip
    assert lineage.depths(table) == {
        0: (0.0, 0, False), 1: (0.5, 1, False), 2: (2.0, 2, False),
        3: (pytest.approx(0.6 + 0.4 * 3), 3, False),
    }  # fmt: skip


def test_what_is_stated_of_depth_is_believed_and_the_unknown_is_left_out() -> None:
    assert lineage.depths(corpus((4, "self_generated", 3, 10, 7)))[4] == (7.0, 7, True)
    assert lineage.depths(corpus((4, "self_generated", 3, 10))) == {}
    assert lineage.depths(corpus((0, "web", None, 10))) == {}


def test_shares_and_what_was_not_said() -> None:
    table = corpus((1, "human", None, 60, 0, "own"), (1, "self_generated", 0, 30, 1, None),
                  (1, "self_generated", None, 10, None, "own"))  # fmt: skip
    shares = dict(lineage.parts(table).select("part", "share").iter_rows())
    assert shares == {"human": 0.6, "iteration 0": 0.3, "not stated": 0.1}
    (row,) = lineage.unstated(table).to_dicts()
    assert row["without_lineage"] == pytest.approx(0.1)
    assert row["without_licence"] == pytest.approx(0.3)
    assert row["without_reward_model"] is None, "no such column: not 100 %"
    assert row["synthetic"] == pytest.approx(0.3)


def test_questions_in_training_texts_are_found_whole_and_nearly() -> None:
    long = "how many working days does a refund to a credit card take at the most please"
    asked = pl.DataFrame({
        "question_id": ["whole", "near", "apart", "short", "none"],
        "question": ["When is it due?", long, "who wrote the parcel policy of the shop in may",
                     "why", ""],
    })  # fmt: skip
    texts = [
        "Well. When is it due? Soon.",
        long.removesuffix("at the most please") + "at the most I think",
        "something else",
    ]
    training = pl.DataFrame({"iteration": [1, 1, 2], "prompt": [None, "x", "y"], "text": texts})
    first, second = overlaps(training, asked)
    assert (first.exact, first.near) == (["whole"], []) or (first.near == ["near"])
    assert first.exact == ["whole"] and second.exact == second.near == []
    few = asked.filter(pl.col("question_id").is_in(["whole", "short", "none"]))  # none of 8 words
    assert [one.exact for one in overlaps(training, few)] == [["whole"], []]
    assert overlaps(training, few.clear())[0].questions == 0


def chain(parents: dict[int, str | None], mix: dict[int, list[int | None]]) -> dict[int, set[int]]:
    iterations = pl.DataFrame({
        "iteration": list(parents), "parent": list(parents.values()),
        "policy": [f"ckpt-{at}" for at in parents],
    }, schema={"iteration": pl.Int64, "parent": pl.String, "policy": pl.String})  # fmt: skip
    rows = [(at, "human" if writer is None else "self_generated", writer)
            for at, writers in mix.items() for writer in writers]  # fmt: skip
    corpus = pl.DataFrame(
        rows,
        schema={"iteration": pl.Int64, "origin": pl.String, "generator_iteration": pl.Int64},
        orient="row",
    )
    return {at: set(one) for at, one in seen(iterations, corpus, range(4)).items()}


def test_a_policy_has_seen_what_its_parents_have() -> None:
    fresh: dict[int, str | None] = dict.fromkeys(range(4), "sft")
    assert chain(fresh, {}) == {0: set(), 1: {0}, 2: {1}, 3: {2}}
    assert chain({}, {}) == {0: set(), 1: {0}, 2: {0, 1}, 3: {0, 1, 2}}  # nobody said
    branch = fresh | {2: "iteration 1", 3: "iteration 1"}
    assert chain(branch, {3: [None]}) == {0: set(), 1: {0}, 2: {0, 1}, 3: {0}}
    assert chain(fresh | {3: "ckpt-1"}, {3: [2]})[3] == {0, 2}  # by its policy's name
    assert chain(fresh | {3: "iteration 3"}, {3: [2]})[3] == {1, 2}  # no parent of itself


def test_a_harm_that_stays_is_dated_early_and_one_blip_is_not() -> None:
    assert states({1: (0.02, 1.0), 2: (1e-9, 2.0), 3: (1e-9, 3.0)}, "rises") == {
        1: "worse", 2: "worse", 3: "worse",
    }  # fmt: skip
    assert states({1: (0.02, 1.0), 2: (0.9, 0.1), 3: (1e-9, 3.0)}, "rises")[1] == "unchanged"
    assert states({1: (None, 1.0)}, "falls") == {1: "not tested"}
    assert states({1: (1e-9, 1.0)}, "falls") == {1: "better"}
    assert states({1: (1e-9, 1.0)}, "neither") == {1: "changed"}


def test_the_level_is_kept_over_all_iterations() -> None:
    rng = np.random.default_rng(3)
    false = sum(
        any(state != "unchanged" for state in states(
            {i: (float(p), 1.0) for i, p in enumerate(rng.random(26))}, "rises"
        ).values()) for _ in range(2_000)
    )  # fmt: skip
    assert false / 2_000 <= 0.05 + 3 * (0.05 * 0.95 / 2_000) ** 0.5


def question(name: str, *states_: str, harm: bool = True) -> Question:
    cells = {i: Cell("x", state, "", float(i)) for i, state in enumerate(states_)}
    return Question(name, name.title(), "", cells, harm=harm)


def test_what_failed_first_is_one_sentence() -> None:
    board = [
        question("gold", "unchanged", "worse", "worse"),
        question("tail", "unchanged", "unchanged", "worse"),
        question("blip", "unchanged", "worse", "unchanged"),
        question("proxy", "unchanged", "worse", "worse", harm=False),
    ]
    sentence = first_failed(board, "l")
    assert (
        sentence
        == "l: gold failed first, at iteration 1 (from 0 to 1, 2 at the end); then tail from 2."
    )
    assert "nothing has turned to the worse" in first_failed(board[2:3], "l")
    assert "nothing is measured" in first_failed([question("x", "not measured")], "l")


def test_figures_hold_every_arm_on_one_scale() -> None:
    boards = {
        arm: [question("gold_reward", "unchanged", "worse"), question("kl", "not tested")]
        for arm in ("a", "b")
    }
    lines = [Line(arm, arm, "#0072B2", "solid") for arm in ("a", "b")]
    figure = arms_figure(boards, lines)
    assert figure is not None and len(figure.data) == 4
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    assert figure.data[0].marker.symbol[1] == "triangle-down"
    assert arms_figure({}, lines) is None
    table = corpus((0, "human", None, 10), (1, "human", None, 5), (1, "self_generated", 0, 5))
    mix = provenance_figure(lineage.parts(table), [Line("l", "l", "#000000", "solid")])
    assert mix is not None and {trace.name for trace in mix.data} == {"human", "iteration 0"}
    assert [sum(t.y[i] for t in mix.data) for i in (0, 1)] == [1.0, 1.0]
