"""Logs of evaluations as graded answers: Inspect AI, lm-evaluation-harness, FActScore, SAFE."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from data.columns import LogError, ReadOptions, RunLog
from data.declared.foreign import JsonObject
from data.readers.answers import answer_tables
from data.readers.answers.answer_rows import AnswerRow
from data.readers.files import blocks
from data.readers.meaning import grades
from data.readers.raw.reader import Read, whole_logs
from data.readers.raw.texts import load_json

FORMAT = "evaluation"
KL = "none: answers have no KL"
TEXTS = (
    "question_id", "question", "answer", "reference", "grade", "grader", "topic", "origin",
    "knowledge", "entity_id", "confidence_kind",
)  # fmt: skip
_NUMBERED = re.compile(r"(.+?)[-_/]*(?:checkpoint|iteration|iter|step)[-_]?(\d+)")
_ITERATION = re.compile(r"(\d{1,18})$")
"""The number at the end of a folder's name, which may be the iteration."""


@dataclass
class Evaluation:
    """One evaluation as its log holds it; ``rows`` are answers, read one at a time."""

    kind: str  # the reader's name
    named: str  # the model, or what the log calls the run
    rows: Iterator[AnswerRow]
    letters: dict[str, str] = field(default_factory=dict)  # grades in the log's own words
    iteration: int | None = None  # where the log states it


Open = Callable[[Path, ReadOptions, list[str]], Evaluation]
"""Opens one log; the list gets sentences on what was chosen or left out. Raises LogError."""


def evaluation_log(opened: Open) -> Read:
    """Reads logs of evaluations, each a RunLog of answers."""
    return whole_logs(lambda path, options: read(path, options, opened))


def read(path: Path, options: ReadOptions, opened: Open) -> Iterator[RunLog]:
    """Read one log: a RunLog of answers, named after the model (or what the log calls the run).

    A name that ends in checkpoint-N (or iteration N) is iteration N of the run before it.

    Args:
        path: the log.
        options: ``run`` names the run, ``gold`` the scorer of an Inspect log.
        opened: opens it.

    Raises:
        LogError: the log is broken or holds no scored answer.
    """
    notes: list[str] = []
    log = opened(path, options, notes)
    named, iteration = log.named, log.iteration
    numbered = _NUMBERED.fullmatch(named)
    if numbered and iteration is None:
        named, iteration = numbered.group(1), int(numbered.group(2))
    name = options.run or named.replace("/", "-")
    rows = list(itertools.islice(log.rows, 20_000_000))
    if not rows:
        raise LogError(f"{path.name} holds no scored answer: {'; '.join(notes) or 'it is empty'}")
    if iteration is None:
        notes.append(f"{path.name} names no iteration or step: all answers are iteration 0")
    frame = blocks.object_frame(rows).with_columns(
        pl.lit(name, pl.String).alias("loop"), pl.lit(iteration or 0, pl.Int64).alias("iteration")
    )
    frame = frame.with_columns(pl.col(c).cast(pl.String) for c in TEXTS if c in frame.columns)
    graded = grades.mapped(frame["grade"], log.letters)
    frame = frame.drop("grade").with_columns(graded.get_columns())
    if "confidence" in frame.columns:
        frame = frame.with_columns(pl.col("confidence").cast(pl.Float64, strict=False))
    answers = answer_tables.shaped(frame, "benchmark")
    made = answer_tables.log(name, options.run is not None, log.kind, path, answers, notes)
    folder = _ITERATION.search(path.parent.name)
    if iteration is not None and folder is not None and int(folder.group(1)) == iteration:
        made.parent = path.parent.parent.name  # one folder an iteration: those of one loop
    yield made


def lines(path: Path, notes: list[str]) -> Iterator[JsonObject]:
    """The objects of a JSONL file; a half-written last line is left out."""
    bad = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        number = 0
        while line := file.readline(blocks.MAX_LINE):
            number += 1
            if not line.strip():
                continue
            try:
                value = load_json(line, f"{path.name} line {number}")
            except LogError:
                if not line.endswith("\n"):
                    notes.append(f"{path.name}: the half-written last line was left out")
                    break
                bad += 1
                continue
            if isinstance(value, dict):
                yield value
            else:
                bad += 1
    if bad:
        notes.append(f"{path.name}: {bad} lines are no JSON objects and were not read")
