"""Figures of the verdicts' quality hold what was measured."""

import pytest

from analytics.figures.measured.detectors import MOST, detector_figure
from analytics.figures.measured.interval_quality import METHODS, interval_figure
from analytics.measured.published import SCENARIO_WORDS, detector_table, interval_table, published
from analytics.wording import percent


@pytest.mark.parametrize("scenario", ["base_n20_s05", "dense_n40_s10"])
def test_every_interval_stands_in_both_panels(scenario) -> None:
    table = interval_table(published("intervals")["rows"], scenario)
    figure = interval_figure(table)
    drawn = {(trace.name, trace.xaxis): list(trace.x) for trace in figure.data}
    for method, _, _ in METHODS:
        part = table.filter(table["method"] == method)
        assert drawn[method, "x"] == part["coverage"].to_list()
        assert drawn[method, "x2"] == part["width"].to_list()
        assert figure.layout.xaxis.range[0] < part["coverage"].min() < figure.layout.xaxis.range[1]
    assert list(figure.layout.yaxis.ticktext) == list(dict.fromkeys(table["shape"]))


@pytest.mark.parametrize("scenario", SCENARIO_WORDS)
def test_every_detector_stands_in_the_chart(scenario) -> None:
    table = detector_table(published("detectors")["rows"], scenario)
    figure = detector_figure(table)
    first = [name for trace in figure.data if trace.xaxis == "x" for name in trace.y]
    assert sorted(first) == sorted(table["detector"])
    shares = dict(table.select("detector", "false_alarms").rows())
    drawn = {
        name: (x, symbol)
        for trace in figure.data if trace.xaxis == "x"
        for name, x, symbol in zip(trace.y, trace.x, trace.marker.symbol, strict=True)
    }  # fmt: skip
    notes = {(note.y, note.text) for note in figure.layout.annotations}
    assert figure.layout.xaxis.range[1] < 1.2 * MOST
    for name, share in shares.items():
        assert drawn[name][0] == min(share, MOST)
        assert (drawn[name][1] == "triangle-right") is (share > MOST)
        assert share <= MOST or (name, percent(share)) in notes
