"""Grades of every dialect as our three words, and what could not be told said in words."""

from __future__ import annotations

import polars as pl

from data.columns import LogError
from data.readers.raw.texts import several

CORRECT, INCORRECT, NOT_ATTEMPTED = "correct", "incorrect", "not_attempted"
GRADES = (CORRECT, INCORRECT, NOT_ATTEMPTED)

TRUTHS = {
    "yes": CORRECT, "true": CORRECT, "1": CORRECT, "no": INCORRECT, "false": INCORRECT,
    "0": INCORRECT,
}  # fmt: skip
"""Words that answer a question: which one, only the column's name says."""
UNDECIDED = {
    "neutral": NOT_ATTEMPTED, "not enough info": NOT_ATTEMPTED, "nei": NOT_ATTEMPTED,
    "unverifiable": NOT_ATTEMPTED,
}  # fmt: skip
"""The third label of entailment: the evidence shows the claim neither right nor wrong. Counted so,
and said: some graders count it as hallucinated, which the log cannot tell."""
WORDS = {
    **TRUTHS, **UNDECIDED,
    "correct": CORRECT, "right": CORRECT, "pass": CORRECT, "passed": CORRECT, "factual": CORRECT,
    "supported": CORRECT, "supports": CORRECT, "entailment": CORRECT, "entailed": CORRECT,
    "entails": CORRECT, "accurate": CORRECT,
    "incorrect": INCORRECT, "wrong": INCORRECT, "fail": INCORRECT, "failed": INCORRECT,
    "hallucinated": INCORRECT, "hallucination": INCORRECT, "not supported": INCORRECT,
    "unsupported": INCORRECT, "refutes": INCORRECT, "refuted": INCORRECT,
    "contradiction": INCORRECT, "contradicted": INCORRECT, "contradicts": INCORRECT,
    "inaccurate": INCORRECT,
    "not attempted": NOT_ATTEMPTED, "abstained": NOT_ATTEMPTED, "refused": NOT_ATTEMPTED,
    "refusal": NOT_ATTEMPTED,
}  # fmt: skip
"""Grades that mean the same in every log (compared as ``folded`` leaves them)."""

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
    letters = set(folded(grades).unique().drop_nulls().to_list())
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
    grade = folded(grades).replace_strict(words, default=None, return_dtype=pl.String)
    partial = (folded(grades) == "p") & grade.is_not_null()
    tell = (grade.is_null() | partial) & (logged.str.strip_chars() != "")
    frame = pl.DataFrame([grade.alias("grade"), logged.alias("grade_logged")])
    return frame.with_columns(grade_logged=pl.when(pl.Series(tell)).then("grade_logged"))


def undecided(grades: pl.Series) -> list[str]:
    """What is said of claims that the evidence neither supports nor contradicts, with counts."""
    found = folded(grades)
    found = found.filter(found.is_in(list(UNDECIDED))).alias("word")
    return [
        f"{n:,} answers graded {word} (neither supported nor contradicted) are taken as not "
        f'attempted; --grade-map "{word}=incorrect" counts them as wrong'
        for word, n in found.value_counts(sort=True, name="n").iter_rows()
    ]


def refuse_scores(key: str, grades: pl.Series) -> None:
    """Refuse a column of numbers that are no grades: where right begins, only its user knows.

    Raises:
        LogError: most of its cells are numbers, some of them neither 0 nor 1.
    """
    values = grades.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    values = values.fill_nan(None).drop_nulls()
    filled = (folded(grades) != "").sum() or 0
    if values.len() * 2 <= filled or values.is_in([0.0, 1.0]).all():
        return
    values = values.sort()
    low, high = values[0], values[-1]
    raise LogError(
        f"column {key} holds numbers from {low:.6g} to {high:.6g}, and which of them are right "
        f'answers is not known: say it with --grade-map ">=0.5=correct,<0.5=incorrect" (with the '
        'limit that your grader means), or --grade-map "2=correct,1=not_attempted,0=incorrect"'
    )


def notes_of(answers: pl.DataFrame) -> list[str]:
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


def folded(grades: pl.Series) -> pl.Series:
    """Grades as they are compared: no case, ``Not-Attempted`` as ``NOT_ATTEMPTED``, 1.0 as 1."""
    text = grades.cast(pl.String).str.strip_chars(" \t\r\n\"'*").str.to_lowercase()
    words = text.str.replace_all(r"([a-z])[\s_-]+", "$1 ").str.replace(r"([a-z])[. ]+$", "$1")
    return words.str.replace(r"^(\d+)\.0+$", "$1")
