"""Parameters of Gao's curves over size, and gold over proxy for runs of different optimisers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.computing.quantiles import t_quantile
from analytics.figures.drawing.palette import run_colour, tinted
from analytics.figures.drawing.text import plain
from analytics.scaling_laws import Family, Prediction, Trend
from analytics.scaling_laws.family import kl_of
from analytics.wording import number, with_interval

Z90 = 1.645
GREY = "#7F7F7F"
AT_START = 0.01
"""A peak below this KL, nats, is at the start: a log axis has no place for it."""


def scaling_figure(
    family: Family,
    sizes: np.ndarray,
    ordinals: Sequence[int],
    size_name: str,
    rose: Trend | None,
    fell: Trend | None,
    made: Prediction | None,
    simulated: bool = False,
) -> go.Figure:
    """KL at the peak, alpha and beta of each run over the size, with trend and prediction.

    sizes: (k,) > 0, of the family's runs; ordinals: their colours; rose, fell: lines of alpha and
    of beta. Where the family's form is not told, alpha and beta are left out.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.04,
                           row_heights=[300, 190, 190])  # fmt: skip
    for place, run in enumerate(family.runs):
        kl, low, high = family.peak(place)
        colour, size = run_colour(ordinals[place]), float(sizes[place])
        if kl is not None and kl >= AT_START:
            _point(
                figure,
                row=1,
                x=size,
                y=kl,
                low=low,
                high=high,
                colour=colour,
                name=run,
                words="KL at the peak",
                unit="nats",
            )
        if not family.established:
            continue
        alpha, beta = float(family.alphas[place]), float(family.betas[place])
        wide, deep = Z90 * float(family.alphas_se[place]), Z90 * float(family.betas_se[place])
        _point(
            figure,
            row=2,
            x=size,
            y=alpha,
            low=alpha - wide,
            high=alpha + wide,
            colour=colour,
            name=run,
            words="α",
        )
        _point(
            figure,
            row=3,
            x=size,
            y=beta,
            low=beta - deep,
            high=beta + deep,
            colour=colour,
            name=run,
            words="β",
        )
    ends = [float(np.min(sizes)), float(np.max(sizes))]
    if made is not None and not made.refused:
        ends = [min(ends[0], made.size), max(ends[1], made.size)]
    grid = np.geomspace(ends[0], ends[1] * 1.0001, 60)
    if family.established and family.alpha is not None and family.alpha_se is not None:
        level, reach = np.full(60, family.alpha), np.full(60, Z90 * family.alpha_se)
        _line(figure, 2, grid, level, level - reach, level + reach)
    for row, found in ((2, rose), (3, fell)):
        if found is not None:
            half = float(t_quantile(0.95, found.freedom)) * found.error(grid)
            _line(figure, row, grid, found.at(grid), found.at(grid) - half, found.at(grid) + half)
    if fell is not None:
        alphas = rose.at(grid) if rose is not None else np.full(60, family.alpha)
        betas = fell.at(grid)
        peaks = [kl_of(a / b, family.form) if b > 0 else None
                 for a, b in zip(alphas, betas, strict=True)]  # fmt: skip
        _line(figure, 1, grid, np.array([np.nan if p is None else p for p in peaks]))
    if made is not None and not made.refused and made.kl is not None:
        words = "predicted KL at the peak"
        _point(
            figure,
            row=1,
            x=made.size,
            y=made.kl,
            low=made.low,
            high=made.high,
            colour=GREY,
            name="predicted",
            words=words,
            unit="nats",
            symbol="x",
        )
        figure.add_annotation(
            x=np.log10(made.size), y=np.log10(made.kl), text="predicted, 90 %", showarrow=False,
            yanchor="bottom", xanchor="right", xshift=-6, font={"size": 12}, row=1, col=1,
        )  # fmt: skip
    figure.update_xaxes(type="log", zeroline=False)
    figure.update_xaxes(title_text=plain(size_name), row=3, col=1)
    figure.update_yaxes(title_text="KL at the gold peak<br>nats", type="log", row=1, col=1)
    figure.update_yaxes(title_text="α<br>gold / √nat", row=2, col=1)
    figure.update_yaxes(title_text="β", row=3, col=1)
    figure.update_yaxes(zeroline=False, automargin=True, title_font={"size": 13})
    title = {"text": "SIMULATED, not measured", "x": 0, "font": {"size": 15}} if simulated else None
    figure.update_layout(
        height=760, margin={"l": 64, "r": 16, "t": 44 if simulated else 20, "b": 48}, title=title,
        showlegend=False, hovermode="closest",
        uirevision=f"scaling|{size_name}|{'|'.join(family.runs)}",
    )  # fmt: skip
    return figure


@dataclass(frozen=True)
class Path:
    """Gold over proxy of one run or pool: arrays (points,); optimiser: "RL" or "best-of-n"."""

    name: str
    ordinal: int
    optimiser: str
    proxy: np.ndarray
    gold: np.ndarray
    gold_half: np.ndarray
    kl: Sequence[float | None]


def proxy_axis_figure(paths: Sequence[Path]) -> go.Figure:
    """Gold over proxy reward, where runs of different optimisers can be compared (Gao 3.5)."""
    figure = go.Figure()
    for path in paths:
        colour = run_colour(path.ordinal)
        dash = "solid" if path.optimiser == "RL" else "dot"
        figure.add_trace(
            go.Scatter(
                x=path.proxy, y=path.gold, mode="lines+markers",
                name=f"{plain(path.name, 40)}, {path.optimiser}",
                line={"color": colour, "width": 2.2, "dash": dash},
                marker={"size": 7, "symbol": "circle" if path.optimiser == "RL" else "diamond"},
                error_y={"type": "data", "array": path.gold_half, "width": 0, "thickness": 1},
                text=[
                    f"proxy {number(x)}, gold {number(y)}<br>KL {number(k)} nats"
                    for x, y, k in zip(path.proxy.tolist(), path.gold.tolist(), path.kl,
                                       strict=True)
                ],
                hovertemplate=f"<b>{plain(path.name)}</b><br>%{{text}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_xaxes(title_text="proxy reward, as logged", zeroline=False)
    figure.update_yaxes(title_text="gold reward, as logged", zeroline=False, automargin=True)
    figure.update_layout(
        height=460, margin={"l": 64, "r": 16, "t": 30, "b": 48}, showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "maxheight": 80},
        hovermode="closest", uirevision="|".join(path.name for path in paths),
    )  # fmt: skip
    return figure


def _point(
    figure: go.Figure, row: int, x: float, y: float, low: float | None, high: float | None,
    colour: str, name: str, words: str, unit: str = "", symbol: str = "circle",
) -> None:  # fmt: skip
    # An open end reaches a factor of three on the log axis, and the point becomes a triangle.
    up = [max(high - y, 0.0)] if high is not None else [2 * y]
    down = [max(y - low, 0.0)] if low is not None else [2 * y / 3]
    symbol = "triangle-up" if high is None else symbol
    text = f"{words} {with_interval(y, low, high)} {unit}".rstrip()
    figure.add_trace(
        go.Scatter(
            x=[x], y=[y], mode="markers", marker={"size": 9, "color": colour, "symbol": symbol},
            error_y={"type": "data", "array": up, "arrayminus": down, "width": 0, "thickness": 1.5,
                     "color": colour},
            hovertemplate=f"<b>{plain(name)}</b><br>{text}, 90 %<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _line(
    figure: go.Figure, row: int, x: np.ndarray, y: np.ndarray, low: np.ndarray | None = None,
    high: np.ndarray | None = None,
) -> None:  # fmt: skip
    if low is not None and high is not None:
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), mode="lines",
                fill="toself", fillcolor=tinted(GREY, 0.16), line={"width": 0}, hoverinfo="skip",
            ),
            row=row, col=1,
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(x=x, y=y, mode="lines", hoverinfo="skip",
                   line={"color": GREY, "width": 1.5, "dash": "dash"}),
        row=row, col=1,
    )  # fmt: skip
