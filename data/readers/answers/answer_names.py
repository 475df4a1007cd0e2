"""Graded answers under any headings: the columns that somebody named, and what a grade means."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import polars as pl

from data.columns import LogError, ReadOptions
from data.readers.answers import answer_tables
from data.readers.files.completions import prompt_ids
from data.readers.files.table_files import Table
from data.readers.meaning import grade_maps, grades
from data.readers.names.mapping import folded

ROLES = ("question", "grade", "answer", "reference", "confidence", "topic")
"""The options that name a column of answers, and our names of them."""
OPTIONS = "--question KEY --grade KEY"

_AGAINST = re.compile(
    r"halluc|incorrect|inaccura|wrong|error|false|fabricat|contradict|unsupported|unfaithful"
    r"|untru|mistake|not_?(correct|true|supported|faithful|factual)"
)
"""Names of a column in which yes says that the answer is wrong."""
_OF_ATTEMPTS = re.compile(r"abstain|abstent|refus|attempt|idk|dont_?know|unanswered")
_ASKED_NAMES = frozenset({
    "question", "questions", "problem", "prompt", "query", "userinput", "userquery", "input",
    "claim", "fact", "atomicfact", "statement", "hypothesis", "instruction",
})  # fmt: skip
_GRADED_NAMES = frozenset({
    "iscorrect", "correct", "correctness", "verdict", "judgement", "judgment", "label", "grade",
    "grading", "judge", "result", "success", "passed", "truthful", "hallucination", "exactmatch",
    "em", "faithfulness", "score", "evaluation", "isfactual", "supported", "entailment", "rating",
})  # fmt: skip
_ANSWERED_NAMES = frozenset({
    "answer", "modelanswer", "predictedanswer", "prediction", "response", "modelresponse",
    "output", "completion", "reference", "target", "groundtruth", "correctanswer", "bestanswer",
})  # fmt: skip
_FEW = 12  # different values of a column of grades
_WITNESSED = 200  # rows that show what a column holds


def asked(options: ReadOptions) -> dict[str, str]:
    """The columns that were named, by role."""
    return {role: key for role in ROLES if (key := getattr(options, role))}


def fitted(table: Table, options: ReadOptions, otherwise: Callable[[], str | None]) -> None:
    """Give the columns that were named our names, and their grades our words, in the table.

    Args:
        table: changed in place.
        options: names columns of answers, or what grades mean.
        otherwise: what the table would be read as without; None = it would be refused.

    Raises:
        LogError: a named column is not there, or its values are no grades.
    """
    roles, columns = asked(options), table.frame.columns
    mapping = grade_maps.parsed(options.grade_map)
    missing = {role: key for role, key in roles.items() if key not in columns}
    if missing:
        role, key = next(iter(missing.items()))
        reason = f"--{role} names {key}, which is not among the columns of {table.path.name}"
        what = otherwise()
        if what in (None, "answers") or "grade" not in missing:
            there = ", ".join(str(name)[:40] for name in columns[:60])
            raise LogError(f"{reason}: {there}")
        table.notes.append(f"{reason}: it was read as {what}")
        return
    own = answer_tables.GRADE.find(columns)
    graded = roles.get("grade") or own
    if graded is None or not (roles or (options.grade_map and otherwise() == "answers")):
        return
    given = _given(table, graded)
    words = _meanings(table, graded, given, mapping)
    turned = grade_maps.applied(given, mapping, words)
    _only_words(graded, given, turned, mapping)
    table.notes += _meaning_notes(given, mapping)
    table.frame = table.frame.with_columns(turned.alias(graded))
    _rename(table, {**roles, "grade": graded})


def _given(table: Table, key: str) -> pl.Series:
    """The grades as text; an answer that was not attempted stands in a column of its own."""
    column = table.frame.get_column(key)
    if column.dtype.is_nested():
        raise LogError(f"column {key} of {table.path.name} holds lists or objects, no grades")
    given = column.cast(pl.String)
    beside = next((c for c in table.frame.columns if folded(c) in (
        "isnotattempted", "notattempted")), None)  # fmt: skip
    if beside is None or beside == key or _OF_ATTEMPTS.search(key.lower()):
        return given
    left = grades.folded(table.frame.get_column(beside).cast(pl.String))
    left = left.is_in(["1", "true", "yes"]).fill_null(False)
    table.notes.append(
        f"{table.path.name}: {int(left.sum()):,} answers are not attempted as column {beside} says"
    )
    rows = pl.DataFrame([given.alias("given"), left.alias("left")])
    return rows.select(
        pl.when("left").then(pl.lit(grades.NOT_ATTEMPTED)).otherwise("given").alias(key)
    ).to_series()


def _meanings(
    table: Table, key: str, given: pl.Series, meanings: grade_maps.GradeMap
) -> dict[str, str]:  # fmt: skip
    """What the words of a column mean by its name: yes under ``hallucination`` is incorrect.

    Raises:
        LogError: its name says that yes and no answer another question.
    """
    letters = grades.SIMPLEQA if answer_tables.is_simpleqa(table.frame.columns) else None
    words = grades.dialect(given, letters)
    truths = set(grades.folded(given).unique().drop_nulls()) & set(grades.TRUTHS)
    if not truths or set(meanings.words) & truths:
        return words
    name = re.sub(r"[^a-z]+", "_", key.lower())
    if twin := _judged_apart(table, key):
        raise LogError(
            f"columns {key} and {twin} of {table.path.name} both hold yes and no, as HaluEval's; "
            "there yes says that the answer is hallucinated, and it is the judge's word: say what "
            'yes means with --grade-map "yes=incorrect,no=correct"'
        )
    if _OF_ATTEMPTS.search(name):
        raise LogError(
            f"column {key} of {table.path.name} says whether an answer was attempted, not whether "
            "it is right: name the column that does with --grade, or say what its words mean with "
            '--grade-map "yes=not_attempted,no=correct"'
        )
    if not _AGAINST.search(name):
        return words
    turn = {grades.CORRECT: grades.INCORRECT, grades.INCORRECT: grades.CORRECT}
    table.notes.append(
        f"{table.path.name}: by its name, yes (true, 1) in column {key} says that an answer is "
        "wrong: it is taken as incorrect, no (false, 0) as correct"
    )
    return words | {word: turn[grade] for word, grade in grades.TRUTHS.items()}


def _judged_apart(table: Table, key: str) -> str | None:
    """The other column of yes and no beside a judge's: what the judge should have said."""
    if folded(key) not in ("judgement", "judgment"):
        return None
    twin = next((c for c in table.frame.columns if folded(c) == "groundtruth"), None)
    if twin is None or table.frame.get_column(twin).dtype.is_nested():
        return None
    words = grades.folded(table.frame.get_column(twin).cast(pl.String)).unique().drop_nulls()
    return twin if set(words) <= {"yes", "no"} else None


def _only_words(
    key: str, given: pl.Series, turned: pl.Series, meanings: grade_maps.GradeMap
) -> None:  # fmt: skip
    """Refuse a column of which no cell is a grade, or that holds scores.

    Raises:
        LogError: it is one.
    """
    if not meanings.limits and not meanings.words:
        grades.refuse_scores(key, given)
    if turned.is_in(list(grades.GRADES)).any():
        return
    found = given.drop_nulls().alias("word").value_counts(sort=True, name="n").head(3)
    seen = ", ".join(f"{value[:40]!r} ({n:,})" for value, n in found.iter_rows()) or "nothing"
    raise LogError(
        f"no cell of column {key} is a known grade; it holds {seen}: say what they mean with "
        '--grade-map "WORD=correct,WORD=incorrect,WORD=not_attempted", or name another column '
        "with --grade"
    )


def _meaning_notes(given: pl.Series, meanings: grade_maps.GradeMap) -> list[str]:
    if set(meanings.words) & set(grades.UNDECIDED):
        given = given.filter(~grades.folded(given).is_in(list(meanings.words)))
    return grades.undecided(given)


def _rename(table: Table, names: dict[str, str]) -> None:
    """Our names for the columns that were named; others that bear them step aside."""
    frame = table.frame
    own = answer_tables.own_reference(frame.columns)
    for role, key in names.items():  # a column may be two things, such as a claim and its question
        if key in [names[r] for r in ROLES[: ROLES.index(role)] if r in names]:
            frame = frame.with_columns(frame.get_column(key).alias(f"{key} as {role}"))
            names = names | {role: f"{key} as {role}"}
    aside = {role: f"{role} (as logged)" for role, key in names.items()
             if role in frame.columns and role not in names.values() and key != role}  # fmt: skip
    frame = frame.rename(aside | {key: role for role, key in names.items()})
    if "question" in names and "question_id" not in frame.columns and own is None:
        # Whether its reference is named or not, a question stays the same one.
        asked_texts = frame.get_column("question").cast(pl.String).fill_null("")
        frame = frame.with_columns(prompt_ids(asked_texts).alias("question_id"))
    table.frame = frame


def lacking(table: Table) -> str | None:
    """What a table that seems to hold answers lacks, with the options that say it; None: none."""
    columns = table.frame.columns
    names = {folded(str(c)) for c in columns}
    graded = _graded(table)
    question = next((c for c in columns if folded(c) in _ASKED_NAMES), None)
    answers = names & (_ASKED_NAMES | _ANSWERED_NAMES) - {"input", "prompt", "response", "output"}
    by_words = graded is not None and _holds_grades(table.frame.get_column(graded))
    if not answers and not (by_words and question):
        return None
    lacks = "has no columns question_id (or question) and grade, which a table of answers needs"
    named = [f"--question {_quoted(question or 'KEY')}", f"--grade {_quoted(graded or 'KEY')}"]
    hint = " (as its columns suggest)" if question and graded else ""
    return f"{lacks}: rename its columns to these, or name them with {' '.join(named)}{hint}"


def _graded(table: Table) -> str | None:
    """The column that looks most like grades: by its words, else by its name."""
    frame = table.frame
    by_name = [c for c in frame.columns if folded(c) in _GRADED_NAMES]
    by_word = [c for c in frame.columns if _holds_grades(frame.get_column(c))]
    both = [c for c in by_word if c in by_name]
    return next(iter([*both, *by_word, *by_name]), None)


def _holds_grades(column: pl.Series) -> bool:
    if column.dtype == pl.Boolean:
        return True
    if column.dtype != pl.String:
        return False
    words = grades.folded(column.head(_WITNESSED).drop_nulls())
    words = words.filter(words != "")
    known = words.is_in(list(grades.WORDS)).sum() or 0
    bare = words.is_in(["0", "1"]).all()
    return bool(words.len()) and known * 2 > words.len() and words.n_unique() <= _FEW and not bare


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"[^\w./-]", name) else name


def models(frame: pl.DataFrame, columns: Collection[str]) -> str | None:
    """The column of the model that answered, where a table holds several at one iteration."""
    key = answer_tables.MODEL.find(columns)
    if key is None or frame.get_column(key).dtype.is_nested():
        return None
    time = answer_tables.TIME.find(columns)
    rows = frame.select(pl.col(key).cast(pl.String).alias("model"),
                        *([pl.col(time).alias("time")] if time else []))  # fmt: skip
    if rows["model"].null_count() or rows["model"].n_unique() * 2 > frame.height:
        return None
    group = rows.group_by("time") if time else rows.group_by(pl.lit(0))
    several = group.agg(pl.col("model").n_unique().alias("n"))["n"].max()
    return key if isinstance(several, int) and several > 1 else None
