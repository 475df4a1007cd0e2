"""What every page on truth asks first: which loops, and up to where; and their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import streamlit as st

from analytics.figures.drawing.palette import run_colour, run_dash
from analytics.figures.truth.rates import Line
from pages.shared import links, reads
from pages.shared.choices import choose_named
from pages.shared.escaping import called
from pages.shared.page_parts.freezing import frozen_steps

MOST_LOOPS = 8
"""So many loops are shown when none is named."""


@dataclass(frozen=True)
class Scope:
    """The loops on the page, and the iteration each is frozen at."""

    loops: tuple[str, ...]
    named: tuple[str, ...]
    frozen: Mapping[str, int]
    ordinals: Mapping[str, int]

    def cut(
        self, frame: pl.DataFrame, column: str = "loop", time: str = "iteration"
    ) -> pl.DataFrame:
        """The frame without what came after the freeze."""
        for name, last in self.frozen.items():
            frame = frame.filter((pl.col(column) != name) | (pl.col(time) <= last))
        return frame

    def lines(self, names: Sequence[str] | None = None) -> list[Line]:
        """The loops' lines in their own colours."""
        return [
            Line(name, name, run_colour(self.ordinals[name]), run_dash(self.ordinals[name]))
            for name in names or self.loops
        ]

    def address(self) -> list[tuple[str, object]]:
        """Loops and freeze as a link pins them: a loop that is not frozen is, where it ends."""
        every = {row["run_id"]: row["step_end"] for row in reads.runs().iter_rows(named=True)}
        ends = [("until", self.frozen.get(loop, every.get(loop) or 0)) for loop in self.loops]
        return [("loop", loop) for loop in self.loops] + list(ends)


def choose_scope(there: Mapping[str, int], what: str) -> Scope:
    """Ask which loops; ends the page where the address names only what is not there.

    Args:
        there: loops that have what the page shows, with their numbers of arrival.
        what: that, in words: "graded answers".
    """
    asked = links.asked("loop")
    until = dict(zip(asked, links.asked_until(asked), strict=True))
    whole = links.asked_until([""])[0] if not asked else None
    chosen, missing = choose_named("Loops", list(there), "loop", "All loops")
    every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
    for name in missing:
        if name in every:
            st.info(
                f"{called(name)} has no {what} in this store.",
                icon=":material/search_off:",
            )
        else:
            st.error(
                f"The link asks for {called(name)}, which is not in this store. Import its log, "
                "or choose another loop.",
                icon=":material/search_off:",
            )
    if missing and not chosen:
        st.stop()
    shown = tuple(chosen) or tuple(there)[:MOST_LOOPS]
    if not chosen and len(there) > MOST_LOOPS:
        st.caption(f"The first {MOST_LOOPS} of {len(there)} loops; choose those to see.")
    frozen = frozen_steps(
        shown, {loop: until.get(loop, whole) for loop in shown}, every, "iteration"
    )  # fmt: skip
    return Scope(shown, tuple(chosen), frozen, there)


def copy_link(path: str, choices: Sequence[tuple[str, object]]) -> None:
    """The link that restores the view as it is now."""
    with st.popover("Copy link", icon=":material/link:"):
        st.caption("Restores this view and freezes it: later iterations change nothing in it.")
        st.code(links.page_link(path, choices), language=None, wrap_lines=True)


def no_answers(what: str, columns: str) -> None:
    """Say how to bring in what a page needs, and end it."""
    st.info(f"There are no {what} in the store yet.", icon=":material/fact_check:")
    st.code("python -m data import PATH/TO/answers.parquet", language=None, wrap_lines=True)
    st.markdown(
        f"An answers table (CSV, JSON Lines, Parquet) has {columns}; SimpleQA's results, Inspect "
        "logs, lm-evaluation-harness samples and FActScore claims are read as they are."
    )
    st.stop()
