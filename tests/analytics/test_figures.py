"""Figures hold what they should, looked at through figure.data."""

import base64
import re

import numpy as np
import polars as pl
import pytest

from analytics.figures.drawing.axes import x_of
from analytics.figures.drawing.curves import RunCurve, pooled, pooled_together
from analytics.figures.drawing.palette import run_colour, run_dash, run_symbol
from analytics.figures.rewards.rewards import can_normalise, reward_figure, shares_scale
from analytics.figures.runs.band import band_figure
from analytics.figures.runs.sparkline import sparkline
from analytics.onset.sentences.headline import headline

BASE = {
    "proxy_reward": 0.01,
    "gold_reward": 0.02,
    "proxy_reward_sd": 0.95,
    "gold_reward_sd": 1.1,
}
VERDICT = {
    "status": "overoptimized",
    "axis": "kl",
    "kl_end": 36.0,
    "step_end": 60,
    "peak": {"kl": 9.0, "kl_low": 4.0, "kl_high": 16.0, "step": 30, "step_low": 20,
             "step_high": 40, "gold": 1.0},
    "alarm": {"kl": 25.0, "step": 50, "statistic": 4.0, "boundary": 3.2},
    "gold_lost": {"value": 0.5, "low": 0.2, "high": 0.8},
}  # fmt: skip


def curve_of(run_id: str = "a", ordinal: int = 0, base=BASE, verdict=VERDICT, n: int = 60):
    step = np.arange(n)
    rows = pl.DataFrame(
        {
            "run_id": run_id,
            "phase": "train",
            "step_start": step,
            "step_end": step,
            "n_rows": 1,
            "kl": (step / 10) ** 2,
            "proxy_reward": step / 10,
            "gold_reward": np.minimum(step, 60 - step) / 30,
            "response_length": 20.0 + step,
            "entropy": 1.0,
            "clipped_share": [None] * n,
        }
    )
    looks = pl.DataFrame(
        {
            "step_start": [0, 20, 40],
            "step_end": [19, 39, 59],
            "step": [9.5, 29.5, 49.5],
            "kl": [1.0, 9.0, 25.0],
            "gold_reward": [0.3, 1.0, 0.3],
            "gold_se": [0.1, 0.1, 0.2],
            "proxy_reward": [1.0, 3.0, 5.0],
        }
    )
    return RunCurve(run_id, ordinal, rows, looks, verdict, base)


def words_in(figure) -> str:
    """The labels of a figure, without the marks before them."""
    return "|".join(re.sub(r"<[^>]*>", "", note.text) for note in figure.layout.annotations)


def named(figure, name: str):
    found = [trace for trace in figure.data if trace.name == name]
    assert len(found) == 1, [trace.name for trace in figure.data]
    return found[0]


def test_looks_are_drawn_in_time_order_with_90_percent_bars() -> None:
    gold = named(reward_figure([curve_of()], "kl", "raw"), "gold reward")
    assert list(gold.x) == [1.0, 9.0, 25.0]
    assert list(gold.error_y.array) == pytest.approx([0.16448536, 0.16448536, 0.32897073])


def test_root_axis_is_labelled_with_the_kl_itself() -> None:
    figure = reward_figure([curve_of()], "sqrt_kl", "raw")
    assert list(named(figure, "gold reward").x) == [1.0, 3.0, 5.0]
    bottom = next(a for a in figure.select_xaxes() if a.title.text)
    assert dict(zip(bottom.ticktext, bottom.tickvals, strict=True))["1"] == 1.0


def test_kl_that_was_not_measured_is_not_drawn_at_zero() -> None:
    frame = pl.DataFrame({"kl": [None, 4.0, -1.0]})
    x = x_of(frame, "sqrt_kl")
    assert np.isnan(x[0]) and list(x[1:]) == [2.0, -1.0]


def test_peak_interval_is_shaded_and_the_alarm_marked() -> None:
    figure = reward_figure([curve_of()], "kl", "raw")
    rects = [s for s in figure.layout.shapes if s.type == "rect"]
    assert {(s.x0, s.x1) for s in rects} == {(4.0, 16.0)}
    assert {s.x0 for s in figure.layout.shapes if s.type == "line"} == {25.0}
    text = words_in(figure)
    assert "gold peaks here (90 %)" in text and "alarm: step 50" in text


def test_open_interval_is_drawn_to_the_last_look_and_says_so() -> None:
    verdict = VERDICT | {"peak": VERDICT["peak"] | {"kl_high": None}, "alarm": None}
    figure = reward_figure([curve_of(verdict=verdict)], "kl", "raw")
    assert {(s.x0, s.x1) for s in figure.layout.shapes} == {(4.0, 25.0)}
    assert "peak here or later (90 %)" in words_in(figure)


def test_one_panel_only_where_both_rewards_share_a_scale() -> None:
    assert shares_scale(BASE) and not shares_scale(BASE | {"gold_reward": 1.0})
    assert not shares_scale(None) and not shares_scale(BASE | {"proxy_reward_sd": None})
    one = reward_figure([curve_of()], "kl", "raw")
    two = reward_figure([curve_of(base=BASE | {"gold_reward_sd": 9.0})], "kl", "raw")
    assert len(list(two.select_yaxes())) == len(list(one.select_yaxes())) + 1
    assert not any(axis.overlaying for axis in two.select_yaxes())  # never two y-axes


def test_normalised_rewards_are_in_sd_of_the_start() -> None:
    base = {"proxy_reward": 2.0, "gold_reward": 0.5, "proxy_reward_sd": 4.0, "gold_reward_sd": 0.5}
    assert can_normalise(base) and not can_normalise(base | {"gold_reward_sd": None})
    gold = named(reward_figure([curve_of(base=base)], "kl", "sd"), "gold reward")
    assert list(gold.y) == pytest.approx([-0.4, 1.0, -0.4])
    assert next(iter(gold.error_y.array)) == pytest.approx(1.6448536 * 0.1 / 0.5)


def test_pooling_for_drawing_keeps_the_mean_of_all_rows() -> None:
    rows = curve_of(n=60).curve.with_columns(n_rows=pl.Series([5] * 30 + [1] * 30))
    few = pooled(rows, "proxy_reward", bins=7)
    assert few.height <= 7 and few["n_rows"].sum() == 180
    whole = (rows["proxy_reward"] * rows["n_rows"]).sum() / 180
    assert (few["proxy_reward"] * few["n_rows"]).sum() / 180 == pytest.approx(whole)
    assert few["step_start"].is_sorted()


def test_many_runs_share_traces_but_keep_their_names() -> None:
    runs = [curve_of(f"run-{i}", i) for i in range(25)]
    figure = reward_figure(runs, "kl", "raw")
    assert len(figure.data) <= 7 * 5 + 1  # a trace a colour and panel, and one of alarms
    names = {text.partition("<br>")[0] for trace in figure.data for text in trace.text if text}
    assert names == {f"<b>run-{i}</b>" for i in range(25)}
    assert not figure.layout.showlegend


def test_names_from_logs_are_no_markup() -> None:
    figure = reward_figure([curve_of("<b>x</b>"), curve_of("b", 1)], "kl", "raw")
    assert "<b>x" not in figure.to_json().replace("<b>‹b›x", "")


def test_seeds_are_averaged_by_run_with_n_in_the_legend() -> None:
    figure = band_figure([curve_of("a"), curve_of("b", 1)], "kl")
    mean = named(figure, "gold reward, mean of N = 2 runs")
    assert mean.y[0] == pytest.approx(0.3)


def test_colours_tell_28_runs_apart() -> None:
    for second in (run_dash, run_symbol):
        assert len({(run_colour(i), second(i)) for i in range(28)}) == 28


def test_sparkline_is_a_picture_with_the_interval() -> None:
    address = sparkline(curve_of().curve, VERDICT, "#0072B2")
    picture = base64.b64decode(address.split(",")[1]).decode()
    assert picture.count("<polyline") == 2 and "<rect" in picture
    assert sparkline(curve_of().curve.head(1), {}, "#0072B2") == ""


def test_headlines_say_no_more_than_the_verdict() -> None:
    sentence = headline(VERDICT)
    assert sentence == "is past its gold peak: gold has lost 0.5 (0.2 to 0.8) since KL 4 to 16 nats"
    honest = VERDICT | {"status": "no_onset", "gold_lost": None, "detectable": 0.3}
    assert "no fall of gold up to KL 36" in headline(honest)
    assert "a fall of 0.3" in headline(honest)
    assert "collapsed" in headline(VERDICT | {"status": "collapsed"})
    assert "too few" in headline(VERDICT | {"status": "too_little_gold", "peak": None})


def test_lines_break_where_the_proxy_or_the_reference_changed() -> None:
    run = curve_of()
    stretch = pl.Series("stretch", [0, 1, 1])
    parted = RunCurve("a", 0, run.curve, run.looks.with_columns(stretch), VERDICT, BASE)
    gold = named(reward_figure([parted], "kl", "raw"), "gold reward")
    assert np.isnan(gold.y[1]) and list(gold.x[2:]) == [9.0, 25.0]


def test_pooling_together_is_pooling_one_by_one() -> None:
    runs = [curve_of("a", n=60), curve_of("b", 1, n=33)]
    together = pooled_together([run.curve for run in runs], "proxy_reward", bins=7)
    for run in runs:
        alone = pooled(run.curve, "proxy_reward", bins=7)
        for column in ("proxy_reward", "kl", "step_start", "step_end"):
            assert together[run.run_id][column].to_list() == pytest.approx(alone[column].to_list())


def test_a_forecast_is_dashed_labelled_and_has_room() -> None:
    verdict = {
        **VERDICT, "status": "no_onset", "alarm": None, "gold_lost": None,
        "peak": VERDICT["peak"] | {"kl_high": None, "step_high": None},
        "forecast": {"kl": 64.0, "kl_low": 49.0, "kl_high": 100.0, "gold": 1.5, "gain": 1.5,
                     "form": "rl", "siblings": 0},
    }  # fmt: skip
    figure = reward_figure([curve_of(verdict=verdict)], "sqrt_kl", "raw")
    trace = next(trace for trace in figure.data if trace.name == "forecast")
    assert trace.line.dash == "dash"
    assert (trace.x[0], trace.x[-1]) == pytest.approx((6.0, 8.0))
    assert (trace.error_x.arrayminus[-1], trace.error_x.array[-1]) == pytest.approx((1.0, 2.0))
    # Gao's RL curve on its way up to the peak, where it ends
    assert trace.y[-1] == pytest.approx(1.5) and np.all(np.diff(trace.y) > 0)
    assert "forecast: peak at KL 64" in words_in(figure)
    assert figure.layout.xaxis.range[1] > 10.0
    by_step = reward_figure([curve_of(verdict=verdict)], "step", "raw")
    assert not any(trace.name == "forecast" for trace in by_step.data)
    without = reward_figure([curve_of()], "sqrt_kl", "raw")
    assert not any(trace.name == "forecast" for trace in without.data)
