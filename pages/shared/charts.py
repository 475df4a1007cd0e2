"""How a figure is put on a page: the same everywhere, with its words for readers who hear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.figures.described import described, words_of
from analytics.figures.finished import Finished

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
