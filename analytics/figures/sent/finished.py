"""A figure that many readers see: what the page sends of it is made once."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure

from analytics.figures.words.described import Words, words_of


class Finished(BaseFigure):  # type: ignore[misc]
    """A drawn figure that nobody changes any more; Streamlit takes it as it takes any other."""

    def __init__(self, figure: go.Figure) -> None:
        """Its dictionary, numbers packed, is kept in place of the figure."""
        object.__setattr__(self, "_whole", figure.to_dict())
        object.__setattr__(self, "_words", words_of(figure))

    @property
    def words(self) -> Words:
        """What is drawn, for who hears it."""
        words: Words = object.__getattribute__(self, "_words")
        return words

    def to_dict(self) -> dict[str, Any]:
        """As of a figure. Traces are copies: what serialises them takes their ``uid`` away."""
        whole: dict[str, Any] = object.__getattribute__(self, "_whole")
        return {**whole, "data": [dict(trace) for trace in whole["data"]]}
