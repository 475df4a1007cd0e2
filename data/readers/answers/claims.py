"""Claims of long answers judged one by one: FActScore's annotations and SAFE's results.

A claim becomes an answer of its response (the question): supported = correct, not supported =
incorrect, irrelevant = no grade. A response without annotations abstained: one answer, not
attempted. Rates then average within the response first, as FActScore does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data.columns import ReadOptions
from data.declared.foreign import JsonObject
from data.readers.answers.answer_rows import AnswerRow
from data.readers.answers.evaluations import FORMAT, KL, Evaluation, evaluation_log
from data.readers.answers.evaluations import lines as lines_of
from data.readers.files.table_files import is_json_table
from data.readers.raw.reader import Gives, Reader, of_its_own

LABELS = {
    "s": "correct", "supported": "correct",
    "ns": "incorrect", "not supported": "incorrect", "not-supported": "incorrect",
}  # fmt: skip
SNIFFED = 1 << 16
MARKS = (b'"human-atomic-facts"', b'"checked_statements"', b'"annotations": null')


def recognises(path: Path) -> bool:
    """Whether a JSONL file is, by its start, one of judged claims."""
    if not path.name.endswith(".jsonl") or is_json_table(path):
        return False
    try:
        with path.open("rb") as file:
            start = file.read(SNIFFED)
    except OSError:
        return False
    return any(mark in start for mark in MARKS) and (b'"annotations"' in start or MARKS[1] in start)


def rows(lines: Iterator[JsonObject], notes: list[str]) -> Iterator[AnswerRow]:
    """Each claim as an answer to its response's prompt.

    Args:
        lines: one response each.
        notes: gets sentences on what was left out.
    """
    left = {"sentences without claims": 0}
    for number, line in enumerate(lines):
        about = line.get("topic")
        categories = line.get("cat")
        topic = categories[0] if isinstance(categories, list) and categories else None
        base = {
            "question_id": str(line.get("id") or about or number),
            "question": line.get("input") or line.get("prompt"),
            "topic": topic,
            "entity_id": about,
            "grader": "human" if "annotations" in line else "SAFE",
        }
        facts = _facts(line, left)
        if facts is None:
            output = line.get("output") or line.get("response")
            yield {**base, "sample_id": 0, "answer": output, "grade": "not_attempted"}
            continue
        for place, (text, label) in enumerate(facts):
            folded = str(label).strip().lower()
            yield {**base, "sample_id": place, "answer": text, "grade": LABELS.get(folded, label)}
    if n := left["sentences without claims"]:
        notes.append(f"{n} sentences were given no claims (irrelevant, or none stated)")


def _facts(line: JsonObject, left: dict[str, int]) -> list[tuple[str, str]] | None:
    """The judged claims of a response; None when it abstained."""
    if "annotations" in line:
        if line["annotations"] is None:
            return None
        found: list[tuple[str, str]] = []
        for sentence in line["annotations"]:
            facts = sentence.get("human-atomic-facts") if isinstance(sentence, dict) else None
            left["sentences without claims"] += not facts
            found += [(str(f.get("text")), str(f.get("label"))) for f in facts or []]
        return found
    checked = line.get("checked_statements")
    if not isinstance(checked, list):
        return None
    return [
        (str(s.get("self_contained_atomic_fact") or s.get("atomic_fact")), str(s.get("annotation")))
        for s in checked if isinstance(s, dict)
    ]  # fmt: skip


def _opened(path: Path, options: ReadOptions, notes: list[str]) -> Evaluation:
    stem = path.name.split(".")[0] or path.name
    return Evaluation(READER.name, stem, rows(lines_of(path, notes), notes))


READER = Reader(
    name="claims",
    of=FORMAT,
    expects="FActScore's and SAFE's judged claims (*.jsonl)",
    rank=7,
    gives=(Gives.ANSWERS,),
    recognises=recognises,
    also={"table": recognises, "jsonl": recognises},
    read=evaluation_log(_opened),
    belongs=of_its_own,
    examples=("tests/data/logs/claims",),
    tells="graded answers",
    kl=KL,
)
