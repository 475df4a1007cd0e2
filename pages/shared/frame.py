"""What every page has: styles, an empty-store message, and a refresh when the store changes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from analytics.wording import count
from pages.shared import reads
from pages.shared.escaping import named, shown_name
from pages.shared.importing.import_view import import_view
from pages.shared.keeping.caching import pulse


def heading(title: str, says: str) -> None:
    """The page's title and one sentence of what it shows."""
    st.title(title, anchor=False)
    st.caption(says)


def tab(page: str, names: Sequence[str], summary: str = "") -> None:
    """Name the browser's tab after what is shown: many tabs are open in a review.

    Args:
        page: the page's title.
        names: what was chosen; more than three are counted. None: the page's title stands alone.
        summary: of one run, its verdict in a word.
    """
    if not names:
        return
    runs = ", ".join(shown_name(name, 40) for name in names)
    if len(names) > 3:
        runs = f"{shown_name(names[0], 40)} and {len(names) - 1} more"
    st.set_page_config(page_title=" · ".join((f"{runs} {summary}".rstrip(), page)))


def stop_when_empty() -> None:
    """Say how to fill an empty store, and end the page there."""
    refresh_when_store_changes()
    if reads.runs().height:
        return
    st.info("The store is empty. Bring training logs in.", icon=":material/inbox:")
    import_view(reads.store())
    st.markdown("Or point the monitor at a folder of them:")
    st.code("python -m data import PATH/TO/RUN_FOLDER", language=None, wrap_lines=True)
    st.markdown(
        "A TRL output folder works as it is, so do TensorBoard event files and CSV, JSON Lines or "
        "Parquet tables with the columns `run_id, step, kl, proxy_reward, gold_reward`. "
        "The page fills by itself when the first run arrives."
    )
    st.stop()


def say_waiting(chosen: Sequence[str], there: Collection[str]) -> None:
    """Say which of the chosen runs wait for their first verdict."""
    waiting = [run for run in chosen if run not in there]
    if waiting:
        st.info(
            f"{len(waiting)} of the {count(len(chosen), 'chosen run')} "
            f"{'is' if len(waiting) == 1 else 'are'} being judged for the first time and will come "
            f"by themselves: {named(waiting)}.",
            icon=":material/hourglass_top:",
        )


@contextmanager
def reading(words: str, what: object) -> Iterator[None]:
    """A spinner while a session reads something for the first time; from then on it is there."""
    key = f"read {words}"
    if st.session_state.get(key) == what:
        yield
        return
    with st.spinner(words):
        yield
    st.session_state[key] = what


TOOK = "page_took"
"""Where a session keeps when its page's last run ended (monotonic) and how long that took, s."""


@contextmanager
def timed() -> Iterator[None]:
    """Keep how long the page takes: it is not run again before it has rested."""
    began = time.monotonic()
    try:
        yield
    finally:
        st.session_state[TOOK] = (time.monotonic(), time.monotonic() - began)


def rested(ended: float, took: float, now: float) -> bool:
    """Whether a page may run again by itself.

    One of hundreds of runs takes seconds: while verdicts of them come in one after the other it
    would be grey all the time.

    >>> rested(100.0, 0.8, 100.0), rested(100.0, 4.0, 105.0), rested(100.0, 4.0, 109.0)
    (True, False, True)
    """
    return now - ended >= 3 * max(0.0, took - 1.0)


SHOWS = "page_shows"
"""Where a session keeps which runs its page shows, and their state when they were read."""
OTHER_NEWS = 15.0
"""Seconds that news of other runs than a page shows may wait: of hundreds there is always some."""


def refresh_when_store_changes() -> None:
    """Run the page again when rows or verdicts have changed; zoom and choices stay."""
    st.session_state[SHOWS] = None
    _watch(pulse(), frozenset(reads.run_generations()), time.monotonic())


def shows(chosen: Sequence[Mapping[str, Any]]) -> None:
    """Say that a page shows these runs alone, before it reads them: it need not hurry for others.

    chosen: rows of the query runs.
    """
    st.session_state[SHOWS] = {
        run["run_id"]: reads.run_state(run["run_id"], run["generation"]) for run in chosen
    }


@st.fragment(run_every=1.0)
def _watch(seen: tuple[int, int], there: frozenset[str], since: float) -> None:
    now, (ended, took) = time.monotonic(), st.session_state.get(TOOK, (0.0, 0.0))
    if pulse() == seen or not rested(ended, took, now):
        return
    shown = st.session_state.get(SHOWS)
    if shown is None or now - since > OTHER_NEWS or _changed(shown, there):
        st.rerun(scope="app")


def _changed(shown: Mapping[str, reads.RunState], there: frozenset[str]) -> bool:
    """Whether a run came or went, or one of those that are shown has changed."""
    every = reads.run_generations()
    return every.keys() != there or any(
        run not in every or reads.run_state(run, every[run]) != state
        for run, state in shown.items()
    )
