"""``samples_*.jsonl`` of EleutherAI's lm-evaluation-harness (``--log_samples``)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from data.columns import ReadOptions
from data.declared.foreign import JsonObject
from data.readers.answers.answer_rows import AnswerRow
from data.readers.answers.evaluations import FORMAT, KL, Evaluation, evaluation_log
from data.readers.answers.evaluations import lines as lines_of
from data.readers.raw.reader import Gives, Reader, of_its_own

NAME = re.compile(r"samples_(.+)_\d{4}-\d{2}-\d{2}T[\d.:-]+\.jsonl")
PREFERRED = ("exact_match", "acc", "em", "mc1")
"""Measures that are right or wrong for each question, the first that a task has is its grade."""


def recognises(path: Path) -> bool:
    """Whether a file has, by its name, the samples of a task."""
    return NAME.fullmatch(path.name) is not None


def rows(path: Path, lines: Iterator[JsonObject], notes: list[str]) -> Iterator[AnswerRow]:
    """Each document as an answer, of several filters the first.

    Args:
        path: names the task.
        lines: the file's objects.
        notes: gets sentences on what was chosen or left out.
    """
    named = NAME.fullmatch(path.name)
    task = named.group(1) if named else path.stem
    chosen: str | None = None
    others: set[str] = set()
    measure, ungraded = "", 0
    for line in lines:
        kind = str(line.get("filter", "none"))
        chosen = chosen if chosen is not None else kind
        if kind != chosen:
            others.add(kind)
            continue
        given = line.get("metrics")
        known = [m for m in given if isinstance(m, str)] if isinstance(given, list) else []
        found = [m for m in (*PREFERRED, *known) if line.get(m) in (0, 1)]
        measure = measure or (found[0] if found else "")
        ungraded += not found
        doc = line["doc"] if isinstance(line.get("doc"), dict) else {}
        answer, confidence = _answer(line)
        row: AnswerRow = {
            "question_id": f"{task}/{line.get('doc_id')}",
            "sample_id": 0,
            "question": str(doc.get("question") or doc.get("query") or _argument(line, 0, 0) or ""),
            "reference": _reference(line),
            "answer": answer,
            "grade": None if not found else ("true" if line[found[0]] else "false"),
            "grader": found[0] if found else None,
            "confidence": confidence,
            "confidence_kind": None if confidence is None else "logprob",
            "topic": doc.get("category") or doc.get("subject") or task,
        }
        for name in known:
            value = line.get(name)
            if name not in found[:1] and isinstance(value, int | float):
                row[name] = float(value)
        yield row
    if others:
        notes.append(
            f"{path.name} has answers by several filters: {chosen} is taken, not "
            f"{', '.join(sorted(others))}"
        )
    if ungraded:
        notes.append(f"{ungraded} documents have no measure that is right or wrong (0 or 1)")


def _answer(line: JsonObject) -> tuple[str | None, float | None]:
    """The answer as text; of a multiple choice also its probability among the choices."""
    given = line.get("filtered_resps")
    if not isinstance(given, list) or not given:
        return None, None
    if all(isinstance(item, list) and len(item) == 2 for item in given):
        try:
            logs = [float(item[0]) for item in given]
        except (TypeError, ValueError):
            return None, None
        if len(logs) < 2 or not all(map(math.isfinite, logs)):
            return None, None
        best = max(range(len(logs)), key=logs.__getitem__)
        share = 1 / sum(math.exp(value - logs[best]) for value in logs)
        chosen = _argument(line, best, 1)
        return (None if chosen is None else chosen.strip()), share
    return str(given[0]), None


def _argument(line: JsonObject, request: int, place: int) -> str | None:
    arguments = line.get("arguments")
    argument = arguments.get(f"gen_args_{request}") if isinstance(arguments, dict) else None
    value = argument.get(f"arg_{place}") if isinstance(argument, dict) else None
    return value if isinstance(value, str) else None


def _reference(line: JsonObject) -> str | None:
    """The target; of a multiple choice the text of the choice that it numbers."""
    target = line.get("target")
    text = None if target is None else str(target)
    resps = line.get("filtered_resps")
    choices = len(resps) if isinstance(resps, list) else 0
    if choices > 1 and text is not None and text.isdigit() and int(text) < choices:
        chosen = _argument(line, int(text), 1)
        return chosen.strip() if chosen is not None else text
    return text


def _opened(path: Path, options: ReadOptions, notes: list[str]) -> Evaluation:
    found = rows(path, lines_of(path, notes), notes)
    return Evaluation(READER.name, path.parent.name or path.stem, found)


READER = Reader(
    name="lm_eval",
    of=FORMAT,
    expects="lm-evaluation-harness (samples_*.jsonl)",
    rank=7,
    gives=(Gives.ANSWERS,),
    recognises=recognises,
    also={"table": recognises, "jsonl": recognises},
    read=evaluation_log(_opened),
    belongs=of_its_own,
    examples=("tests/data/logs/lm_eval",),
    tells="graded answers",
    kl=KL,
)
