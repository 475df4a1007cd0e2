"""A search: whatever stands in a run's columns, its pictures are drawn, and in finite numbers."""

import base64
import json
import math

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from analytics.comparing.components import ProxyPoint
from analytics.figures.drawing.axes import LARGEST, ticks
from analytics.figures.drawing.curves import RunCurve, has_line, with_nearby_kl
from analytics.figures.rewards.rewards import reward_figure
from analytics.figures.runs.band import band_figure
from analytics.figures.runs.components import Component, component_figure
from analytics.figures.runs.sparkline import sparkline, why_not_drawn
from pages.shared.runs.run_table import Group, run_table

FLOATS = ("kl", "proxy_reward", "gold_reward", "response_length", "entropy", "clipped_share")
ODD = (
    None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308, 1e30, 1e31, 1e-300, -1e-300,
    1e-320, -1.0, 2.5, 1e15,
)  # fmt: skip
number = some.one_of(some.sampled_from(ODD), some.floats(-20, 20))


@some.composite
def frames(draw, column_names, rows: int):
    """Columns that are ordinary, constant, missing, or odd in some rows."""
    made = {}
    for name in column_names:
        kind = draw(some.sampled_from(("ordinary", "constant", "null", "odd", "turns", "first")))
        t = np.arange(rows, dtype=float)
        values: list[float | None] = (np.sin(t * draw(some.floats(0.1, 3))) + t / 3).tolist()
        if kind == "constant":
            values = [draw(number)] * rows
        elif kind == "null":
            values = [None] * rows
        elif kind == "odd":
            values = draw(some.lists(number, min_size=rows, max_size=rows))
        elif kind == "turns":
            odd = draw(some.booleans())
            values = [v if (i % 2) == odd else None for i, v in enumerate(values)]
        elif kind == "first":
            values = [*values[:1], *[None] * (rows - 1)][:rows]
        made[name] = pl.Series(values, dtype=pl.Float64, strict=False)
    return pl.DataFrame(made)


@some.composite
def runs(draw, name: str = "a", ordinal: int = 0):
    rows = draw(some.integers(0, 24))
    apart = draw(some.sampled_from((1, 10, 10**6, 2**53)))
    first = draw(some.sampled_from((0, 1, 2**53)))
    steps = pl.Series([first + i * apart for i in range(rows)], dtype=pl.Int64)
    phases = some.lists(some.sampled_from(("train", "train", "eval")), min_size=rows, max_size=rows)
    curve = draw(frames(FLOATS, rows)).with_columns(
        run_id=pl.lit(name), phase=pl.Series(draw(phases), dtype=pl.String), step_start=steps,
        step_end=steps, n_rows=pl.lit(1, pl.Int64),
        stretch=pl.Series([int(i > rows / 2) for i in range(rows)], dtype=pl.Int64),
    )  # fmt: skip
    looks = draw(frames(("kl", "gold_reward", "gold_se", "proxy_reward"), rows // 3))
    at = steps.head(rows // 3)
    looks = looks.with_columns(step_start=at, step_end=at, step=at.cast(pl.Float64))
    where = {end: draw(number) for end in ("kl", "kl_low", "kl_high")}
    where |= {end: draw(some.sampled_from((None, 0, 7, 2**60)))
              for end in ("step", "step_low", "step_high")}  # fmt: skip
    ends = {key: value if value is not None and math.isfinite(value) else None
            for key, value in where.items()}  # fmt: skip
    status = draw(some.sampled_from(("overoptimized", "no_onset", "warning", "collapsed")))
    verdict = {
        "status": status, "axis": draw(some.sampled_from(("kl", "step"))), "flags": [], "run": name,
        "peak": draw(some.sampled_from((None, ends | {"gold": 1.0}))), "kl_end": ends["kl"],
        "alarm": draw(some.sampled_from((None, {"kl": ends["kl_low"], "step": 7}))),
        "gold_lost": {"value": draw(number), "low": draw(number), "high": draw(number)},
        "gold_evaluations": rows, "p_past_peak": 0.5, "step_end": 7, "reasons": [],
    }  # fmt: skip
    base = {key: draw(number) for key in
            ("proxy_reward", "gold_reward", "proxy_reward_sd", "gold_reward_sd")}  # fmt: skip
    return RunCurve(name, ordinal, curve, looks, verdict, base)


def checked(figure: go.Figure) -> None:
    """The figure's JSON holds no NaN and no infinity but as a gap, and its ranges are numbers."""

    def refused(token: str) -> None:
        raise AssertionError(token)

    parsed = json.loads(figure.to_json(), parse_constant=refused)

    def walk(part: object, place: str) -> None:
        if isinstance(part, dict) and "bdata" in part:
            values = np.frombuffer(base64.b64decode(part["bdata"]), dtype=part["dtype"])
            assert not np.isinf(values).any(), place
            assert "data" in place or np.isfinite(values).all(), place
            assert np.nanmax(np.abs(values), initial=0.0) <= 2.1 * LARGEST, place
        elif isinstance(part, dict):
            for key, inner in part.items():
                walk(inner, f"{place}.{key}")
        elif isinstance(part, list):
            for inner in part:
                assert inner is not None or "layout" not in place, place
                walk(inner, place)
        elif isinstance(part, str):
            assert not any(bad in part for bad in (" nan", "None", "inf ")), (place, part)

    walk(parsed["data"], "data")
    walk(parsed["layout"], "layout")


@given(runs())
def test_a_sparkline_is_a_picture_or_a_reason(run: RunCurve) -> None:
    picture = sparkline(run.curve, run.verdict, "#0072B2")
    if not picture:
        assert why_not_drawn(run.curve)
        return
    drawn = base64.b64decode(picture.partition("base64,")[2]).decode()
    assert not any(bad in drawn for bad in ("nan", "inf", "None", "e+"))
    assert drawn.count("<polyline") >= 1


@settings(max_examples=30)
@given(some.data(), some.sampled_from(("sqrt_kl", "kl", "step")),
       some.sampled_from(("raw", "sd")))  # fmt: skip
def test_the_main_chart_is_drawn(data, axis: str, scale: str) -> None:
    count = data.draw(some.sampled_from((1, 2, 5)))
    drawn = [data.draw(runs(f"run {i}", i)) for i in range(count)]
    checked(reward_figure(drawn, axis, scale))
    checked(band_figure(drawn, axis))


@settings(max_examples=12)
@given(some.data())
def test_many_runs_share_a_chart(data) -> None:
    drawn = [data.draw(runs(f"run {i}", i)) for i in range(3)] * 8
    checked(reward_figure(drawn, "sqrt_kl", "raw"))


@settings(max_examples=40)
@given(runs(), some.sampled_from(("sqrt_kl", "kl", "step")), number, number)
def test_components_are_drawn(run: RunCurve, axis: str, low, high) -> None:
    if not run.looks.height:
        return
    mean = run.looks["proxy_reward"].fill_null(np.nan).to_numpy()
    point = ProxyPoint(low, high, True, True)
    checked(component_figure(run, [Component("a", mean, np.abs(mean), point)], axis, None))


@given(runs())
def test_the_table_has_a_row(run: RunCurve) -> None:
    about = {"run_id": "a", "project": "p", "gold_evaluations": 3, "step_end": 9, "kl_end": None,
             "gold_step_end": 3, "gold_kl_end": None}  # fmt: skip
    row = {"run": about, "verdict": run.verdict, "colour": "#000000", "picture": "", "trainer": ""}
    made = run_table([Group("", [], [row])])
    assert "could not be" not in made
    html = made.partition("</style>")[2]
    assert not any(bad in html for bad in (">nan", "None", ">inf", "e+", " nan"))


def bins(**columns) -> pl.DataFrame:
    rows = len(columns["kl"])
    steps = columns.pop("step", list(range(rows)))
    return pl.DataFrame(
        {"phase": "train", "step_start": steps, "step_end": steps, "n_rows": 1}
        | {"proxy_reward": None, "gold_reward": None} | columns,
        schema_overrides=dict.fromkeys(("kl", "proxy_reward", "gold_reward"), pl.Float64),
    )  # fmt: skip


def test_kl_and_proxy_that_take_turns_meet_in_a_line() -> None:
    turns = bins(kl=[0.0, None, 4.0, None, 9.0], proxy_reward=[None, 1.0, None, 2.0, None])
    run = RunCurve("a", 0, turns, pl.DataFrame(), {})
    assert has_line(run, "sqrt_kl")
    assert run.curve["kl"].null_count() == 0
    figure = reward_figure([run], "kl", "raw")
    line = next(trace for trace in figure.data if trace.name == "proxy reward")
    assert np.isfinite(line.x).all() and len(line.x) == 2


def test_a_kl_that_was_no_longer_logged_stays_missing() -> None:
    stopped = bins(kl=[0.0, 1.0, 2.0, *[None] * 7], gold_reward=[None] * 5 + [1.0] * 5)
    assert with_nearby_kl(stopped)["kl"].to_list()[5:] == [None] * 5
    run = RunCurve("a", 0, stopped, pl.DataFrame(), {})
    assert not has_line(run, "kl") and has_line(run, "step")


def test_kl_does_not_cross_a_change_of_the_reference() -> None:
    parted = bins(kl=[0.0, 1.0, None, None], stretch=[0, 0, 1, 1])
    assert with_nearby_kl(parted)["kl"].to_list() == [0.0, 1.0, None, None]


def test_steps_beyond_single_floats_stand_apart() -> None:
    far = bins(kl=[None] * 3, step=[2**40, 2**40 + 1, 2**40 + 2], proxy_reward=[1.0, 2.0, 3.0])
    run = RunCurve("a", 0, far, pl.DataFrame(), {})
    line = next(t for t in reward_figure([run], "step", "raw").data if t.name == "proxy reward")
    assert len(set(line.x)) == 3


@pytest.mark.parametrize("largest", [1e-9, 0.004, 0.3, 42.0, 4e4, 1e12, 1e30])
@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_the_axis_has_ticks_at_every_size_of_kl(largest: float, lowest: float) -> None:
    where, what = ticks(largest, lowest * largest)
    assert 4 <= len(where) <= 24 and where == sorted(where)
    assert len(set(what)) == len(what) and "0" in what
    assert (where[0] < 0) == (lowest < 0)
