"""Runs, loops and a freeze go along from page to page: the menu alone would drop them.

`run` and `loop` in an address mean the same on every page; each page keeps them under the word
of its own section. What a page showed last comes along when the menu opens another one.
"""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from pages.shared import reads
from pages.shared.choices import BY_HAND, by_history

NAMED_BY = ("run", "loop")


def carry(path: str, word: str | None) -> None:
    """Before a page runs: give its address the runs of the page that was left.

    Args:
        path: the page's place in the address.
        word: what the page calls its runs, "run" or "loop"; None = it shows all of them.
    """
    state, address = st.session_state, st.query_params
    named = _distinct(name for key in NAMED_BY for name in address.get_all(key))
    until = address.get_all("until")
    arrived = state.get("page_now") != path
    state["page_now"] = path
    if arrived or by_history():
        state[BY_HAND] = {}
    if word is None:
        return
    # What the browser asked for before a choice came to its address still brings the old one.
    named = state.get(BY_HAND, {}).get(word, named)
    if arrived and not named and "carried" in state and not by_history():
        named, until = state["carried"]
    state["carried"] = (named, until)
    # Each change is a message to the browser, which may ask for the page again between two of
    # them: what is missing in the address then would be lost. So one message brings everything.
    changed: dict[str, list[str]] = {}
    if named != address.get_all(word):
        changed[word] = named
        if word not in state:  # a widget bound to the address does not see what is set here
            known = set(reads.runs()["run_id"])
            state[word] = [name for name in named if name in known]
    if until and until != address.get_all("until"):
        changed["until"] = until
    if changed:
        address.update(changed)
    other = NAMED_BY[1 - NAMED_BY.index(word)]
    if other in address:
        del address[other]


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
