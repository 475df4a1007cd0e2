"""Panels over one x axis, sized in pixels: what stands in one panel lies under the same in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from analytics.figures.drawing.axes import TITLES

GAP, TOP, BOTTOM = 20, 30, 56
LEGEND = 48
"""Pixels: between panels, over the highest, under the lowest, and for a legend of two rows."""
STRIP = "y50"
"""The strip of marks over the panels. The panels are y, y2 and so on from the top: an address
that holds a zoom names them so."""


@dataclass(frozen=True)
class Stack:
    """A figure of panels with its measures.

    Attributes:
        figure: with one x axis and an axis ``y``, ``y2``, … a panel, the first on top.
        heights: of the panels, pixels.
        area: height of panels, gaps and strip, pixels.
        under: fraction of the area under the strip's lower edge.
    """

    figure: go.Figure
    heights: tuple[int, ...]
    area: int
    under: float

    def panel(self, place: int) -> str:
        """The name of the y axis of the panel ``place``, from 0."""
        return "y" if place == 0 else f"y{place + 1}"


def stacked(heights: Sequence[int], strip: int, gutter: int, axis: str, legend: bool) -> Stack:
    """An empty figure of panels.

    Args:
        heights: of the panels from the top, pixels.
        strip: height of the strip over them, pixels; 0 = none.
        gutter: width at the right for labels, pixels.
        axis: key of TITLES.
        legend: whether room is left for one under the axis.
    """
    area = sum(heights) + GAP * (len(heights) - 1) + (strip + 8 if strip else 0)
    bottom = BOTTOM + (LEGEND if legend else 0)
    figure = go.Figure()
    figure.update_layout(
        height=area + TOP + bottom,
        margin={"l": 64, "r": gutter, "t": TOP, "b": bottom},
        xaxis={
            "title": {"text": TITLES[axis]}, "zeroline": False, "domain": [0, 1],
            "anchor": "y" if len(heights) == 1 else f"y{len(heights)}",
            "showspikes": True, "spikemode": "across", "spikesnap": "cursor", "spikedash": "solid",
            "spikethickness": 1, "spikecolor": "rgba(128,128,128,0.6)",
            "unifiedhovertitle": {"text": " "},
        },
        showlegend=legend,
        legend={"orientation": "h", "y": -BOTTOM / area, "yanchor": "top", "x": 0,
                "xanchor": "left", "font": {"size": 12}, "maxheight": LEGEND},
        hoversubplots="axis", hoverdistance=48,
        meta={"axis": axis, "left_out": []},
    )  # fmt: skip
    top = 1.0 - (strip + 8 if strip else 0) / area
    edge = top
    for place, height in enumerate(heights):
        name = "yaxis" if place == 0 else f"yaxis{place + 1}"
        low = max(0.0, edge - height / area)
        figure.update_layout(
            {name: {"domain": [low, edge], "anchor": "x", "zeroline": False, "automargin": True,
                    "title": {"font": {"size": 13}}}}
        )  # fmt: skip
        edge = low - GAP / area
    if strip:
        figure.update_layout(
            {f"yaxis{STRIP[1:]}": {
                "domain": [1.0 - strip / area, 1.0], "anchor": "x", "side": "right",
                "fixedrange": True, "showgrid": False, "zeroline": False, "ticks": "",
                "showticklabels": False, "automargin": False,
            }}
        )  # fmt: skip
    return Stack(figure, tuple(heights), area, top)
