"""Best-of-n: gold, proxy and win rate of selecting ever harder, over KL or n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from analytics.best_of_n import Curve
from analytics.figures.drawing.axes import percent_labels, ticks
from analytics.figures.drawing.palette import run_colour, run_dash, tinted
from analytics.figures.drawing.text import plain
from analytics.wording import rate_interval, rate_text, whole, with_interval

TITLES = {
    "sqrt_kl": "KL from the initial policy, nats (√ axis)",
    "kl": "KL from the initial policy, nats",
    "n": "n, responses to choose from",
}
FITTED = {"best_of_n": ("dash", "d (α − βd)"), "rl": ("dot", "d (α − β ln d)")}
MARKED = 2
"""Up to so many curves have their fits and peaks drawn."""


@dataclass(frozen=True)
class Line:
    """A curve with its name and colour; ordinal: of its run, or counted on from that."""

    name: str
    ordinal: int
    curve: Curve
    dashes: int = 0


def best_of_n_figure(lines: Sequence[Line], axis: str, kl: str) -> go.Figure:
    """Gold above, then the proxy in sd of n = 1's level, then the win rate.

    axis: "sqrt_kl", "kl" or "n"; kl: "bound" or "better", which the axis shows.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.035,
                           row_heights=[380, 210, 210])  # fmt: skip
    largest = 0.0
    for line in lines:
        x = positions(line.curve, axis, kl)
        largest = max(largest, float(np.nanmax(_kl_of(line.curve, kl))))
        _draw(figure, line, x, "gold", 1, "gold reward")
        _draw(figure, line, x, "proxy", 2, "proxy")
        _draw(figure, line, x, "win_rate", 3, "beats the initial policy")
    if len(lines) <= MARKED:
        for line in lines:
            _draw_fits(figure, line, axis, alone=len(lines) == 1)
            _mark_peak(figure, line, axis, kl, alone=len(lines) == 1)
    most = max(lines, key=lambda line: line.curve.pool.largest).curve
    figure.add_trace(
        go.Scatter(
            x=positions(most, axis, kl), y=most.frame["win_rate_most"].to_numpy(), mode="lines",
            line={"color": "rgba(127,127,127,.8)", "width": 1.2, "dash": "dot"}, showlegend=False,
            text=[rate_text(share) for share in most.frame["win_rate_most"]],
            hovertemplate="most that is possible %{text}<extra>n / (n + 1)</extra>",
        ),
        row=3, col=1,
    )  # fmt: skip
    end = float(positions(most, axis, kl)[-1])
    figure.add_annotation(
        x=np.log10(end) if axis == "n" else end, y=1.0, text="n / (n + 1), the most possible",
        showarrow=False, xanchor="right", yanchor="bottom", font={"size": 12}, row=3, col=1,
    )  # fmt: skip
    figure.update_yaxes(title_text="gold reward<br>as logged", row=1, col=1)
    figure.update_yaxes(title_text="proxy reward<br>sd over the pool", row=2, col=1)
    figure.update_yaxes(title_text="win rate of gold<br>against the start", row=3, col=1,
                        **percent_labels())  # fmt: skip
    figure.update_yaxes(zeroline=False, automargin=True, title_font={"size": 13})
    figure.update_xaxes(zeroline=False)
    figure.update_xaxes(title_text=TITLES[axis], row=3, col=1)
    if axis == "sqrt_kl":
        where, what = ticks(largest, width=7)  # as many as a phone has room for
        figure.update_xaxes(tickvals=where, ticktext=what)
    if axis == "n":
        far = int(np.log2(most.pool.largest))
        powers = [2**k for k in range(0, far + 1, 1 + far // 8)]
        figure.update_xaxes(type="log", tickvals=powers, ticktext=[whole(p) for p in powers])
    figure.update_layout(
        height=880, margin={"l": 64, "r": 16, "t": 36, "b": 48}, hovermode="closest",
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 13}},
        showlegend=len(lines) > 1 or lines[0].curve.best_of_n is not None,
        uirevision=f"bon|{axis}|{kl}|{'|'.join(line.name for line in lines)}",
    )  # fmt: skip
    return figure


def positions(curve: Curve, axis: str, kl: str) -> np.ndarray:
    """Where each n stands on the axis, shape (K,)."""
    if axis == "n":
        return curve.frame["n"].to_numpy().astype(np.float32)
    values = _kl_of(curve, kl)
    return np.asarray(np.sqrt(values) if axis == "sqrt_kl" else values, dtype=np.float32)


def _kl_of(curve: Curve, kl: str) -> np.ndarray:
    better = kl == "better" and curve.frame["kl_better"].null_count() == 0
    return curve.frame["kl_better" if better else "kl_bound"].to_numpy()


def _draw(figure: go.Figure, line: Line, x: np.ndarray, what: str, row: int, words: str) -> None:
    columns = {
        "gold": ("gold_reward", "gold_low", "gold_high"),
        "proxy": ("proxy_reward", "proxy_low", "proxy_high"),
        "win_rate": ("win_rate", "win_rate_low", "win_rate_high"),
    }[what]
    middle, low, high = (_numbers(line.curve.frame[c]) for c in columns)
    if what == "proxy":
        centre, spread = line.curve.proxy_mean, line.curve.proxy_sd
        middle, low, high = ((values - centre) / spread for values in (middle, low, high))
    colour = run_colour(line.ordinal)
    known = np.isfinite(low) & np.isfinite(high)
    if np.any(known):
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([x[known], x[known][::-1]]),
                y=np.concatenate([high[known], low[known][::-1]]),
                fill="toself", mode="lines", line={"width": 0}, fillcolor=tinted(colour, 0.15),
                hoverinfo="skip", showlegend=False, legendgroup=line.name,
            ),
            row=row, col=1,
        )  # fmt: skip
    in_words = rate_interval if what == "win_rate" else with_interval
    lines = [
        f"best of {whole(n)}<br>{words} {in_words(*values)}, 90 %"
        for n, *values in zip(
            line.curve.frame["n"], middle.tolist(), low.tolist(), high.tolist(), strict=True
        )
    ]
    figure.add_trace(
        go.Scatter(
            x=x, y=middle, mode="lines+markers", name=plain(line.name), legendgroup=line.name,
            showlegend=row == 1, marker={"size": 6},
            line={"color": colour, "width": 2.2,
                  "dash": run_dash(7 * line.dashes)},
            text=lines, hovertemplate=f"<b>{plain(line.name)}</b>, %{{text}}<extra></extra>",
        ),
        row=row, col=1,
    )  # fmt: skip


def _draw_fits(figure: go.Figure, line: Line, axis: str, alone: bool) -> None:
    """The fitted curves, over the KL that the pool reaches."""
    end = float(np.sqrt(line.curve.axis_kl[-1]))
    d = np.linspace(0, end, 80)
    for fit in (line.curve.best_of_n, line.curve.rl) if alone else (line.curve.best_of_n,):
        if fit is None:
            continue
        dash, words = FITTED[fit.form]
        if axis == "n":
            # n is known where the curve was measured; between, the KL that the fit went by.
            sizes = line.curve.frame["n"].to_numpy().astype(float)
            x = np.exp(np.interp(d, np.sqrt(line.curve.axis_kl), np.log(sizes)))
        else:
            x = d if axis == "sqrt_kl" else d**2
        name = f"fit of {words}" if alone else f"fit, {plain(line.name)}"
        figure.add_trace(
            go.Scatter(
                x=x.astype(np.float32), y=fit.gold(d), mode="lines", hoverinfo="skip",
                line={"color": tinted(run_colour(line.ordinal), 0.9), "width": 1.3, "dash": dash},
                name=name + ("" if fit.fits is not False else " (does not fit)"),
                showlegend=alone,
            ),
            row=1, col=1,
        )  # fmt: skip


def _mark_peak(figure: go.Figure, line: Line, axis: str, kl: str, alone: bool) -> None:
    found = line.curve.shape
    if found is None:
        return
    x = positions(line.curve, axis, kl)
    open_end = found.high == len(x) - 1
    left, right = float(x[found.low]), float(x[found.high])
    figure.add_vrect(
        x0=left, x1=right, row="all", col=1, line_width=1.5 if left == right else 0,
        line_color=tinted(run_colour(line.ordinal), 0.3), layer="below",
        fillcolor=tinted(run_colour(line.ordinal), 0.07 if open_end else 0.13),
    )  # fmt: skip
    if alone:
        # An annotation on a log axis is placed by its logarithm, a shape by its value.
        middle = np.log10(left * right) / 2 if axis == "n" else (left + right) / 2
        right = np.log10(right) if axis == "n" else right
        figure.add_annotation(
            x=right if open_end else middle, y=0, yref="y domain", yanchor="bottom",
            showarrow=False,
            xanchor="right" if open_end else "center",
            text="gold highest here or later (90 %)" if open_end else "gold highest here (90 %)",
            font={"size": 12, "color": run_colour(line.ordinal)}, row=1, col=1,
        )  # fmt: skip


def _numbers(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
