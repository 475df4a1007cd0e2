"""Figures inside a document of one file: Plotly's code once, each figure by its own data."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

CONFIG: dict[str, bool] = {"displaylogo": False, "responsive": True}


def plotly_code() -> str:
    """The code that draws, for one ``<script>``."""
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def embedded(figure: go.Figure, name: str) -> str:
    """One figure as HTML without that code, on white, as wide as its page.

    name: unique in the document, letters and digits.
    """
    figure.update_layout(template="plotly_white", paper_bgcolor="#FFFFFF", autosize=True)
    made: str = to_html(
        figure, config=CONFIG, include_plotlyjs=False, full_html=False, div_id=name,
        include_mathjax=False,
    )  # fmt: skip
    return made
