"""Plain tables of graded answers, SimpleQA's own among them, and tables of a training corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl

from data.columns import (
    ANSWER_COLUMNS,
    AUDIT_COLUMNS,
    CORPUS_COLUMNS,
    LogError,
    ReadOptions,
    RunFacts,
    RunLog,
    conform,
)
from data.declared import CORPUS
from data.readers.answers import confidences
from data.readers.files.completions import prompt_ids
from data.readers.layouts import run_columns
from data.readers.layouts.cells import Cells, split_by
from data.readers.meaning import grades
from data.readers.names.mapping import RUN_ID, Column, folded
from data.readers.responses import loop_columns
from data.readers.responses.sample_tables import no_metrics, no_samples

TIME = Column("iteration", keys=(
    "iteration", "step", "iter", "global_step", "training_step", "checkpoint_step", "checkpoint",
))  # fmt: skip
GRADE = Column("grade", keys=("grade",))
MODEL = Column("model", keys=("model", "model_name", "model_id", "experiment", "system"))
"""Columns that tell apart who answered; where they hold several, they are several runs."""
TEXTS: tuple[Column, ...] = (
    Column("origin", keys=("origin",)),
    Column("question_id", keys=("question_id",)),
    Column("topic", keys=("topic", "category", "subject")),
    Column("question", keys=("question", "problem")),
    Column("answer", keys=("answer", "predicted_answer")),
    Column("reference", keys=("reference", "target", "gold_answer")),
    Column("confidence_kind", keys=("confidence_kind",)),
    Column("knowledge", keys=("knowledge",)),
    Column("entity_id", keys=("entity_id",)),
    Column("grader", keys=("grader",)),
    Column("self_claim", keys=("self_claim",)),
)
FLAGS: tuple[Column, ...] = (
    Column("malformed", keys=("malformed",)),
    Column("in_training", keys=("in_training", "in_loop_pool")),
)
READ_APART = {column.name for column in (*TEXTS, *FLAGS)} | {
    "loop", "iteration", "sample_id", "grade", "grade_logged", "confidence", "confidence_refused",
    "confidence_consistency",
}  # fmt: skip
"""Columns of answers that are read each in its own way; any other number is read by its name."""
HUMAN = Column("human_grade", keys=("human_grade", "grade_human"))
"""A human's grade of the same answer: an audit of the grader."""
LONGEST = 40
"""Characters of the longest category of knowledge."""
NOT_STATED = "not stated"
"""Origin of answers whose log gives none."""


def holds(columns: Collection[str]) -> bool:
    """Whether a table's columns are those of graded answers or of a training corpus."""
    asked = question(columns) is not None
    graded = GRADE.find(columns) is not None or HUMAN.find(columns) is not None
    return (graded and asked) or holds_corpus(columns)


def question(columns: Collection[str]) -> str | None:
    """The column that says which question was asked."""
    asked = [column for column in TEXTS if column.name in ("question_id", "question")]
    return next((key for column in asked if (key := column.find(columns))), None)


def holds_only_audit(columns: Collection[str]) -> bool:
    """Whether a table re-grades answers that are in another one: it has no answer of its own."""
    given = {c.name for c in TEXTS if c.find(columns)} & {"answer", "question", "reference"}
    return HUMAN.find(columns) is not None and not given and "confidence" not in columns


def holds_corpus(columns: Collection[str]) -> bool:
    """Whether a table's columns are those of a training corpus."""
    return {"documents", "generator_iteration"} <= set(columns)


def own_reference(columns: Collection[str]) -> str | None:
    """The column of right answers under a name of ours."""
    return next(column for column in TEXTS if column.name == "reference").find(columns)


def is_simpleqa(columns: Collection[str]) -> bool:
    """Whether a table is laid out as SimpleQA's results are."""
    return {"problem", "target", "predicted_answer", "grade"} <= set(columns)


def read(
    cells: Cells, names: list[str], verbatim: bool, options: ReadOptions | None = None
) -> Iterator[RunLog]:
    """A table of answers or of a corpus as one RunLog, without metrics, for each run in ``names``.

    Raises:
        LogError: a corpus without a column iteration, or grades that are scores.
    """
    if holds_corpus(cells.table.frame.columns):
        yield from read_corpus(cells, names, verbatim)
        return
    frame = cells.table.frame
    keys, height = frame.columns, frame.height
    simple = is_simpleqa(keys)
    named = options.step if options else None
    time = run_columns.asked_for(named, "--step", keys) or TIME.find(keys)
    steps = cells.steps(time) if time else [0] * height
    series = [pl.Series("iteration", steps, pl.Int64)]
    graded = GRADE.find(keys)
    taken = {key for key in (time, RUN_ID.find(keys), graded, "sample_id", "confidence") if key}
    for column in TEXTS:
        if (key := column.find(keys)) and not _is_passage(cells, column, key):
            taken.add(key)
            series.append(cells.texts(key).alias(column.name))
    for column in FLAGS:
        if key := column.find(keys):
            taken.add(key)
            series.append(cells.truths(key).alias(column.name))
    letters = grades.SIMPLEQA if simple else None
    given = cells.texts(graded) if graded else pl.Series([None] * height, dtype=pl.String)
    if graded:
        grades.refuse_scores(graded, given)
        cells.table.notes += [n for n in grades.undecided(given) if n not in cells.table.notes]
    series += grades.mapped(given, letters).get_columns()
    human = HUMAN.find(keys)
    if human:
        taken.add(human)
        regraded = grades.mapped(cells.texts(human), letters)["grade"].alias("human_grade")
        series.append(regraded)
    only_audit = holds_only_audit(keys)
    for key in ("confidence", "confidence_consistency"):
        if key in keys:
            taken.add(key)
            read_as = confidences.read if key == "confidence" else Cells.numbers
            series.append(read_as(cells, key).alias(key))
    further = cells.further(taken | {"cluster"} | READ_APART)
    for key in further:
        series.append(cells.numbers(key).fill_nan(None))
    if loop_columns.named(keys) or (options and options.loop is not None):
        words = loop_columns.lacking("answers", [one.name for one in series])
        unread = loop_columns.unread(keys, {*taken, "cluster", *READ_APART}, words, further)
        cells.table.notes += [f"{cells.table.path.name}: {note}" for note in unread]
    rows = pl.DataFrame(series)
    if "question_id" not in rows.columns:
        asked = rows["question"].fill_null("")
        if (
            "reference" in rows.columns
        ):  # the same words with another right answer ask another thing
            asked = asked + "\n" + rows["reference"].fill_null("")
        rows = rows.with_columns(prompt_ids(asked).alias("question_id"))
    if "cluster" in keys:  # a label of equal meaning, whatever it is called
        labels = _numbered(frame["cluster"].cast(pl.String)).cast(pl.Float64)
        known = frame["cluster"].is_not_null()
        rows = rows.with_columns(cluster=pl.when(known).then(labels))
    if "sample_id" in keys:
        rows = rows.with_columns(sample_id=frame["sample_id"].cast(pl.String))
    default = "benchmark" if simple else NOT_STATED
    for name, at in split_by(names).items():
        good = at
        if cells.bad_rows:
            good = [row for row in at if row not in cells.bad_rows]
        if not good:
            continue
        warnings = cells.notes(at)
        if time is None:
            warnings.append(
                f"{cells.table.path.name} names no iteration or step: all answers are iteration 0 "
                "(--step names the column)"
            )
        part = rows if len(good) == height else rows[good]
        part = shaped(part.with_columns(loop=pl.lit(name, pl.String)), default)
        audits = None
        if human:
            audits = conform(part.filter(pl.col("human_grade").is_not_null()), AUDIT_COLUMNS)
            if unknown := part.height - audits.height:
                warnings.append(f"{unknown:,} rows hold no known human grade: not audited")
            part = part.drop("human_grade")
        if only_audit and audits is not None:
            yield _audit(name, verbatim, cells.table.path, audits, warnings)
            continue
        made = log(name, verbatim, "answers", cells.table.path, part, warnings)
        if audits is not None:
            made.audits = audits
        yield made


def shaped(rows: pl.DataFrame, origin: str = NOT_STATED) -> pl.DataFrame:
    """Answers in ANSWER_COLUMNS, further numbers kept, a confidence outside [0, 1] refused."""
    columns = set(rows.columns)
    rows = rows.with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in ANSWER_COLUMNS.items()
        if name not in columns
    )
    logged = pl.col("confidence").cast(pl.Float64)
    inside = logged.round(6).is_between(0, 1)
    empty = pl.col("origin").is_null() | (pl.col("origin") == "")
    agree = pl.col("confidence_consistency")
    rows = rows.with_columns(
        origin=pl.when(empty).then(pl.lit(origin)).otherwise("origin"),
        confidence=pl.when(inside).then(logged.clip(0, 1)),
        confidence_refused=(logged.is_not_null() & ~inside).fill_null(False),
        confidence_consistency=pl.when(agree.is_between(0, 1)).then(agree),
        sample_id=_numbered(rows["sample_id"]),
    )
    further = [name for name in rows.columns if name not in ANSWER_COLUMNS]
    return rows.select(
        *(pl.col(name).cast(kind) for name, kind in ANSWER_COLUMNS.items()), *further
    )


def log(
    name: str, verbatim: bool, kind: str, path: Path, answers: pl.DataFrame, warnings: list[str]
) -> RunLog:
    """A RunLog of nothing but answers, with what the door did to them in words."""
    facts = RunFacts(sources=[{"path": str(path), "format": kind, "rows": answers.height}])
    return RunLog(
        run=name,
        parent=path.parent.name,
        verbatim=verbatim,
        format="answers",
        path=str(path),
        metrics=no_metrics(),
        samples=no_samples(),
        facts=facts,
        warnings=[*warnings, *grades.notes_of(answers)],
        answers=answers,
    )


def _audit(
    name: str, verbatim: bool, path: Path, audits: pl.DataFrame, warnings: list[str]
) -> RunLog:
    made = log(name, verbatim, "audit", path, _NO_ANSWERS.clone(), warnings)
    made.format, made.audits = "audit", audits
    made.facts.sources[0]["rows"] = audits.height
    return made


def read_corpus(cells: Cells, names: list[str], verbatim: bool) -> Iterator[RunLog]:
    """A table of a training corpus as one RunLog for each loop in ``names``.

    Raises:
        LogError: it has no column iteration.
    """
    keys, path = cells.table.frame.columns, cells.table.path
    time = TIME.find(keys)
    if time is None:
        raise LogError(f"{path.name} is a table of a corpus without a column iteration")
    series = [pl.Series("iteration", cells.steps(time), pl.Int64)]
    origin = cells.texts("origin") if "origin" in keys else pl.Series([NOT_STATED] * len(names))
    series.append(_origins(origin.fill_null(NOT_STATED)).alias("origin"))
    if "generator_iteration" in keys and cells.texts("generator_iteration").dtype == pl.String:
        cells.table.frame = cells.table.frame.with_columns(
            cells.texts("generator_iteration")
            .str.replace(_WRITER, "$1")
            .alias("generator_iteration")
        )
    series += [cells.declared(column) for column in CORPUS.columns[3:]]
    unread = loop_columns.unread(
        keys, {time, str(RUN_ID.find(keys)), *CORPUS.types()}, set(CORPUS.types()) - {"loop", *keys}
    )
    cells.table.notes += [f"{path.name}: {note}" for note in unread]
    rows = pl.DataFrame(series)
    for key in (
        "documents",
        "tokens",
        "depth",
        "generator_iteration",
    ):  # below 0 would be taken from the others' sum
        for row in (rows[key] < 0).fill_null(False).arg_true().to_list():
            cells.name(row, key, cells.texts(key)[row], "is below 0")
        rows = rows.with_columns(pl.when(pl.col(key) >= 0).then(pl.col(key)).alias(key))
    for name, at in split_by(names).items():
        good = [row for row in at if row not in cells.bad_rows]
        if not good:
            continue
        part = rows[good].with_columns(loop=pl.lit(name, pl.String))
        made = log(name, verbatim, "corpus", path, _NO_ANSWERS.clone(), cells.notes(at))
        made.format = "corpus"
        made.corpus = part.select(list(CORPUS_COLUMNS))
        made.facts.sources[0]["rows"] = part.height
        yield made


_WRITER = r"(?i)^\s*(?:iteration|iter|generation|gen)[\s_#-]*(\d+)\s*$"
_ORIGINS = {"human": "human", "benchmark": "benchmark", "selfgenerated": "self_generated"}


def _origins(texts: pl.Series) -> pl.Series:
    """Origins that have a meaning, in any spelling of theirs; any other as it is written."""
    origins = [_ORIGINS.get(folded(text), text) for text in texts]
    return pl.Series("origin", origins, dtype=pl.String)


_NO_ANSWERS = pl.DataFrame(schema=ANSWER_COLUMNS)


def _is_passage(cells: Cells, column: Column, key: str) -> bool:
    """Whether what should be a category of knowledge is a text to answer from, as HaluEval's."""
    if column.name != "knowledge" or not (cells.texts(key).str.len_chars() > LONGEST).any():
        return False
    cells.table.notes.append(
        f"{cells.table.path.name}: column {key} holds passages, no categories of knowledge"
    )
    return True


def _numbered(ids: pl.Series) -> pl.Series:
    """Sample ids as numbers: as they are where whole, else a stable number for each text."""
    if ids.null_count() == ids.len():
        return pl.Series("sample_id", [0] * ids.len(), dtype=pl.Int64)
    whole = ids.cast(pl.String).cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
    if whole.null_count() == ids.null_count():
        return whole.fill_null(0).alias("sample_id")
    texts = ids.cast(pl.String).fill_null("")
    unique = texts.unique()
    digests = [hashlib.blake2b(text.encode(), digest_size=6).digest() for text in unique.to_list()]
    numbers = pl.Series([int.from_bytes(digest) for digest in digests], dtype=pl.Int64)
    return texts.replace_strict(unique, numbers).alias("sample_id")
