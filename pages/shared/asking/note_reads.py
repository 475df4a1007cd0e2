"""Notes as the pages ask for them and write them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from data.people import written
from data.people.written import NoteError as NoteError
from pages.shared import reads
from pages.shared.keeping.caching import cached


@cached(32, shared=True)
def notes(runs: tuple[str, ...] | None = None, pin: str | None = None) -> list[dict[str, Any]]:
    """Notes as they stand, of some runs (None = all) or of a pin, the latest first."""
    asked = {"runs": None if runs is None else list(runs), "pin": pin}
    return reads.store().query("notes", **asked).to_dicts()


@cached(32)
def edits(note: str) -> list[dict[str, Any]]:
    """All edits of a note, as first written first."""
    return reads.store().query("note_edits", note=note).to_dicts()


def keep(note: dict[str, Any]) -> None:
    """Write a note, or an edit of one.

    Raises:
        NoteError: it cannot be kept; the message says why.
    """
    written.keep_note(reads.store(), note)


def signed_in() -> str:
    """The name of whoever signed in, where the server asks for that; else as last written here."""
    user = st.user.to_dict()
    name = user.get("name") or user.get("email") if user.get("is_logged_in") else None
    return str(name or st.session_state.get("writes", ""))


def remember(name: str) -> None:
    """Keep a name for the next note of this session."""
    st.session_state["writes"] = name
