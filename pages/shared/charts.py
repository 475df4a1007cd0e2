"""How a figure is put on a page: the same everywhere, with its words for readers who hear it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import streamlit as st

from analytics.figures.sent.finished import Finished
from analytics.figures.words.described import described, words_of
from pages.shared.escaping import escaped

PLAIN = {"displaylogo": False}


class Drawn(NamedTuple):
    """A figure of the page that runs: its name there, its finding, itself."""

    key: str
    says: str
    figure: Any


_drawn: ContextVar[list[Drawn] | None] = ContextVar("drawn", default=None)


@contextmanager
def collected() -> Iterator[list[Drawn]]:
    """The figures that are drawn meanwhile, for a pin of the view."""
    found: list[Drawn] = []
    token = _drawn.set(found)
    try:
        yield found
    finally:
        _drawn.reset(token)


def draw(
    figure: Any, key: str, says: str, place: Any = st, config: Mapping[str, Any] | None = None
) -> None:
    """Draw a figure.

    Args:
        figure: what to draw.
        key: its name on the page: a chart keeps zoom and hidden lines by it.
        says: its finding or its title, for those who do not see it.
        place: where, a column or a container.
        config: further settings of Plotly.
    """
    words = figure.words if isinstance(figure, Finished) else words_of(figure)
    drawn = _drawn.get()
    if drawn is not None:
        drawn.append(Drawn(key, says, figure))
    place.plotly_chart(
        figure, key=key, config={**PLAIN, **(config or {})}, theme="streamlit",
        alt=described(words, says),
    )  # fmt: skip


def caption(figure: Any, place: Any = st) -> None:
    """Under a figure: what its marks mean, in words made from what is drawn."""
    words = figure.words if isinstance(figure, Finished) else words_of(figure)
    if words.caption:
        place.caption(escaped(words.caption))


def preview(figure: Any, key: str, says: str) -> None:
    """A figure as it will be saved: at its own size and in its own colours."""
    st.plotly_chart(
        figure, key=key, config={**PLAIN, "displayModeBar": False, "responsive": False},
        theme=None, width="content", alt=says,
    )  # fmt: skip
