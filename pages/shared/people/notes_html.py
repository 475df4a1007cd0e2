"""Notes as HTML of our own: what people wrote goes through one door."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from analytics.review.markdown import note_html
from analytics.words.notes import about, decided, when
from pages.shared.escaping import shown_name

STYLE = """
<style>
.notes > div {border-left:3px solid rgba(128,128,128,.5); padding:.1rem 0 .1rem .8rem;
  margin:.5rem 0; overflow-wrap:anywhere; max-height:24rem; overflow:auto}
.notes p, .notes ul, .notes ol, .notes pre {margin:.15rem 0; white-space:pre-wrap}
.notes pre, .notes code {font-size:.85rem; white-space:pre-wrap}
.notes small {opacity:.8; font-size:.8rem}
.notes b {font-weight:600}
.notes a {color:inherit; text-decoration:underline}
.notes .said {unicode-bidi:isolate; display:block}
.notes details summary {cursor:pointer; opacity:.8; font-size:.8rem}
</style>
"""


def notes_html(
    notes: Sequence[Mapping[str, Any]], edits: Mapping[str, Sequence[Mapping[str, Any]]],
    today: datetime.date, named: bool = False,
) -> str:  # fmt: skip
    """HTML of notes.

    Args:
        notes: rows of the question "notes".
        edits: all edits of those that were changed, by note_id.
        today: marks what is overdue.
        named: whether each names its run.
    """
    return f"{STYLE}<div class='notes'>{''.join(_one(n, edits, today, named) for n in notes)}</div>"


def _one(
    note: Mapping[str, Any], edits: Mapping[str, Sequence[Mapping[str, Any]]],
    today: datetime.date, named: bool,
) -> str:  # fmt: skip
    decision = decided(note, today)
    subject = [shown_name(str(note["run_id"]))] if named and note["run_id"] else []
    subject += [about(note)] if about(note) else []
    head = f"<b>{escape(shown_name(decision, 160))}</b> " if decision else ""
    meta = " · ".join([*subject, shown_name(str(note["by"])), when(note)])
    return (
        f"<div>{head}<small dir='auto'>{escape(meta)}</small>"
        f"<span class='said' dir='auto'>{note_html(note['text'] or '')}</span>"
        f"{_history(edits.get(note['note_id'], ()))}</div>"
    )


def _history(edits: Sequence[Mapping[str, Any]]) -> str:
    if len(edits) < 2:
        return ""
    rows = "".join(
        f"<div><small>{escape(shown_name(str(one['by'])))} · {when(one)}"
        f"{' · ' + escape(decided(one)) if one['decision'] else ''}</small>"
        f"<span class='said' dir='auto'>{note_html(one['text'] or '')}</span></div>"
        for one in edits[:-1]
    )
    return f"<details><summary>edited, {len(edits) - 1} before</summary>{rows}</details>"
