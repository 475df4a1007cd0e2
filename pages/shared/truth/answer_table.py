"""Answers as HTML of our own: every text from a log is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from analytics.wording import fixed, whole
from analytics.words.names import cut
from pages.shared.escaping import escaped
from pages.shared.keeping.isolation import Fault, attempt

GRADES = {
    "correct": ("#009E73", "correct"),
    "incorrect": ("#D55E00", "wrong"),
    "not_attempted": ("#7F7F7F", "not attempted"),
    "ungraded": ("#CC79A7", "no known grade"),
}
"""Grade to (colour, words); the colour always stands beside the words."""

CHANGES = {"newly_wrong": "newly wrong", "newly_right": "newly right"}
LONGEST = 600
"""Characters of a text that a table shows; the page of one question shows all."""

_STYLE = """
<style>
.ans {display:grid; column-gap:1.1rem; font-size:.9rem; line-height:1.35;
  grid-template-columns:minmax(13rem,2fr) minmax(9rem,1.3fr) minmax(9rem,1.3fr)
  minmax(8rem,1.1fr)}
.ans > div {display:contents}
.ans > div > * {padding:.5rem 0; border-bottom:1px solid rgba(128,128,128,.25); min-width:0;
  overflow-wrap:anywhere}
.ans .head > * {font-size:.8rem; opacity:.75; padding:.2rem 0}
.ans a {color:inherit; text-decoration:none; border-bottom:1.5px solid rgba(128,128,128,.5)}
.ans a:hover {border-bottom-color:currentColor}
.ans small, .hist small {display:block; opacity:.75; font-size:.8rem}
.ans b, .hist b {font-weight:600}
.dot {display:inline-block; width:.65rem; height:.65rem; border-radius:50%; margin-right:.4rem}
.ans .word {display:none}
.hist {overflow-x:auto}
.hist table {border-collapse:collapse; font-size:.9rem; line-height:1.35}
.hist th, .hist td {text-align:left; vertical-align:top; padding:.45rem 1.1rem .45rem 0;
  border-bottom:1px solid rgba(128,128,128,.25); min-width:8.5rem; max-width:26rem;
  overflow-wrap:anywhere}
.hist th:first-child {min-width:5.4rem}
.hist th {font-weight:600}
@media (max-width: 900px) {
  .ans {display:block}
  .ans .head {display:none}
  .ans > div {display:block; border-bottom:1px solid rgba(128,128,128,.35); padding:.55rem 0}
  .ans > div > * {border:0; padding:.1rem 0; display:block}
  .ans .word {display:inline; opacity:.75; font-style:normal}
}
</style>
"""

HEADS = ("question", "before", "now", "reference")


def answer_table(
    rows: Sequence[Mapping[str, Any]], link: Callable[[Mapping[str, Any]], str]
) -> str:
    """HTML of one page of answers.

    Args:
        rows: of the query answers_page.
        link: the address of one question's own view.
    """
    head = "".join(f"<span>{text}</span>" for text in HEADS)
    body = "".join(_guarded(row, link) for row in rows)
    return f'{_STYLE}<div class="ans"><div class="head">{head}</div>{body}</div>'


def _guarded(row: Mapping[str, Any], link: Callable[[Mapping[str, Any]], str]) -> str:
    made = attempt(str(row.get("question_id")), "shown", lambda: _row(row, link(row)))
    return f"<div><span>{escape(made.sentence)}</span></div>" if isinstance(made, Fault) else made


def _row(row: Mapping[str, Any], address: str) -> str:
    about = " · ".join(
        cut(part) for part in (
            row["loop"], f"iteration {row['iteration']}", row["topic"], row["knowledge"],
            f"sample {row['sample_id']}" if row["sample_id"] else None,
        ) if part
    )  # fmt: skip
    change = CHANGES.get(row["change"] or "")
    if change:
        about += f" · {change} since iteration {row['from_iteration']}"
    return (
        f'<div><span><a href="{escape(address)}">{_text(row["question"] or row["question_id"])}'
        f"</a><small>{escape(about)}</small></span>"
        f'<span><i class="word">before </i>{_before(row)}</span>'
        f'<span><i class="word">now </i>{_text(row["answer"])}'
        f"<small>{_grade(row)}{_sure(row['confidence'])}</small></span>"
        f'<span><i class="word">reference </i>{_text(row["reference"])}</span></div>'
    )


def _before(row: Mapping[str, Any]) -> str:
    """What was answered at the iteration compared with; a question that was not asked then says so.

    Other samples than the one of now may have answered then.
    """
    if row["from_iteration"] is None:
        return "<small>not asked</small>"
    if row["answer_before"] is None and row["grade_before"] is None:
        return "<small>other responses</small>"
    grade = {"grade": row["grade_before"], "grade_logged": None, "malformed": False}
    text = f"{_grade(grade)}{_sure(row['confidence_before'])}"
    return f"{_text(row['answer_before'])}<small>{text}</small>"


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else f", sure {fixed(confidence, 2)}"


def topics_sentence(topics: Sequence[Mapping[str, Any]] | None, most: int = 6) -> str:
    """How many of the answers found are of each topic, the most first; Markdown.

    Args:
        topics: key and value (count) of each topic; None where no answer states one.
        most: topics named.
    """
    ordered = sorted(topics or (), key=lambda one: (-one["value"], str(one["key"])))
    if not ordered:
        return ""
    counts = ", ".join(
        f"{escaped(cut(one['key']))} {whole(one['value'])}" for one in ordered[:most]
    )
    left = len(ordered) - most
    return f"By topic: {counts}{f' and {whole(left)} more' if left > 0 else ''}."


def history_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """HTML of one question over iterations (down) and loops (across), all answers in full.

    Args:
        rows: of the query answer_history, of one origin.
    """
    loops = list(dict.fromkeys(row["loop"] for row in rows))
    steps = sorted({row["iteration"] for row in rows})
    cells: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        cells.setdefault((row["loop"], row["iteration"]), []).append(_answer(row))
    head = "".join(f"<th>{escape(cut(loop))}</th>" for loop in loops)
    body = "".join(
        f"<tr><th>{whole(step)}</th>"
        + "".join(f"<td>{''.join(cells.get((loop, step), ['–']))}</td>" for loop in loops)
        + "</tr>"
        for step in steps
    )
    return f'{_STYLE}<div class="hist"><table><tr><th>iteration</th>{head}</tr>{body}</table></div>'


def _answer(row: Mapping[str, Any]) -> str:
    notes = []
    if row["confidence"] is not None:
        kind = f" ({row['confidence_kind']})" if row["confidence_kind"] else ""
        notes.append(f"confidence {fixed(row['confidence'], 2)}{kind}")
    if row["confidence_consistency"] is not None:
        notes.append(f"agreement of samples {fixed(row['confidence_consistency'], 2)}")
    if row["self_claim"]:
        notes.append(f"had said: {row['self_claim']}")
    if row["grader"]:
        notes.append(f"graded by {cut(row['grader'])}")
    sample = f"<small>sample {escape(cut(row['sample_id']))}</small>" if row["sample_id"] else ""
    notes_html = "".join(f"<small>{escape(note)}</small>" for note in notes)
    return f"<div>{sample}{_text(row['answer'], None)}<br>{_grade(row)}{notes_html}</div>"


def _grade(row: Mapping[str, Any]) -> str:
    ink, words = GRADES[row["grade"] or "ungraded"]
    if row["grade"] is None and row["grade_logged"]:
        words += f": {row['grade_logged'][:40]}"
    if row["malformed"] and row["grade"] == "incorrect":
        words += ", malformed"
    return f'<i class="dot" style="background:{ink}"></i>{escape(words)}'


def _text(value: object, longest: int | None = LONGEST) -> str:
    if value is None or value == "":
        return "<small>not logged</small>"
    text = str(value)
    return escape(text if longest is None or len(text) <= longest else text[: longest - 1] + "…")
