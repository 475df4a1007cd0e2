"""The figures on truth, by what they hold."""

from __future__ import annotations

import polars as pl
import pytest

from analytics.answers.calibration_cells import merged, reliability, risk_coverage
from analytics.figures.truth.calibration import reliability_figure, risk_figure
from analytics.figures.truth.rates import Line, Panel, rate_figure, wrong_panels
from analytics.hallucination import cells, rates

PANELS = [
    Panel("rate", "wrong", "low", "high", part="malformed_rate"),
    Panel("kl", "KL", share=False),
]


def points(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({
        "line": ["a"] * 3 + ["b"] * 3, "iteration": [2, 0, 1] * 2, "n": [100] * 6,
        "rate": [0.3, 0.1, 0.2, 0.4, 0.4, 0.4], "low": [0.25, 0.05, 0.15, 0.3, 0.3, 0.3],
        "high": [0.35, 0.15, 0.25, 0.5, 0.5, 0.5], "malformed_rate": [0.1, 0.0, 0.05, 0, 0, 0],
        "kl": [4.0, 0.0, 1.0, None, None, None],
    } | columns)  # fmt: skip


LINES = [Line("a", "a", "#0072B2"), Line("b", "b", "#D55E00", "dash")]


def test_lines_with_intervals_in_the_order_of_the_axis() -> None:
    figure = rate_figure(points(), LINES, PANELS)
    first = figure.data[0]
    assert list(first.x) == [0, 1, 2] and list(first.y) == [0.1, 0.2, 0.3]
    assert list(first.error_y.array) == pytest.approx([0.05] * 3)
    assert first.text[2] == "iteration 2<br>30.0 % (25.0 to 35.0), n = 100"
    dotted = [trace for trace in figure.data if trace.line.dash == "dot"]
    assert len(dotted) == 1 and list(dotted[0].y) == [0, 0.05, 0.1]  # none is malformed in b
    names = {note.text.split("</span> ")[1]: note.text for note in figure.layout.annotations}
    assert set(names) == {"a", "b"} and LINES[0].colour in names["a"]
    assert [trace.xaxis for trace in figure.data] == ["x", "x", "x", "x2"]


def test_kl_that_was_not_measured_is_not_drawn_at_zero() -> None:
    figure = rate_figure(points(), LINES, PANELS, "sqrt_kl")
    assert {trace.name for trace in figure.data if trace.name} == {"a"}
    assert list(figure.data[0].x) == [0, 1, 2]


def test_a_panel_without_values_is_left_out() -> None:
    figure = rate_figure(points(rate=[None] * 6), LINES, PANELS)
    assert len({trace.yaxis for trace in figure.data}) == 1
    assert rate_figure(points().head(0), LINES, PANELS).data == ()


def test_many_lines_have_a_legend_and_names_are_no_markup() -> None:
    lines = [Line("a", "<b>a</b>", "#0072B2"), Line("b", "a name that is too long", "#D55E00")]
    figure = rate_figure(points(), lines, PANELS)
    assert figure.data[0].name == "‹b›a‹/b›" and figure.data[0].showlegend
    assert not figure.layout.annotations


def test_peaks_are_shaded_in_the_axis_unit() -> None:
    figure = rate_figure(points(), LINES[:1], PANELS, "sqrt_kl", peaks=[(1.0, None)])
    shape = figure.layout.shapes[0]
    assert (shape.x0, shape.x1) == (1.0, 2.0)


def test_the_denominator_is_on_the_axis() -> None:
    titles = [panel.title for panel in wrong_panels("attempted", 0.7, {})]
    assert titles[0] == "wrong<br>of attempted" and "≥ 0.7, of all graded" in titles[1]


def test_calibration_figures_hold_the_last_null_band() -> None:
    frame = pl.DataFrame({
        "loop": ["l"] * 40, "iteration": [0] * 40, "question_id": [f"q{i}" for i in range(40)],
        "grade": ["correct", "incorrect"] * 20, "confidence": [i / 40 for i in range(40)],
    })  # fmt: skip
    assert rates(frame).filter(level="total")["n_calibration"].to_list() == [40]
    merged_cells = merged(cells(frame))
    figure = reliability_figure({0: reliability(merged_cells), 3: reliability(merged_cells)})
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(bands) == 1 and [t.name for t in figure.data if t.error_y.array is not None] == [
        "iteration 0", "iteration 3",
    ]  # fmt: skip
    risk = risk_figure({0: risk_coverage(merged_cells)})
    assert risk.data[0].y[-1] == 0.5 and risk.data[1].line.dash == "dot"
