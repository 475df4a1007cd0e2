"""How often each detector errs, what it finds, and how late: one row a detector, two errors."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.figures.drawing.palette import PROXY_INK, RUN_COLOURS
from analytics.wording import percent, percent_spread, spread

MOST = 0.1
"""False alarms are drawn up to here: 5 % is asked, and beyond 10 % only the number matters."""
OURS = ("scan alarm", "scan alarm, no plan", "e-process", "posterior warning")
LONGEST = 17
"""Letters of a detector's name on one line: the panels need a phone's width themselves."""
PANELS = (
    ("false_alarms", "false<br>alarms, to<br>10 %", True),
    ("power", "falls<br>found", True),
    ("ratio", "KL over<br>peak's KL", False),
)


def detector_figure(table: pl.DataFrame) -> go.Figure:
    """Three panels of dots with bars of two standard errors.

    Args:
        table: of ``analytics.measured.published.detector_table``, its detectors in words.
    """
    names = table["detector"].to_list()[::-1]
    figure = make_subplots(rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.09)
    for column, (key, title, share) in enumerate(PANELS, start=1):
        for ours in (True, False):
            part = table.filter(pl.col("detector").is_in(OURS) == ours)
            value = part[key].cast(pl.Float64).fill_null(np.nan).to_numpy()
            over = value > MOST if key == "false_alarms" else np.zeros(len(value), dtype=bool)
            error = 2 * part[f"{key}_se"].cast(pl.Float64).fill_null(0.0).to_numpy()
            figure.add_trace(
                go.Scatter(
                    x=np.where(over, MOST, value), y=part["detector"].to_list(),
                    mode="markers", showlegend=False, cliponaxis=False,
                    marker={"size": 9, "color": RUN_COLOURS[0] if ours else PROXY_INK,
                            "symbol": [
                                "triangle-right" if far else "circle" if ours else "diamond-open"
                                for far in over
                            ]},
                    error_x={"type": "data", "array": np.where(over, 0, error), "width": 0,
                             "thickness": 1.4},
                    text=[
                        percent_spread(*pair) if share else spread(*pair)
                        for pair in part.select(key, f"{key}_se").rows()
                    ],
                    hovertemplate="<b>%{y}</b><br>%{text}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
        figure.update_xaxes(
            title_text=title, title_font={"size": 12}, tickformat=None if share else ".0f",
            tickangle=0,
            nticks=4, row=1, col=column,
        )  # fmt: skip
        for name, value in table.select("detector", key).iter_rows():
            if words := _in_words(key, value):
                figure.add_annotation(
                    x=0.9 if column == 1 else 0.98, xref=f"x{column if column > 1 else ''} domain",
                    y=name, xanchor="right", yref=f"y{column if column > 1 else ''}", text=words,
                    showarrow=False, font={"size": 11},
                )  # fmt: skip
    figure.add_vline(x=0.05, line={"color": PROXY_INK, "dash": "dash", "width": 1.3}, row=1, col=1,
                     annotation={"text": "5 %", "font": {"size": 11}})  # fmt: skip
    figure.add_vline(x=1, line={"color": "rgba(128,128,128,.6)", "dash": "dot", "width": 1},
                     row=1, col=3)  # fmt: skip
    figure.update_xaxes(zeroline=False, rangemode="tozero")
    for column, end in ((1, MOST), (2, 1.0)):  # ends only: a phone has no room for more
        figure.update_xaxes(
            range=[-0.02 * end, 1.05 * end], tickvals=[0, end],
            ticktext=["0" if column == 1 else "", percent(end)], row=1, col=column,
        )  # fmt: skip
    far = _far(table["ratio"])
    # Not 0, where the panel before ends.
    figure.update_xaxes(range=[0, far], tickvals=[1, max(int(far), 2)], row=1, col=3)
    figure.update_yaxes(
        categoryorder="array", categoryarray=names, automargin=True, ticks="", tickvals=names,
        ticktext=["<br>".join(wrap(name, LONGEST)) for name in names],
    )  # fmt: skip
    figure.update_layout(height=118 + 34 * len(names), margin={"l": 8, "r": 8, "t": 24, "b": 76})
    return figure


def _far(ratios: pl.Series) -> float:
    """Where the scale of delays ends: a little after the longest that is drawn."""
    return 1.06 * max([float(ratio) for ratio in ratios.drop_nulls()], default=2.0)


def _in_words(key: str, value: float | None) -> str:
    """What stands in place of a dot, or beside one at the end of its scale."""
    if value is None:
        return "most never"
    return percent(value) if key == "false_alarms" and value > MOST else ""
