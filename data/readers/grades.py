"""Grades of every dialect as our three words, and what could not be told said in words."""

from __future__ import annotations

import polars as pl

from data.readers.texts import several

CORRECT, INCORRECT, NOT_ATTEMPTED = "correct", "incorrect", "not_attempted"

WORDS = {
    "correct": CORRECT, "true": CORRECT, "1": CORRECT, "1.0": CORRECT, "right": CORRECT,
    "supported": CORRECT,
    "incorrect": INCORRECT, "false": INCORRECT, "0": INCORRECT, "0.0": INCORRECT,
    "wrong": INCORRECT,
    "not_attempted": NOT_ATTEMPTED, "not attempted": NOT_ATTEMPTED, "abstained": NOT_ATTEMPTED,
}  # fmt: skip
"""Grades that mean the same in every log (compared in lower case)."""

SIMPLEQA = {"a": CORRECT, "b": INCORRECT, "c": NOT_ATTEMPTED}
INSPECT = {"c": CORRECT, "i": INCORRECT, "p": INCORRECT, "n": NOT_ATTEMPTED}
"""Letters mean one thing in SimpleQA (A, B, C) and another in Inspect (C, I, P, N)."""


def dialect(grades: pl.Series, known: dict[str, str] | None = None) -> dict[str, str]:
    """What each grade of a log means; letters are read by the company that they keep.

    C is "not attempted" beside A or B, and "correct" beside I, P or N. Alone, or between both, it
    means nothing until ``known`` (SIMPLEQA or INSPECT) says which log this is.
    """
    if known is not None:
        return WORDS | known
    letters = set(_folded(grades).unique().drop_nulls().to_list())
    simple, inspect = bool(letters & {"a", "b"}), bool(letters & {"i", "p", "n"})
    if simple and not inspect:
        return WORDS | SIMPLEQA
    if inspect and not simple:
        return WORDS | INSPECT
    return WORDS


def mapped(grades: pl.Series, known: dict[str, str] | None = None) -> pl.DataFrame:
    """Logged grades as two columns: ``grade``, and ``grade_logged`` where that says more.

    Args:
        grades: as logged: text, booleans or numbers.
        known: the letters of this log, where its format settles them.
    """
    logged = grades.cast(pl.String)
    words = dialect(grades, known)
    grade = _folded(grades).replace_strict(words, default=None, return_dtype=pl.String)
    partial = (_folded(grades) == "p") & grade.is_not_null()
    tell = (grade.is_null() | partial) & (logged.str.strip_chars() != "")
    frame = pl.DataFrame([grade.alias("grade"), logged.alias("grade_logged")])
    return frame.with_columns(grade_logged=pl.when(pl.Series(tell)).then("grade_logged"))


def said(answers: pl.DataFrame) -> list[str]:
    """Sentences on what the door did to one run's answers (ANSWER_COLUMNS), with counts."""
    notes: list[str] = []
    unknown = answers.filter(pl.col("grade").is_null())
    if unknown.height:
        by_value = unknown["grade_logged"].fill_null("none").value_counts(sort=True)
        named = [f"{value[:40]!r} ({n:,})" for value, n in by_value.iter_rows()]
        notes.append(
            f"{unknown.height:,} answers have no known grade and are left out of every rate: "
            f"{several(named)}"
        )
    partial = answers.filter(pl.col("grade").is_not_null() & pl.col("grade_logged").is_not_null())
    if partial.height:
        notes.append(f"{partial.height:,} partly right answers (P) are taken as incorrect")
    refused = int(answers["confidence_refused"].sum())
    if refused:
        notes.append(
            f"{refused:,} confidences outside [0, 1] or not finite are taken as not measured"
        )
    key = ["iteration", "origin", "question_id", "sample_id"]
    again = (
        answers.group_by(key)
        .agg(n=pl.len(), grades=pl.col("grade").drop_nulls().n_unique())
        .filter(pl.col("n") > 1)
    )
    if again.height:
        apart = int((again["grades"] > 1).sum())
        notes.append(
            f"{again.height:,} questions are answered more than once under one sample, {apart:,} "
            "of them with different grades: all are kept and averaged within the question"
        )
    return notes


def _folded(grades: pl.Series) -> pl.Series:
    return grades.cast(pl.String).str.strip_chars().str.to_lowercase()
