"""Graded answers counted into small frames: all that the rates need, so that SQL can do it.

Three frames, one contract each (`COUNTS`, `CLUSTERS`, `CELLS`; `pairs.FLIPS` is the fourth).
`count`, `clusters` and `cells` make them from a frame of answers; a rollup in a database makes
the same from five million rows without their leaving it.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from analytics.computing.any_frame import FrameError, polars_frame

GRADES = ("correct", "incorrect", "not_attempted")
KEYS = ("loop", "iteration", "origin")
NOT_STATED = "not stated"
"""Origin of answers whose log gives none."""

COUNTS = {
    "loop": pl.String, "iteration": pl.Int64, "origin": pl.String, "topic": pl.String,
    "knowledge": pl.String, "n": pl.Int64, "correct": pl.Int64, "incorrect": pl.Int64,
    "not_attempted": pl.Int64, "ungraded": pl.Int64, "measured": pl.Int64,
    "confident": pl.Int64, "confident_incorrect": pl.Int64, "malformed": pl.Int64,
    "confident_malformed": pl.Int64, "confidence_sum": pl.Float64, "confidence_n": pl.Int64,
    "confidence_refused": pl.Int64, "questions": pl.Int64, "correct_share": pl.Float64,
    "incorrect_share": pl.Float64, "incorrect_squares": pl.Float64,
    "measured_questions": pl.Int64, "confident_share": pl.Float64,
    "confident_squares": pl.Float64,
}  # fmt: skip
"""One row a (loop, iteration, origin, topic, knowledge); all but the keys add up over rows.

- topic, knowledge: of the question at that iteration; null = not stated.
- n: answers with one of the three grades; correct, incorrect, not_attempted: of these.
- ungraded: answers with another grade or none; in no other column.
- measured: graded answers that are not_attempted or have a confidence in [0, 1]. Denominator of
  confident hallucination (an abstention needs no confidence to be no hallucination).
- confident: attempted, confidence >= tau; confident_incorrect: of these graded incorrect.
- malformed: incorrect and malformed; confident_malformed: confident_incorrect and malformed.
- confidence_sum, confidence_n: over all graded answers that have a confidence.
- confidence_refused: graded answers with a confidence outside [0, 1] or NaN (taken as missing).
- questions: distinct question_id with a graded answer.
- correct_share, incorrect_share: sum over questions of the question's share of its graded
  answers; incorrect_squares: sum of the squares. One answer a question: equal to the counts.
- measured_questions, confident_share, confident_squares: the same for confident_incorrect among
  measured answers.

Confidences are compared with tau at 6 decimals (round(confidence, 6) >= tau), so that .7 stored
in single precision reaches .7.
"""

CLUSTERS = {
    "loop": pl.String, "iteration": pl.Int64, "origin": pl.String, "topic": pl.String,
    "knowledge": pl.String, "clusters": pl.Int64, "n_squares": pl.Int64, "cross": pl.Int64,
    "incorrect_squares": pl.Int64,
}  # fmt: skip
"""Moments over entities (or documents), which do **not** add up: one row for each row of the
result: (loop, iteration, origin), then each topic, then each knowledge (null = all).

With n_c graded and x_c incorrect answers of entity c: clusters = how many, n_squares = Σ n_c²,
cross = Σ n_c x_c, incorrect_squares = Σ x_c². Answers without an entity are their own.
"""

CELLS = {
    "loop": pl.String, "iteration": pl.Int64, "origin": pl.String, "topic": pl.String,
    "knowledge": pl.String, "cell": pl.Int64, "n": pl.Int64, "correct": pl.Int64,
    "confidence_sum": pl.Float64, "squares_sum": pl.Float64, "confidence_correct": pl.Float64,
}  # fmt: skip
"""Attempted answers with a confidence in [0, 1] by fine cell of confidence; adds up over rows.

- cell = ceil(c * 300) + floor(c * 300) with c = round(confidence, 6) and c * 300 rounded to 6
  decimals: even cells are exactly k/300, odd ones lie between, so bins closed on either side
  are exact for 5, 10, 15, 20, 25 bins and for thresholds in whole percent.
- n, correct: answers, and those graded correct; confidence_sum, squares_sum: Σ c, Σ c²;
  confidence_correct: Σ c over those graded correct (for the Brier score).
"""

_LEVELS = (("topic", "knowledge"), ("knowledge",), ("topic",))


def named(answers: Any) -> pl.DataFrame:
    """Answers with every column that counting reads, `run_id, step` as `loop, iteration`.

    A grade that is not one of the three becomes null. Answers may be a frame of any library.
    """
    answers = polars_frame(answers)
    columns = set(answers.columns)
    loop = next((name for name in ("loop", "run", "run_id") if name in columns), None)
    time = next((name for name in ("iteration", "step") if name in columns), None)
    lacking = [name for name in ("question_id", "grade") if name not in columns]
    if loop is None or time is None or lacking:
        lacking += ["loop (or run_id)"] * (loop is None) + ["iteration (or step)"] * (time is None)
        there = ", ".join(answers.columns)
        raise FrameError(f"answers lack the column {lacking[0]}. There are: {there}.")
    given = {
        "topic": pl.String, "knowledge": pl.String, "confidence": pl.Float64,
        "malformed": pl.Boolean, "entity_id": pl.String,
    }  # fmt: skip
    origin = pl.col("origin").cast(pl.String) if "origin" in columns else pl.lit(None, pl.String)
    found: pl.DataFrame = answers.select(
        pl.col(loop).cast(pl.String).alias("loop"),
        pl.col(time).cast(pl.Int64).alias("iteration"),
        origin.fill_null(NOT_STATED).alias("origin"),
        "question_id",
        pl.col("grade").cast(pl.String).cast(pl.Enum(GRADES), strict=False),
        *[
            (pl.col(name).cast(kind) if name in columns else pl.lit(None, kind)).alias(name)
            for name, kind in given.items()
        ],
        *[name for name in ("question",) if name in columns],
    )
    return found


def _marks(tau: float) -> dict[str, pl.Expr]:
    """What is counted of each answer, as expressions over `named` answers."""
    grade, confidence = pl.col("grade"), pl.col("confidence").round(6)
    graded = grade.is_not_null()
    usable = graded & confidence.is_between(0, 1).fill_null(False)
    wrong, silent = grade.eq_missing("incorrect"), grade.eq_missing("not_attempted")
    sure = usable & ~silent & (confidence >= tau)
    malformed = pl.col("malformed").fill_null(False)
    return {
        "n": graded,
        "correct": grade.eq_missing("correct"),
        "incorrect": wrong,
        "not_attempted": silent,
        "ungraded": ~graded,
        "measured": usable | silent,
        "confident": sure,
        "confident_incorrect": sure & wrong,
        "malformed": wrong & malformed,
        "confident_malformed": sure & wrong & malformed,
        "confidence_sum": pl.when(usable).then(confidence).otherwise(0.0),
        "confidence_n": usable,
        "confidence_refused": graded & pl.col("confidence").is_not_null() & ~usable,
    }


def count(answers: pl.DataFrame, tau: float = 0.8) -> pl.DataFrame:
    """The frame `COUNTS` from graded answers, sorted by its keys.

    Args:
        answers: loop (or run_id), iteration (or step), question_id, grade; where there topic,
            origin, confidence, knowledge, malformed. Rows of one question at one iteration and
            origin are its samples.
        tau: confidence from which an answer counts as confident, in [0, 1].

    >>> frame = pl.DataFrame({"loop": ["a"] * 3, "iteration": [0] * 3, "origin": ["benchmark"] * 3,
    ...     "question_id": ["q", "q", "r"], "grade": ["correct", "incorrect", "incorrect"]})
    >>> count(frame).select("n", "questions", "incorrect", "incorrect_share").row(0)
    (3, 2, 2, 1.5)
    """
    if not 0 <= tau <= 1:
        raise ValueError(f"tau must lie in [0, 1], not {tau}")
    keys = [*KEYS, "topic", "knowledge"]
    marks = _marks(tau)
    rows = named(answers).lazy()
    key = pl.when(marks["n"]).then(pl.col("question_id").hash())
    totals = (
        rows.select(*keys, *[mark.alias(name) for name, mark in marks.items()], key=key)
        .group_by(keys)
        .agg(
            pl.col(*marks).sum(),
            questions=pl.col("key").n_unique() - pl.col("key").is_null().any().cast(pl.UInt32),
        )
        .collect(engine="streaming")
    )
    if totals["questions"].sum() == totals["n"].sum():
        whole = totals.with_columns(
            correct_share="correct", incorrect_share="incorrect", incorrect_squares="incorrect",
            measured_questions="measured", confident_share="confident_incorrect",
            confident_squares="confident_incorrect",
        )  # fmt: skip
        return whole.select(pl.col(name).cast(kind) for name, kind in COUNTS.items()).sort(keys)
    part = ("n", "correct", "incorrect", "measured", "confident_incorrect")
    each = (
        rows.group_by(*keys, "question_id")
        .agg(marks[name].sum().cast(pl.Float64).alias(name) for name in part)
        .filter(pl.col("n") > 0)
        .collect(engine="streaming")
    )
    wrong = pl.col("incorrect") / pl.col("n")
    sure = pl.when(pl.col("measured") > 0).then(pl.col("confident_incorrect") / pl.col("measured"))
    shares = each.group_by(keys).agg(
        correct_share=(pl.col("correct") / pl.col("n")).sum(),
        incorrect_share=wrong.sum(),
        incorrect_squares=(wrong**2).sum(),
        measured_questions=(pl.col("measured") > 0).sum(),
        confident_share=sure.sum(),
        confident_squares=(sure**2).sum(),
    )
    return (
        totals.join(shares, on=keys, how="left", nulls_equal=True)
        .select(pl.col(name).cast(kind) for name, kind in COUNTS.items())
        .with_columns(pl.col("correct_share", "incorrect_share", "confident_share").fill_null(0.0))
        .with_columns(pl.col("^(incorrect|confident)_squares$").fill_null(0.0))
        .with_columns(pl.col("measured_questions").fill_null(0))
        .sort(keys)
    )


def clusters(answers: pl.DataFrame) -> pl.DataFrame:
    """The frame `CLUSTERS` over `entity_id`; no rows where no answer names an entity."""
    rows = named(answers).filter(pl.col("grade").is_not_null())
    if rows["entity_id"].null_count() == rows.height:
        return pl.DataFrame(schema=CLUSTERS)
    own = pl.concat_str(pl.lit("question "), pl.col("question_id").cast(pl.String))
    rows = rows.with_columns(pl.coalesce("entity_id", own).alias("entity_id"))
    found = []
    for dropped in _LEVELS:
        keys = [*KEYS, *(name for name in ("topic", "knowledge") if name not in dropped)]
        sums = (
            rows.drop_nulls(keys)
            .group_by(*keys, "entity_id")
            .agg(n=pl.len().cast(pl.Int64), x=(pl.col("grade") == "incorrect").sum())
            .with_columns(pl.col("x").cast(pl.Int64))
            .group_by(keys)
            .agg(
                clusters=pl.len(),
                n_squares=(pl.col("n") ** 2).sum(),
                cross=(pl.col("n") * pl.col("x")).sum(),
                incorrect_squares=(pl.col("x") ** 2).sum(),
            )
            .with_columns(pl.lit(None, pl.String).alias(name) for name in dropped)
        )
        found.append(sums.select(pl.col(name).cast(kind) for name, kind in CLUSTERS.items()))
    return pl.concat(found).sort(*KEYS, "topic", "knowledge", nulls_last=False)


def cells(answers: pl.DataFrame) -> pl.DataFrame:
    """The frame `CELLS`, sorted by its keys; no rows where no attempted answer has a confidence."""
    confidence = pl.col("confidence").round(6)
    fine = (confidence * 300).round(6)
    right = pl.col("grade") == "correct"
    keys = [*KEYS, "topic", "knowledge", "cell"]
    return (
        named(answers)
        .lazy()
        .filter(pl.col("grade").is_in(["correct", "incorrect"]) & confidence.is_between(0, 1))
        .with_columns(confidence, cell=(fine.ceil() + fine.floor()).cast(pl.Int64))
        .group_by(keys)
        .agg(
            n=pl.len(),
            correct=right.sum(),
            confidence_sum=pl.col("confidence").sum(),
            squares_sum=(pl.col("confidence") ** 2).sum(),
            confidence_correct=pl.col("confidence").filter(right).sum(),
        )
        .select(pl.col(name).cast(kind) for name, kind in CELLS.items())
        .sort(keys)
        .collect(engine="streaming")
    )
