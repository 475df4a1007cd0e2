"""Which questions changed between two iterations: paired counts, and the questions themselves."""

from __future__ import annotations

from typing import Any

import polars as pl

from analytics.computing.any_frame import polars_frame
from analytics.hallucination.counts import KEYS, named

FLIPS = {
    "loop": pl.String, "iteration": pl.Int64, "from_iteration": pl.Int64, "origin": pl.String,
    "topic": pl.String, "knowledge": pl.String, "shared": pl.Int64, "newly_wrong": pl.Int64,
    "newly_right": pl.Int64, "wrong_before": pl.Float64, "wrong_now": pl.Float64,
    "difference_sum": pl.Float64, "difference_squares": pl.Float64, "several": pl.Int64,
}  # fmt: skip
"""One row a (loop, iteration, origin, topic, knowledge) that shares a question with
from_iteration; topic and knowledge are those of the later iteration; adds up over rows.

With w = the share of a question's graded answers that are incorrect, now and before (question
text, where both have one, is equal too: a reused question_id is not the same question):

- shared: questions graded at both; newly_wrong: w rose; newly_right: w fell (a change from
  wrong to not attempted is newly right: the answer is not wrong any more).
- wrong_before, wrong_now: Σ w; difference_sum: Σ (now - before); difference_squares: Σ of its
  square.
- several: shared questions with more than one graded answer on either side.
"""

FLIP_CLUSTERS = {
    "loop": pl.String, "iteration": pl.Int64, "from_iteration": pl.Int64, "origin": pl.String,
    "topic": pl.String, "knowledge": pl.String, "entities": pl.Int64, "moved": pl.Int64,
    "entity_questions": pl.Int64, "entity_squares": pl.Int64, "entity_cross": pl.Float64,
    "entity_difference": pl.Float64, "entity_difference_squares": pl.Float64,
}  # fmt: skip
"""Moments of the changes over entities, which do **not** add up: one row for the total (topic and
knowledge null), each topic and each category of a loop that names entities.

With m_c shared questions of an entity and D_c the sum of their now - before: entities = how many,
moved = those whose D_c is not 0, entity_questions = Σ m_c, entity_squares = Σ m_c², entity_cross =
Σ m_c D_c, entity_difference = Σ D_c, entity_difference_squares = Σ D_c². A question without an
entity is its own.
"""

UNMOVED = 1e-9
"""Shares of samples that add up to less than this are no change."""
PAIRED_SHARE = 0.5
"""Share of the smaller side's questions that must be shared for a paired test to speak for it."""


def predecessors(there: pl.DataFrame, compare_to: int | None = None) -> pl.DataFrame:
    """Each (loop, iteration, origin) with the iteration it is compared with.

    The one before it in the same loop and origin, or `compare_to` where that was measured and
    lies before; null where there is none.

    Args:
        there: at least loop, iteration, origin; repeated rows are fine.
    """
    keys = there.select(KEYS).unique().sort("loop", "origin", "iteration")
    if compare_to is None:
        before = pl.col("iteration").shift(1).over("loop", "origin")
    else:
        measured = (pl.col("iteration") == compare_to).any().over("loop", "origin")
        before = pl.when(measured & (pl.col("iteration") > compare_to)).then(pl.lit(compare_to))
    return keys.with_columns(from_iteration=before.cast(pl.Int64)).sort(KEYS)


def _questions(answers: Any) -> pl.DataFrame:
    """One row a question, iteration and origin: n graded, share wrong, its topic and category."""
    rows = named(answers).filter(pl.col("grade").is_not_null())
    text = [name for name in ("question",) if name in rows.columns]
    return (
        rows.lazy()
        .group_by(*KEYS, "question_id", *text)
        .agg(
            n=pl.len(),
            wrong=(pl.col("grade") == "incorrect").mean(),
            topic=pl.col("topic").min(),
            knowledge=pl.col("knowledge").min(),
            entity=pl.col("entity_id").min(),
        )
        .collect(engine="streaming")
    )


def _pairs(answers: Any, compare_to: int | None) -> pl.DataFrame:
    questions = _questions(answers)
    keys = ["loop", "origin", "question_id"]
    keys += [name for name in ("question",) if name in questions.columns]
    before = questions.select(
        *keys,
        pl.col("iteration").alias("from_iteration"),
        pl.col("n").alias("n_before"),
        pl.col("wrong").alias("wrong_before"),
    )
    later = questions.join(predecessors(questions, compare_to), on=list(KEYS))
    return later.drop_nulls("from_iteration").join(
        before, on=[*keys, "from_iteration"], nulls_equal=True
    )


def flips(answers: pl.DataFrame, compare_to: int | None = None) -> pl.DataFrame:
    """The frame `FLIPS` from graded answers, sorted by its keys.

    Args:
        answers: as for `count`; where there is a `question` column, it must be equal too.
        compare_to: iteration to compare with; None = each with the one before it.
    """
    change = pl.col("wrong") - pl.col("wrong_before")
    keys = ["loop", "iteration", "from_iteration", "origin", "topic", "knowledge"]
    return (
        _pairs(answers, compare_to)
        .group_by(keys)
        .agg(
            shared=pl.len(),
            newly_wrong=(change > 0).sum(),
            newly_right=(change < 0).sum(),
            wrong_before=pl.col("wrong_before").sum(),
            wrong_now=pl.col("wrong").sum(),
            difference_sum=change.sum(),
            difference_squares=(change**2).sum(),
            several=((pl.col("n") > 1) | (pl.col("n_before") > 1)).sum(),
        )
        .select(pl.col(name).cast(kind) for name, kind in FLIPS.items())
        .sort(keys)
    )


def flip_clusters(answers: Any, compare_to: int | None = None) -> pl.DataFrame:
    """The frame `FLIP_CLUSTERS` from graded answers; no rows for loops that name no entity.

    Args:
        answers: as for `count`, in a frame of any library.
        compare_to: iteration to compare with; None = each with the one before it.
    """
    naming = named(answers).group_by("loop").agg(pl.col("entity_id").is_not_null().any())
    known = naming.filter("entity_id")["loop"]
    own = pl.concat_str(pl.lit("question "), pl.col("question_id").cast(pl.String))
    rows = _pairs(answers, compare_to).filter(pl.col("loop").is_in(known.implode()))
    rows = rows.with_columns(pl.coalesce("entity", own).alias("entity"))
    fixed = ["loop", "iteration", "from_iteration", "origin"]
    found = []
    for level in (None, "topic", "knowledge"):
        keys = [*fixed, *([level] if level else [])]
        sums = (
            rows.drop_nulls(keys)
            .group_by(*keys, "entity")
            .agg(m=pl.len().cast(pl.Int64), d=(pl.col("wrong") - pl.col("wrong_before")).sum())
            .group_by(keys)
            .agg(
                entities=pl.len(),
                moved=(pl.col("d").abs() > UNMOVED).sum(),
                entity_questions=pl.col("m").sum(),
                entity_squares=(pl.col("m") ** 2).sum(),
                entity_cross=(pl.col("m") * pl.col("d")).sum(),
                entity_difference=pl.col("d").sum(),
                entity_difference_squares=(pl.col("d") ** 2).sum(),
            )
            .with_columns(
                pl.lit(None, pl.String).alias(name)
                for name in ("topic", "knowledge")
                if name != level
            )
        )
        found.append(sums.select(pl.col(name).cast(kind) for name, kind in FLIP_CLUSTERS.items()))
    return pl.concat(found).sort("loop", "iteration", "origin", "topic", "knowledge")


def flipped(answers: Any, compare_to: int | None = None) -> pl.DataFrame:
    """The questions whose answer became wrong or stopped being wrong, newly wrong first.

    Args:
        answers: as for `count`, in a frame of any library.
        compare_to: iteration to compare with; None = each with the one before it.

    Returns:
        loop, iteration, from_iteration, origin, topic, knowledge, question_id, change
        (`newly_wrong`, `newly_right`), wrong_before, wrong_now (shares of the samples).
    """
    change = pl.col("wrong") - pl.col("wrong_before")
    return (
        _pairs(answers, compare_to)
        .filter(change != 0)
        .select(
            "loop", "iteration", "from_iteration", "origin", "topic", "knowledge", "question_id",
            pl.when(change > 0)
            .then(pl.lit("newly_wrong"))
            .otherwise(pl.lit("newly_right"))
            .alias("change"),
            "wrong_before",
            pl.col("wrong").alias("wrong_now"),
        )
        .sort(
            "loop", "iteration", "origin", "change", "question_id",
            descending=[False, False, False, True, False],
        )
    )  # fmt: skip


def unclear(answers: Any) -> pl.DataFrame:
    """What in the answers cannot be taken as it is, counted by loop, iteration and origin.

    Args:
        answers: as for `count`, in a frame of any library.

    Returns:
        ungraded (grade not one of the three, or none), confidence_refused (outside [0, 1] or
        NaN), repeated (questions given twice under one sample_id), contradicting (of these,
        with different grades). Repeated answers count as samples of the question.
    """
    answers = polars_frame(answers)
    rows = named(answers)
    sample = answers["sample_id"].cast(pl.String) if "sample_id" in answers.columns else None
    rows = rows.with_columns(sample_id=sample if sample is not None else pl.lit(None, pl.String))
    graded = pl.col("grade").is_not_null()
    outside = pl.col("confidence").is_not_null() & ~pl.col("confidence").round(6).is_between(0, 1)
    twice = (
        rows.group_by(*KEYS, "question_id", "sample_id")
        .agg(n=pl.len(), grades=pl.col("grade").drop_nulls().n_unique())
        .group_by(KEYS)
        .agg(repeated=(pl.col("n") > 1).sum(), contradicting=(pl.col("grades") > 1).sum())
    )
    return (
        rows.group_by(KEYS)
        .agg(ungraded=(~graded).sum(), confidence_refused=(graded & outside).sum())
        .join(twice, on=list(KEYS))
        .with_columns(pl.exclude(KEYS).cast(pl.Int64))
        .sort(KEYS)
    )
