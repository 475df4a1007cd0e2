"""Is confidence to be trusted: reliability with null bands, and risk against coverage."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from analytics.figures.drawing.axes import percent_labels
from analytics.figures.drawing.palette import sequence, tinted
from analytics.figures.truth.rates import Panel
from analytics.wording import fixed, percent, rate_text, whole

GREY = "#7F7F7F"


def over_time_panels(bins: int) -> list[Panel]:
    """Measures of `calibration_cells.by_iteration` as panels of a figure over iterations."""
    null = "a calibrated model has on average"
    return [
        Panel("ece", f"ECE<br>{bins} bins", part="ece_null", part_words=null, share=False),
        Panel("adaptive_ece", f"adaptive ECE<br>{bins} equal masses", part="adaptive_null",
              part_words=null, share=False),
        Panel("auroc", "AUROC<br>right over wrong", share=False),
        Panel("brier", "Brier score<br>of attempted", share=False),
        Panel("aurc", "AURC", part="aurc_optimal", part_words="a perfect ranking has",
              share=False),
        Panel("confidence", "mean confidence<br>of attempted", part="accuracy",
              part_words="share right", share=False),
    ]  # fmt: skip


def reliability_figure(diagrams: Mapping[int, pl.DataFrame]) -> go.Figure:
    """Share right against confidence, a line an iteration.

    Args:
        diagrams: iteration to `calibration_cells.reliability`; the null band is drawn for the
            last of them.
    """
    figure = go.Figure()
    figure.add_trace(go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1, "dash": "dash"},
        hoverinfo="skip", showlegend=False,
    ))  # fmt: skip
    inks = sequence(len(diagrams))
    for i, (colour, (iteration, table)) in enumerate(zip(inks, diagrams.items(), strict=True)):
        x, y = table["confidence"].to_numpy(), table["accuracy"].to_numpy()
        if i == len(diagrams) - 1 and table.height > 1:
            low, high = table["null_low"].to_numpy(), table["null_high"].to_numpy()
            figure.add_trace(go.Scatter(
                x=[*x, *x[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines",
                line={"width": 0}, fillcolor=tinted(GREY, 0.2), hoverinfo="skip",
                name="calibrated, 95 %", showlegend=False,
            ))  # fmt: skip
        low, high = table["low"].to_numpy(), table["high"].to_numpy()
        figure.add_trace(go.Scatter(
            x=x, y=y, mode="lines+markers", name=f"iteration {iteration}",
            line={"color": colour, "width": 2}, marker={"size": 6},
            error_y={"type": "data", "array": high - y, "arrayminus": y - low, "width": 0,
                     "thickness": 1},
            text=[
                f"confidence {fixed(left, 2)} to {fixed(right, 2)}<br>{rate_text(share)} right, "
                f"n = {whole(n)}"
                for n, left, right, share in table.select("n", "left", "right", "accuracy").rows()
            ],
            hovertemplate=f"<b>iteration {iteration}</b>, %{{text}}<extra></extra>",
        ))  # fmt: skip
    figure.update_xaxes(title_text="confidence of the answer", range=[0, 1.02], zeroline=False)
    figure.update_yaxes(title_text="share right of attempted", range=[-0.01, 1.02],
                        zeroline=False, **percent_labels())  # fmt: skip
    return _laid_out(figure, "reliability")


def risk_figure(curves: Mapping[int, pl.DataFrame]) -> go.Figure:
    """Wrong answers among the most confident ones, and with a perfect ranking (dotted).

    Args:
        curves: iteration to `calibration_cells.risk_coverage`.
    """
    figure = go.Figure()
    inks = sequence(len(curves))
    for colour, (iteration, table) in zip(inks, curves.items(), strict=True):
        figure.add_trace(go.Scatter(
            x=table["coverage"].to_numpy(), y=table["risk"].to_numpy(), mode="lines",
            name=f"iteration {iteration}", line={"color": colour, "width": 2.2},
            text=[
                f"the {whole(n)} most confident ({percent(covered)}, from {fixed(least, 2)} on)<br>"
                f"{rate_text(wrong)} wrong"
                for n, least, covered, wrong in
                table.select("n", "threshold", "coverage", "risk").rows()
            ],
            hovertemplate=f"<b>iteration {iteration}</b>, %{{text}}<extra></extra>",
        ))  # fmt: skip
        figure.add_trace(go.Scatter(
            x=table["coverage"].to_numpy(), y=table["optimal"].to_numpy(), mode="lines",
            line={"color": colour, "width": 1.3, "dash": "dot"}, showlegend=False,
            text=[rate_text(share) for share in table["optimal"]],
            hovertemplate=f"<b>iteration {iteration}</b>, perfect ranking %{{text}}<extra></extra>",
        ))  # fmt: skip
    figure.update_xaxes(title_text="coverage: share of attempted answered",
                        range=[0, 1.01], zeroline=False, **percent_labels())  # fmt: skip
    figure.update_yaxes(title_text="risk: wrong among these", rangemode="tozero",
                        zeroline=False, **percent_labels())  # fmt: skip
    return _laid_out(figure, "risk")


def _laid_out(figure: go.Figure, kind: str) -> go.Figure:
    figure.update_layout(
        height=400, margin={"l": 58, "r": 16, "t": 34, "b": 48}, uirevision=kind,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return figure
