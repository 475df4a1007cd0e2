"""Answers about entities before and after a retraining, with a known change: none, or a shift."""

from __future__ import annotations

import numpy as np
import polars as pl


def moved_answers(
    random: np.random.Generator, entities: int, each: int, spread: float, shift: float = 0.0,
    topic: str | None = None, loop: str = "l",
) -> pl.DataFrame:  # fmt: skip
    """Two iterations of graded answers in which each entity moves by a random amount of its own.

    Args:
        random: draws them.
        entities: how many are asked about, with on average ``each`` questions (geometric).
        spread: of an entity's move, in logit; symmetric about ``shift``, which is the change.
        topic: of all questions.
        loop: of all answers.
    """
    sizes = random.geometric(1 / each, entities)
    entity = np.repeat(np.arange(entities), sizes)
    known = -1 + 0.5 * random.standard_normal(entities)[entity]
    known = known + random.standard_normal(len(entity))
    move = (shift + spread * random.standard_normal(entities))[entity]
    parts = []
    for iteration, sign in ((0, -0.5), (1, 0.5)):
        wrong = random.random(len(entity)) < 1 / (1 + np.exp(-(known + sign * move)))
        parts.append(pl.DataFrame({
            "loop": loop, "iteration": iteration, "origin": "benchmark", "topic": topic,
            "question_id": [f"{topic} {i}" for i in range(len(entity))],
            "entity_id": [f"{topic} {e}" for e in entity],
            "grade": np.where(wrong, "incorrect", "correct"),
        }, schema_overrides={"topic": pl.String}))  # fmt: skip
    return pl.concat(parts)
