"""A figure in words is made from what is drawn."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.words.described import MOST_LINES, described, words_of


def test_the_words_hold_the_finding_and_every_named_line() -> None:
    figure = make_subplots(rows=2, cols=1)
    figure.add_scatter(x=[0, 1, 2], y=[0.5, 2, 1.25], name="gold", row=1, col=1)
    figure.add_scatter(x=[0, 1], y=[3, float("nan")], name="proxy<br>reward", row=2, col=1)
    figure.add_scatter(x=[0, 1], y=[9, 9], row=1, col=1)  # nobody names it
    figure.update_layout(xaxis_title="√KL", yaxis_title="<b>gold</b> reward")
    text = described(words_of(figure), "r3 is past its gold peak.")
    assert text == (
        "r3 is past its gold peak. Over √KL. gold, gold reward: 0.5 to 1.25. proxy reward: 3."
    )


def test_many_lines_are_counted() -> None:
    figure = go.Figure(
        [go.Scatter(x=[0, 1], y=[n, n], name=f"run {n}") for n in range(MOST_LINES + 2)]
    )
    assert described(words_of(figure), "Ten runs").endswith("And 2 more lines.")


def test_a_figure_with_nothing_in_it_says_its_title_alone() -> None:
    figure = go.Figure([go.Scatter(x=[0], y=[float("nan")], name="gold")])
    assert described(words_of(figure), "Nothing measured") == "Nothing measured."
