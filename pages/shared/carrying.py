"""Choices that go along from page to page: the menu's links drop what the address held."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

SAME = {"run": "loop", "loop": "run"}
"""A loop is a run with iterations: what one page calls loop, another calls run."""


def carry(page: str, takes: Mapping[str, tuple[str, ...]]) -> None:
    """Before a page runs: remember its choices, or bring it those of the page before.

    A page whose address names choices of its own is left as it is, and so is what was remembered
    where a page knows none of the keys. Called first, because a page may stop half way.

    Args:
        page: address of the page that is about to run.
        takes: keys of the address that each page knows and hands on, by page.
    """
    came_from = st.session_state.get("_page")
    st.session_state["_page"] = page
    kept: dict[str, list[str]] = st.session_state.setdefault("_kept", {})
    keys = takes.get(page, ())
    if came_from not in (None, page) and not any(key in st.query_params for key in keys):
        for key in keys:
            if values := kept.get(key) or kept.get(SAME.get(key, "")):
                st.query_params[key] = values
    for key in keys:
        # A bound widget knows the reader's last choice before the address does.
        value = st.session_state.get(key) if came_from == page else None
        kept[key] = list(value if isinstance(value, list) else st.query_params.get_all(key))
