"""Changes and rates of questions that share entities: false positives and coverage, simulated."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analytics import hallucination
from analytics.answers.clustered_rates import by_entity_interval, change_by_entity, sign_by_entity
from analytics.hallucination.changes import BY_ENTITY, MCNEMAR
from analytics.rates import mcnemar
from tests.analytics.moved_answers import moved_answers


def totals(answers: pl.DataFrame) -> dict:
    return each(answers).row(-1, named=True)


def each(answers: pl.DataFrame) -> pl.DataFrame:
    """The totals of the later iteration, a row a loop."""
    return hallucination.rates(answers).filter(level="total", iteration=1)


def loops(random: np.random.Generator, count: int, *asked: float, **more: float) -> pl.DataFrame:
    return pl.concat([moved_answers(random, *asked, loop=str(i), **more) for i in range(count)])


@pytest.mark.parametrize(("entities", "questions", "spread"), [(10, 10, 1.0), (40, 10, 1.5)])
def test_entities_that_move_at_random_are_no_change(
    entities: int, questions: int, spread: float
) -> None:
    """Measured with 2,000 pairs each: p <= .05 in .034 to .046 (se .005), intervals cover .944 to
    .955; McNemar's on the same .13 to .30, and its interval covers .70 to .87."""
    random = np.random.default_rng(8725)
    tested = each(loops(random, 150, entities, questions, spread))
    assert set(tested["change_test"]) == {BY_ENTITY}
    found = (tested["change_p"] <= 0.05).sum()
    naive = mcnemar(tested["change_newly_wrong"], tested["change_newly_right"]).mid_p <= 0.05
    covers = ((tested["change_low"] <= 0) & (tested["change_high"] >= 0)).sum()
    assert found <= 0.05 * 150 + 3 * np.sqrt(0.05 * 0.95 * 150)
    assert naive.sum() > 0.1 * 150
    assert covers >= 0.93 * 150 - 3 * np.sqrt(0.05 * 0.95 * 150)


def test_topics_of_few_entities_stay_silent_after_benjamini_hochberg() -> None:
    """Measured with 400 loops of 12 topics: any q <= .05 in 0 (below .008); McNemar's in .48."""
    random = np.random.default_rng(8726)
    parts = [loops(random, 40, 8, 10, 1.0, topic=f"t{k}") for k in range(12)]
    topics = hallucination.rates(pl.concat(parts)).filter(level="topic", iteration=1)
    false = topics.filter(pl.col("change_q") <= 0.05)["loop"].n_unique()
    assert topics.height == 480 and false <= 4


def test_a_change_of_most_entities_is_found() -> None:
    tested = each(loops(np.random.default_rng(8727), 30, 40, 5, 0.5, shift=1.0))
    found = tested.filter(pl.col("change_p") <= 0.05, pl.col("change_low") > 0)
    assert found.height >= 27


def test_a_question_of_its_own_entity_is_mcnemars() -> None:
    random = np.random.default_rng(8728)
    answers = moved_answers(random, 60, 1, 1.0)
    plain = totals(answers.drop("entity_id"))
    row = totals(answers)
    assert row["change_test"] == MCNEMAR
    for name in ("change_p", "change_p_exact", "change_low", "change_high"):
        assert row[name] == plain[name]


COVERED = [(8, 10, 0.3, 0.2), (15, 10, 0.2, 0.1), (40, 10, 0.3, 0.1)]


@pytest.mark.parametrize(("entities", "each", "shared", "rate"), COVERED)
def test_intervals_over_few_entities_cover(
    entities: int, each: int, shared: float, rate: float
) -> None:
    """Measured with 4,000 draws: .93 to .96 (se .004); with z and all entities: .82 to .91."""
    random = np.random.default_rng(8729)
    draws, strength = 800, (1 - shared) / shared
    sizes = random.geometric(1 / each, (draws, entities)).astype(float)
    own = random.beta(rate * strength, (1 - rate) * strength, (draws, entities))
    wrong = random.binomial(sizes.astype(int), own)
    n, squares = sizes.sum(axis=1), (sizes**2).sum(axis=1)
    p = wrong.sum(axis=1) / n
    variance = ((wrong - p[:, None] * sizes) ** 2).sum(axis=1) / n**2
    low, high = by_entity_interval(p, n, variance, squares)
    assert np.mean((low <= rate) & (rate <= high)) >= 0.93 - 3 * np.sqrt(0.05 * 0.95 / draws)


def test_what_one_entity_can_tell() -> None:
    assert sign_by_entity([30, 0], [900, 0], [1, 0]).tolist() == [1.0, 1.0]
    five = sign_by_entity([5, 5], [5, 5], [5, 5])
    assert five.tolist() == [0.0625, 0.0625]  # all sign flips of five
    one = np.array([1.0])
    low, high = change_by_entity(3 * one, 10 * one, 9 * one, 30 * one, 100 * one)
    assert np.isnan(low).all() and np.isnan(high).all()
