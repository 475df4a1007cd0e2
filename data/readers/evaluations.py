"""Logs of evaluations as graded answers: Inspect AI, lm-evaluation-harness, FActScore, SAFE."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from data.columns import LogError, ReadOptions, RunLog
from data.readers import answer_tables, claims, grades, inspect_logs, lm_eval, table_files
from data.readers.scalars import load_json

FORMAT = "evaluation"
EXPECTS = "logs of Inspect AI (.eval, .json), lm-evaluation-harness (samples_*.jsonl), FActScore"
TEXTS = (
    "question_id", "question", "answer", "reference", "grade", "grader", "topic", "origin",
    "knowledge", "entity_id", "confidence_kind",
)  # fmt: skip
_NUMBERED = re.compile(r"(.+?)[-_/]*(?:checkpoint|iteration|iter|step)[-_]?(\d+)")


def recognises(path: Path) -> bool:
    """Whether a file is, by its name or its start, the log of an evaluation."""
    return any(module.recognises(path) for module in (inspect_logs, lm_eval, claims))


def read(path: Path, options: ReadOptions) -> Iterator[RunLog]:
    """Read one log: a RunLog of answers, named after the model (or what the log calls the run).

    A name that ends in checkpoint-N (or iteration N) is iteration N of the run before it.

    Args:
        path: the log.
        options: ``run`` names the run, ``gold`` the scorer of an Inspect log.

    Raises:
        LogError: the log is broken or holds no scored answer.
    """
    notes: list[str] = []
    iteration: int | None = None
    if inspect_logs.recognises(path):
        header, samples = inspect_logs.read(path)
        meta = {**_object(header["eval"].get("metadata")), **_object(header.get("metadata"))}
        named = meta.get("loop") or meta.get("run_id") or header["eval"].get("model") or path.stem
        stated = meta.get("iteration", meta.get("step"))
        if isinstance(stated, int) and not isinstance(stated, bool) and stated >= 0:
            iteration = stated
        found = inspect_logs.rows(header, samples, options.gold, notes)
        kind, letters = "inspect", grades.INSPECT
        if header.get("status") not in (None, "success"):
            notes.append(f"the evaluation ended as {str(header['status'])[:40]!r}")
    elif lm_eval.recognises(path):
        named, kind, letters = path.parent.name or path.stem, "lm_eval", {}
        found = lm_eval.rows(path, _lines(path, notes), notes)
    else:
        named, kind, letters = _stem(path), "claims", {}
        found = claims.rows(_lines(path, notes), notes)
    numbered = _NUMBERED.fullmatch(str(named))
    if numbered and iteration is None:
        named, iteration = numbered.group(1), int(numbered.group(2))
    name = options.run or str(named).replace("/", "-")
    rows = list(itertools.islice(found, 20_000_000))
    if not rows:
        raise LogError(f"{path.name} holds no scored answer: {'; '.join(notes) or 'it is empty'}")
    if iteration is None:
        notes.append(f"{path.name} names no iteration or step: all answers are iteration 0")
    frame = table_files.object_frame(rows).with_columns(
        pl.lit(name, pl.String).alias("loop"), pl.lit(iteration or 0, pl.Int64).alias("iteration")
    )
    frame = frame.with_columns(pl.col(c).cast(pl.String) for c in TEXTS if c in frame.columns)
    graded = grades.mapped(frame["grade"], letters)
    frame = frame.drop("grade").with_columns(graded.get_columns())
    if "confidence" in frame.columns:
        frame = frame.with_columns(pl.col("confidence").cast(pl.Float64, strict=False))
    answers = answer_tables.shaped(frame, "benchmark")
    yield answer_tables.log(name, options.run is not None, kind, path, answers, notes)


def _stem(path: Path) -> str:
    """A file name up to its first dot."""
    return path.name.split(".")[0] or path.name


def _lines(path: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file; a half-written last line is left out."""
    bad = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        number = 0
        while line := file.readline(table_files.MAX_LINE):
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


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
