"""The marks of a chart of any number of runs: drawn or said to be left out, and named as drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from analytics.comparing.seeds import group_fall
from analytics.figures.drawing.axes import place
from analytics.figures.drawing.gutter import APART, apart, short_names
from analytics.figures.rewards.marks import HIGHEST, LINED
from analytics.figures.rewards.rewards import NAMED_LINES, reward_figure
from analytics.figures.runs.band import band_figure, gold_curves
from analytics.figures.runs.specimens import specimen
from analytics.figures.words.captions import MEANINGS, caption_of
from analytics.figures.words.described import words_of

COUNTS = (1, 2, 3, 5, 20, 40)
AXES = ("sqrt_kl", "kl", "step")
LINE = {None: "solid", "solid": "solid", "dot": "dotted", "dash": "dashed"}
SYMBOL = {"triangle-down": "▼", "triangle-down-open": "▽", "diamond-open": "◇", "star": "★",
          "line-ns-open": "tick", "triangle-right": "▶"}  # fmt: skip


@pytest.fixture(scope="module", params=[(n, axis) for n in COUNTS for axis in AXES], ids=str)
def chart(request: pytest.FixtureRequest):
    """Runs, the axis and their chart."""
    many, axis = request.param
    runs = [specimen(ordinal) for ordinal in range(many)]
    return runs, axis, reward_figure(runs, axis, "raw", [])


def points(figure, role: str) -> list[float]:
    """Where a kind of mark stands on the axis."""
    found = [x for trace in figure.data if (trace.meta or {}).get("role") == role for x in trace.x]
    found += [x for shape in figure.layout.shapes if shape.name == role
              for x in (shape.x0, shape.x1)]  # fmt: skip
    return [float(x) for x in found if np.isfinite(x)]


def test_each_peak_and_alarm_is_in_the_chart(chart) -> None:
    runs, axis, figure = chart
    key = "step" if axis == "step" else "kl"
    peaks, alarms = points(figure, "peak"), points(figure, "alarm")
    for run in runs:
        at = place(run.verdict["peak"][f"{key}_low"], axis)
        assert min(abs(x - at) for x in peaks) < 1e-9
        if run.verdict["alarm"]:
            at = place(run.verdict["alarm"][key], axis)
            assert min(abs(x - at) for x in alarms) < 1e-9
    assert ("▶" in caption_of(figure)) == any(
        len(runs) > 1 and not run.verdict["alarm"] for run in runs
    )


def test_marks_of_a_few_runs_go_through_all_panels() -> None:
    for many in range(1, LINED + 1):
        runs = [specimen(ordinal) for ordinal in range(many)]
        figure = reward_figure(runs, "kl", "raw")
        lowest = min(axis.domain[0] for axis in figure.select_yaxes())
        highest = max(axis.domain[1] for axis in figure.select_yaxes() if axis.title.text)
        assert len(figure.layout.shapes) >= many
        for shape in figure.layout.shapes:
            assert shape.yref == "paper"
            assert (shape.y0, shape.y1) == pytest.approx((lowest, highest))


@pytest.mark.parametrize("alarm", [20, 500, 900])
def test_the_sign_of_an_alarm_stands_on_its_line(alarm: int) -> None:
    run = specimen(0)
    alarm_row = {**run.verdict["alarm"], "step": alarm, "kl": None}
    figure = reward_figure(
        [replace(run, verdict={**run.verdict, "alarm": alarm_row})], "step", "raw"
    )
    label = next(note for note in figure.layout.annotations if "alarm: step" in note.text)
    sign_first = label.text.startswith("<span")
    assert label.x == alarm
    assert (label.xanchor, label.xshift < 0) == (("left", True) if sign_first else ("right", False))


def test_saved_checkpoints_tell_their_steps_where_there_is_room() -> None:
    saved = (100, 120, 130, 600, 1000)
    run = replace(specimen(0), checkpoints=saved)
    figure = reward_figure([run], "step", "raw")
    labels = {int(note.x): note for note in figure.layout.annotations if note.text.isdigit()}
    assert set(labels) == {130, 600, 1000}
    high = figure.layout.xaxis.range[1]
    assert high > 1000 and labels[1000].xanchor == "right" and labels[600].xanchor == "left"


def test_the_caption_names_each_style_as_it_is_drawn(chart) -> None:
    _, _, figure = chart
    styles = {meaning.split(",")[0]: looks.lower() for looks, meaning in
            re.findall(r"([^.:]+): ([^.]+)\.", caption_of(figure))
            if looks.strip() != "Not on this axis"}  # fmt: skip
    seen = set()
    for trace in figure.data:
        role = trace.meta["role"]
        looks = styles[MEANINGS[role].split(",")[0]]
        seen.add(MEANINGS[role].split(",")[0])
        if trace.yaxis == "y50" and "lines" in trace.mode:
            assert "bar" in looks
        elif "lines" in trace.mode:
            assert LINE[trace.line.dash] in looks
        else:
            symbol = trace.marker.symbol or "circle"
            assert SYMBOL.get(symbol, "points") in looks
    for shape in figure.layout.shapes:
        looks = styles[MEANINGS[shape.name].split(",")[0]]
        seen.add(MEANINGS[shape.name].split(",")[0])
        assert ("shaded" if shape.type == "rect" else f"upright {LINE[shape.line.dash]}") in looks
    assert set(styles) == seen, "nothing is named that is not drawn"


def test_one_line_style_means_one_thing(chart) -> None:
    _, _, figure = chart
    dashes = {}
    for trace in figure.data:
        if trace.mode.startswith("lines") and trace.yaxis != "y50":
            dashes.setdefault(trace.line.dash or "solid", set()).add(trace.meta["role"])
    assert all(len(roles) == 1 for roles in dashes.values()), dashes


def test_what_cannot_be_drawn_is_said() -> None:
    run = specimen(0)
    alarm = run.verdict["alarm"] | {"kl": None}
    unplaced = replace(run, verdict=run.verdict | {"alarm": alarm}, checkpoints=(160, 9_000))
    for runs in ([unplaced], [unplaced, specimen(1)], [unplaced, *map(specimen, range(1, 8))]):
        caption = caption_of(reward_figure(runs, "sqrt_kl", "raw", []))
        assert "Not on this axis: alarm of ppo_rm0_seed0, checkpoints" in caption
        assert "Not on this axis: alarm" not in caption_of(reward_figure(runs, "step", "raw", []))
    by_step = caption_of(reward_figure([specimen(2)], "step", "raw", []))
    assert "Not on this axis: forecast of ppo_rm2_seed2" in by_step


def test_a_zoomed_caption_names_what_is_in_sight() -> None:
    figure = reward_figure([specimen(0)], "kl", "raw", [])
    assert "alarm" in caption_of(figure) and "Shaded" in caption_of(figure)
    figure.update_xaxes(range=[0.0, 0.5])
    assert "alarm" not in caption_of(figure) and "Shaded" not in caption_of(figure)
    assert "gold reward" in caption_of(figure)


def test_saved_checkpoints_are_ticks_and_the_candidate_a_star() -> None:
    run = specimen(0)
    for axis in AXES:
        figure = reward_figure([run], axis, "raw", [])
        assert len(points(figure, "saved")) == len(run.checkpoints)
        assert len(points(figure, "candidate")) == 1
        assert points(figure, "candidate")[0] in points(figure, "saved")
    assert points(reward_figure([run], "step", "raw", []), "saved") == [160.0, 240.0, 400.0]
    assert not points(reward_figure([replace(run, checkpoints=())], "kl", "raw", []), "saved")


def test_a_strip_stays_low_with_very_many_runs() -> None:
    few, many = (reward_figure([specimen(i) for i in range(n)], "kl", "raw", []).layout.height
                 for n in (2, 200))  # fmt: skip
    assert many - few <= HIGHEST


def test_a_crosshair_goes_through_all_panels(chart) -> None:
    runs, _, figure = chart
    assert len(list(figure.select_xaxes())) == 1, "one axis for all: one place under the pointer"
    assert figure.layout.hoversubplots == "axis" and figure.layout.xaxis.spikemode == "across"
    few = len(runs) <= NAMED_LINES
    assert figure.layout.hovermode == ("x unified" if few else "closest")


def test_labels_are_moved_apart_and_no_further_than_needed() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        wanted = random.uniform(0, 250, random.integers(1, 7)).tolist()
        placed = apart(wanted, highest=250)
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(np.asarray(placed)[order]) >= APART - 1e-9).all()
        assert min(placed) >= -1e-9 and max(placed) <= 250 + 1e-9
    assert apart([10.0, 100.0]) == [10.0, 100.0]


def test_names_of_a_sweep_are_told_by_their_ends() -> None:
    names = [f"a_very_long_sweep_of_models_seed{i}" for i in range(3)]
    assert short_names(names) == ["…seed0", "…seed1", "…seed2"]
    assert short_names(["same", "same"]) == ["same", "same"]
    assert short_names(["<b>x</b>", ""]) == ["‹b›x‹/b›", "(a blank name)"]


def test_seeds_are_judged_together_and_shown_by_themselves() -> None:
    runs = [specimen(i) for i in (0, 1, 3, 4, 6)]
    figure = band_figure(runs, "kl")
    caption = words_of(figure).caption
    assert (
        "Thick solid line: gold, mean of the runs" in caption and "Bar: where gold peaks" in caption
    )
    assert len(points(figure, "alarm")) == len(runs)
    fall = group_fall(gold_curves(runs, "kl"))
    assert fall is not None and fall.low > 0 and fall.n == len(runs)
    turned = group_fall(gold_curves(runs[::-1], "kl"))
    assert turned is not None and turned.value == pytest.approx(fall.value, abs=1e-12)
    assert group_fall(gold_curves(runs[:2], "kl")) is None
    random = np.random.default_rng(5)
    x = np.linspace(0, 9, 30)
    missed = sum(
        (found := group_fall([(x, random.normal(0, 1, 30)) for _ in range(6)])) is not None
        and found.low > 0
        for _ in range(300)
    )
    assert missed / 300 < 0.08, "flat gold hardly ever falls for sure"
