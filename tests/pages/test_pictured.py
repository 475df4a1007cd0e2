"""A figure is drawn once for all readers of a view, and is sent as it would be drawn alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import plotly.graph_objects as go
import plotly.io
import polars as pl
import pytest

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.sent.finished import Finished
from pages.shared.keeping import pictured

FIGURE = go.Figure(
    go.Scatter(x=[1.0, 2.0], y=[3.0, float("nan")], uid="u"), {"title": {"text": "t"}}
)


def test_readers_at_once_have_one_drawn() -> None:
    drawn, together = [], threading.Barrier(4)

    def draw() -> go.Figure:
        drawn.append(1)
        return FIGURE

    def ask(_: int) -> Finished:
        together.wait(30)
        return pictured.once(("at once", 1), draw)

    with ThreadPoolExecutor(4) as readers:
        seen = list(readers.map(ask, range(4)))
    assert len(drawn) == 1 and all(one is seen[0] for one in seen)
    pictured.once(("at once", 2), draw)
    assert len(drawn) == 2


def test_what_fails_is_tried_again() -> None:
    def fails() -> go.Figure:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            pictured.once("failing", fails)
    assert pictured.once("failing", lambda: FIGURE).to_dict()["data"]


def test_old_views_are_dropped() -> None:
    for number in range(2 * pictured.MOST):
        pictured.once(("many", number), lambda: FIGURE)
    assert len(pictured._places) == pictured.MOST


def test_it_is_sent_as_the_figure_is_and_keeps_what_it_holds() -> None:
    finished = Finished(FIGURE)
    for _ in range(2):
        assert plotly.io.to_json(finished, validate=False) == plotly.io.to_json(
            FIGURE, validate=False
        )
    assert finished.to_dict()["data"][0]["uid"] == "u", "what was taken away was a copy's"


def test_a_view_changes_with_its_runs() -> None:
    frame = pl.DataFrame({"step_start": [1], "step_end": [1], "kl": [1.0], "proxy_reward": [1.0]})
    curve = RunCurve("a", 0, frame, frame.clear(), {"peak": None})
    every = {"a": {"generation": 3}}
    same = pictured.shown_of([curve], every)
    assert same == pictured.shown_of([replace(curve)], {"a": {"generation": 3}})
    others = (
        pictured.shown_of([curve], {"a": {"generation": 4}}),
        pictured.shown_of([replace(curve, verdict={"peak": 1})], every),
        pictured.shown_of([replace(curve, run_id="b")], {"b": {"generation": 3}}),
        pictured.shown_of([], every),
    )
    assert same not in others
