"""How a figure is put on a page: the same everywhere, with its words for readers who hear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.figures.described import described, words_of
from analytics.figures.finished import Finished
from pages.shared.frame import escaped

PLAIN = {"displaylogo": False}


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
