"""Notes on what a page shows: read, write, edit. What was decided stands first."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analytics.words.notes import DECISIONS, about, when
from pages.shared.asking import note_reads
from pages.shared.escaping import called, escaped
from pages.shared.people.notes_html import notes_html

JS_WHOLE = 2**53 - 1
"""The largest whole number that a browser holds."""


def show_notes(
    runs: Sequence[str], place: str | None = None, last: int | None = None, pin: str | None = None
) -> None:
    """The notes of some runs, or of a pin, and the form that writes one.

    Args:
        runs: on the page; the first is what a new note is about unless another is chosen.
        place: what a note may be about within a run: "step" or "iteration"; None = the whole.
        last: the largest of these.
        pin: of whose pinned view they are; then of no run.
    """
    st.header("Notes and decisions", anchor=False)
    notes = note_reads.notes(() if pin else tuple(runs), pin) if (runs or pin) else []
    if notes:
        changed = {n["note_id"]: note_reads.edits(n["note_id"]) for n in notes if n["edit"]}
        st.html(notes_html(notes, changed, datetime.date.today(), len(runs) > 1))
    row = st.container(horizontal=True, gap="small")
    with row.popover("Write a note", icon=":material/edit_note:"):
        note_form("note", runs, place, last, {"pin_id": pin} if pin else {})
    if notes:
        with row.popover("Edit a note", icon=":material/edit:"):
            _edit(notes, place, last)


def note_form(
    key: str, runs: Sequence[str], place: str | None, last: int | None, about_it: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """The form of a note.

    Args:
        key: of the form on its page.
        runs: what it may be about.
        place: "step", "iteration" or None.
        last: the largest of these.
        about_it: columns of the note that are fixed.
        before: the note that is edited.
    """
    form: dict[str, Any] = dict(before or {})
    with st.form(key, border=False, clear_on_submit=before is None):
        run = None
        if "run_id" not in about_it and "pin_id" not in about_it and before is None:
            run = runs[0] if len(runs) == 1 else st.selectbox(
                "About", list(runs), key=f"{key}-run", format_func=called)  # fmt: skip
        text = st.text_area("Note", form.get("text") or "", key=f"{key}-text", height=110,
                            placeholder="Markdown: **bold**, lists, links")  # fmt: skip
        cells = st.columns(2)
        decision = cells[0].selectbox(
            "Decision", list(DECISIONS), index=_index(form.get("decision")), key=f"{key}-decision",
            format_func=DECISIONS.__getitem__, placeholder="none",
        )  # fmt: skip
        at = None
        if place:
            at = cells[1].number_input(
                f"At {place}", min_value=0, max_value=min(last, JS_WHOLE) if last else None,
                value=form.get(place), step=1, placeholder="all of it", key=f"{key}-at",
            )  # fmt: skip
        owner = cells[0].text_input("Owner", form.get("owner") or "", key=f"{key}-owner")
        due = cells[1].date_input("Due", form.get("due") or None, key=f"{key}-due")
        by = st.text_input("Your name", note_reads.signed_in(), key=f"{key}-by")
        removed = before is not None and st.checkbox("Take it away", key=f"{key}-removed")
        if st.form_submit_button("Keep"):
            note = {
                **_kept(form), **about_it, "text": text, "decision": decision, "owner": owner,
                "due": str(due) if due else None, "by": by, "removed": bool(removed),
            }  # fmt: skip
            note |= {"run_id": run} if run else {}
            note |= {place: int(at) if at is not None else None} if place else {}
            _write(note)


def _write(note: dict[str, Any]) -> None:
    try:
        note_reads.keep(note)
    except note_reads.NoteError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    note_reads.remember(str(note["by"]).strip())
    st.rerun()


def _edit(notes: Sequence[Mapping[str, Any]], place: str | None, last: int | None) -> None:
    by_id = {note["note_id"]: note for note in notes}
    chosen = st.selectbox(
        "Which", list(by_id), key="edited-note", format_func=lambda one: _title(by_id[one]),
    )  # fmt: skip
    if chosen in by_id:
        note_form(f"edit-{chosen}", (), place, last, {"note_id": chosen}, by_id[chosen])


def _title(note: Mapping[str, Any]) -> str:
    words = " ".join(str(note["text"] or note["decision"] or "").split())
    parts = [about(note)] if about(note) else []
    return called(f"{', '.join([*parts, str(note['by'])])}, {when(note)}: {words}")


def _kept(before: Mapping[str, Any]) -> dict[str, Any]:
    names = ("run_id", "step", "iteration", "topic", "pin_id")
    return {name: before[name] for name in names if before.get(name) is not None}


def _index(decision: str | None) -> int | None:
    return list(DECISIONS).index(decision) if decision in DECISIONS else None
