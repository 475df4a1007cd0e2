"""What a loop trained on: false statements before training, and what became of them after.

A statement is what the model had said about a question before the iteration that was trained on
it. `statements` (what generated training texts claimed) and `mistakes` (wrong answers to the
benchmark) read them from graded answers; `training_view` sets repeated ones beside a control,
without which they are an association.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analytics.computing.any_frame import polars_frame
from analytics.hallucination.repeated import Repeated, repeated, sentence
from analytics.rates import wilson

TRAINED, CONTROL = "trained on", "not trained on"
_GROUP = pl.when("trained_on").then(pl.lit(TRAINED)).otherwise(pl.lit(CONTROL)).alias("group")

STATEMENTS = {
    "loop": pl.String, "iteration": pl.Int64, "origin": pl.String, "question_id": pl.String,
    "knowledge": pl.String, "statement": pl.String, "statement_grade": pl.String,
    "trained_on": pl.Boolean, "kind": pl.String,
}  # fmt: skip
"""One row a statement.

- iteration: of the model after training (for controls: the one its answer is looked up in);
  origin: of the question there (the benchmark may ask it too).
- statement: the value said, null = only its grade is known; statement_grade: before training,
  null = never checked against a source.
- kind: `claim` (said in a training text, sampled) or `answer` (given to a question, usually
  greedy): an answer is repeated far more often than a sampled claim, trained on or not, so a
  control must be of the same kind.
"""


def statements(answers: pl.DataFrame) -> pl.DataFrame:
    """Statements that were trained on, from self-generated questions with their `self_claim`.

    Args:
        answers: loop, iteration, question_id, origin, self_claim, reference; where there
            knowledge. At the first iteration of a loop nothing was trained on yet: left out.

    Returns:
        The frame STATEMENTS; a statement without a reference was never checked.
    """
    own = answers.filter(
        pl.col("origin") == "self_generated",
        pl.col("self_claim").is_not_null(),
        pl.col("iteration") > pl.col("iteration").min().over("loop"),
    )
    grade = (
        pl.when(pl.col("reference").is_null()).then(None)
        .when(pl.col("self_claim") == pl.col("reference")).then(pl.lit("correct"))
        .otherwise(pl.lit("incorrect"))
    )  # fmt: skip
    return _as_statements(own, pl.col("self_claim"), grade, pl.lit(True), "claim")


def mistakes(answers: pl.DataFrame) -> pl.DataFrame:
    """Wrong benchmark answers, in the loop's prompt pool (trained on) and outside (control).

    Args:
        answers: loop, iteration, question_id, origin, answer, grade, in_loop_pool (or
            in_training); where there knowledge.

    Returns:
        STATEMENTS: the wrong answer of one iteration, to be looked up in the next (`iteration`).
        trained_on says that its entity was trained on, not that this very answer was.
    """
    pool = "in_training" if "in_training" in answers.columns else "in_loop_pool"
    known = pl.col(pool).is_not_null()
    out = answers.filter(known, origin="benchmark", grade="incorrect")
    times = answers.select("loop", "iteration").unique().sort("loop", "iteration")
    following = times.with_columns(next=pl.col("iteration").shift(-1).over("loop"))
    moved = (
        out.join(following, on=["loop", "iteration"])
        .drop_nulls("next")
        .with_columns(iteration=pl.col("next"))
    )
    return _as_statements(moved, pl.col("answer"), pl.col("grade"), pl.col(pool), "answer")


def _as_statements(
    frame: pl.DataFrame, stated: pl.Expr, grade: pl.Expr, trained: pl.Expr, kind: str
) -> pl.DataFrame:
    known = pl.col("knowledge") if "knowledge" in frame.columns else pl.lit(None, pl.String)
    statements = frame.with_columns(
        knowledge=known,
        statement=stated,
        statement_grade=grade,
        trained_on=trained,
        kind=pl.lit(kind),
    )
    keys = ["loop", "iteration", "origin", "question_id"]
    return statements.select(pl.col(name).cast(kind) for name, kind in STATEMENTS.items()).sort(
        keys
    )


@dataclass(frozen=True)
class TrainingView:
    """`frame`: one row a (loop, iteration, knowledge, group); `sentences` and `repeated` (the
    same in numbers): one a loop."""

    frame: pl.DataFrame
    sentences: dict[str, str]
    repeated: dict[str, Repeated]


def training_view(
    stated: pl.DataFrame, answers: pl.DataFrame, control_loop: str | None = None
) -> TrainingView:
    """Share graded false before training, and false statements repeated afterwards.

    Repeated = the answer to the same question at `iteration` is the false statement again
    (where either text is missing: is graded incorrect).

    Args:
        stated: STATEMENTS of one kind; rows with trained_on false are the control of their loop.
        answers: loop, iteration, origin, question_id, grade; where there answer.
        control_loop: a loop trained on statements drawn at random (no selection), as control
            for loops that have no untrained statements.

    Returns:
        Frame: loop, iteration, knowledge (null = all), group (`trained on`, `not trained on`),
        statements, checked, checked_share, false, false_share (of checked) with false_low,
        false_high (Wilson 95 %), asked (false and asked again), repeated, repeated_share,
        repeated_low, repeated_high. Shares of nothing are null. Sentences pool the iterations
        of a loop, with the question as the cluster in the standard error.
    """
    kinds = sorted(stated["kind"].unique().drop_nulls())
    if len(kinds) > 1:
        raise ValueError(f"statements of different kinds cannot control each other: {kinds}")
    followed = _followed(stated, answers)
    frame = _counted(followed)
    table = {(row["loop"], row["group"]): row for row in _pooled(followed).iter_rows(named=True)}
    views = {}
    for loop in sorted({loop for loop, group in table if group == TRAINED}):
        own, other = table[loop, TRAINED], table.get((loop, CONTROL))
        name = "wrong answers that were not trained on"
        if other is None and control_loop not in (None, loop):
            other = table.get((str(control_loop), TRAINED))
            name = f"the control loop {control_loop}"
        views[loop] = repeated(own, other, name)
    return TrainingView(frame, {loop: sentence(one) for loop, one in views.items()}, views)


def _followed(stated: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    keys = ["loop", "iteration", "origin", "question_id"]
    text = pl.col("answer") if "answer" in answers.columns else pl.lit(None, pl.String)
    later = (
        answers.filter(pl.col("grade").is_not_null())
        .select(
            *[pl.col(name).cast(STATEMENTS[name]) for name in keys],
            pl.col("grade").cast(pl.String),
            text.cast(pl.String).alias("answer"),
        )
        .join(stated.select(keys).unique(), on=keys)
        .group_by(keys)
        .agg(pl.col("grade", "answer").sort_by("grade", "answer"))
    )
    both = stated.join(later, on=keys, how="left").explode("grade", "answer")
    false = pl.col("statement_grade") == "incorrect"
    again = (
        pl.when(pl.col("statement").is_null() | pl.col("answer").is_null())
        .then(pl.col("grade") == "incorrect")
        .otherwise(pl.col("statement") == pl.col("answer"))
    )
    each = [*keys, "knowledge", "trained_on", "statement", "statement_grade"]
    return (
        both.with_columns(asked=false & pl.col("grade").is_not_null(), again=false & again)
        .group_by(each)
        .agg(pl.col("asked").any(), pl.col("again").any())
    )


def _pooled(followed: pl.DataFrame) -> pl.DataFrame:
    """Counts of each loop and group, with the variance of the share repeated between questions."""
    asked, again = pl.col("asked"), pl.col("asked") & pl.col("again")
    sums = followed.group_by("loop", _GROUP, "question_id").agg(
        statements=pl.len().cast(pl.Int64),
        checked=pl.col("statement_grade").is_not_null().sum().cast(pl.Int64),
        false=(pl.col("statement_grade") == "incorrect").sum().cast(pl.Int64),
        asked=asked.sum().cast(pl.Int64),
        repeated=again.sum().cast(pl.Int64),
    )
    share = pl.col("repeated").sum() / pl.col("asked").sum()
    spread = ((pl.col("repeated") - share * pl.col("asked")) ** 2).sum()
    return (
        sums.group_by("loop", "group")
        .agg(
            pl.col("statements", "checked", "false", "asked", "repeated").sum(),
            variance=spread / pl.col("asked").sum() ** 2,
        )
        .sort("loop", "group")
    )


def _counted(followed: pl.DataFrame) -> pl.DataFrame:
    parts = []
    for own in ([], ["knowledge"]):
        part = followed.drop_nulls(own).group_by("loop", "iteration", _GROUP, *own).agg(
            statements=pl.len(),
            checked=pl.col("statement_grade").is_not_null().sum(),
            false=(pl.col("statement_grade") == "incorrect").sum(),
            asked=pl.col("asked").sum(),
            repeated=(pl.col("asked") & pl.col("again")).sum(),
        )  # fmt: skip
        if not own:
            part = part.with_columns(pl.lit(None, pl.String).alias("knowledge"))
        parts.append(part.select(sorted(part.columns)))
    frame = pl.concat(parts).sort("loop", "iteration", "knowledge", "group", nulls_last=False)
    false = wilson(frame["false"].to_numpy(), frame["checked"].to_numpy())
    again = wilson(frame["repeated"].to_numpy(), frame["asked"].to_numpy())
    counts = ("statements", "checked", "false", "asked", "repeated")
    return frame.select(
        "loop", "iteration", "knowledge", "group",
        *[pl.col(name).cast(pl.Int64) for name in counts],
    ).with_columns(
        checked_share=pl.col("checked") / pl.col("statements"),
        false_share=pl.col("false") / pl.col("checked"),
        false_low=pl.Series(false[0]), false_high=pl.Series(false[1]),
        repeated_share=pl.col("repeated") / pl.col("asked"),
        repeated_low=pl.Series(again[0]), repeated_high=pl.Series(again[1]),
    ).with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip


def training_texts(generations: Any) -> pl.DataFrame:
    """False claims among generated texts, kept for training and not, by loop and iteration.

    Args:
        generations: loop, iteration (of the generator), kept, n_claims, n_true (null = never
            checked); one row a text, in a frame of any library.

    Returns:
        loop, iteration, kept, texts, checked, claims, false, false_share (of claims), false_low,
        false_high (Wilson with the effective number of claims: texts are clusters).
    """
    needed = ("loop", "iteration", "kept", "n_claims", "n_true")
    claims, false = pl.col("n_claims"), pl.col("n_claims") - pl.col("n_true")
    sums = polars_frame(generations, *needed).group_by("loop", "iteration", "kept").agg(
        texts=pl.len().cast(pl.Int64),
        checked=false.is_not_null().sum().cast(pl.Int64),
        claims=claims.filter(false.is_not_null()).sum().cast(pl.Int64),
        false=false.sum().cast(pl.Int64),
        own=(claims.cast(pl.Int64) ** 2).filter(false.is_not_null()).sum(),
        cross=(claims.cast(pl.Int64) * false).sum(),
        squares=(false.cast(pl.Int64) ** 2).sum(),
    )  # fmt: skip
    return training_texts_from_counts(sums)


def training_texts_from_counts(sums: pl.DataFrame) -> pl.DataFrame:
    """As `training_texts`, from sums over texts that were taken elsewhere.

    Args:
        sums: loop, iteration, kept, texts, checked, claims, false, own (Σ claims²), cross
            (Σ claims · false), squares (Σ false²), the last five over checked texts.
    """
    sums = sums.sort("loop", "iteration", "kept")
    n, x, own, cross, squares = (
        sums[name].to_numpy().astype(np.float64)
        for name in ("claims", "false", "own", "cross", "squares")
    )
    p = np.divide(x, n, out=np.full(len(n), np.nan), where=n > 0)
    variance = np.maximum(squares - 2 * p * cross + p**2 * own, 0)
    binomial = n * p * (1 - p)
    effect = np.divide(variance, binomial, out=np.ones(len(n)), where=binomial > 0)
    size = n / np.maximum(effect, 1)
    low, high = wilson(p * size, size)
    return sums.drop("own", "cross", "squares").with_columns(
        false_share=p, false_low=low, false_high=high
    ).with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip
