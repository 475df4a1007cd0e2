"""A figure to take away: its size, its ground, its words, and its data as drawn."""

from __future__ import annotations

import json

import plotly.graph_objects as go
import pytest

from analytics.figures.rewards.rewards import reward_figure
from analytics.figures.runs.specimens import specimen
from analytics.figures.sent.takeaway import INKS, SIZES, drawn_rows, framed, printable, zoomed
from analytics.figures.words.captions import caption_of


@pytest.fixture
def figure() -> go.Figure:
    return reward_figure([specimen(0)], "sqrt_kl", "raw", [], tall=300)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ground", INKS)
def test_it_has_its_size_and_ground(figure: go.Figure, size: str, ground: str) -> None:
    before = figure.to_json()
    made = framed(figure, SIZES[size], INKS[ground], "r is past its peak", caption_of(figure))
    assert made.layout.width == SIZES[size].width and made.layout.height >= figure.layout.height / 2
    assert made.layout.paper_bgcolor == made.layout.plot_bgcolor == INKS[ground].ground
    words = {note.name: note.text.replace("<br>", " ") for note in made.layout.annotations}
    assert words["title"] == "r is past its peak" and words["caption"] == caption_of(figure)
    longest = max(len(line) for note in made.layout.annotations for line in note.text.split("<br>")
                  if note.name in ("title", "caption"))  # fmt: skip
    assert longest * SIZES[size].letters * 0.5 < SIZES[size].width
    bare = framed(figure, SIZES[size], INKS[ground], "", "")
    assert not {"title", "caption"} & {note.name for note in bare.layout.annotations}
    assert figure.to_json() == before, "the figure of the page stays as it is"


def test_the_data_are_those_drawn(figure: go.Figure) -> None:
    gold = drawn_rows(figure).filter(line="gold reward")
    looks = specimen(0).looks
    assert gold["x"].to_list() == pytest.approx(looks["kl"].to_list(), rel=1e-5)
    assert gold["y"].to_list() == pytest.approx(looks["gold_reward"].to_list(), rel=1e-5)
    half = (gold["high"] - gold["low"]) / 2
    assert half.to_list() == pytest.approx([0.05 * 1.6448536] * looks.height, rel=1e-4)
    hidden = json.dumps({"0": {"hidden": ["|gold reward|1"]}})
    figure.update_traces(legendgroup="", selector={"name": "gold reward"})
    assert drawn_rows(zoomed(figure, hidden)).filter(line="gold reward").is_empty()


def test_the_readers_zoom_is_kept_with_its_ticks(figure: go.Figure) -> None:
    zoom = json.dumps({"0": {"ranges": {"xaxis.range": [1.0, 2.0], "yaxis.range": [0, 1]}}})
    made = zoomed(figure, zoom)
    assert tuple(made.layout.xaxis.range) == (1.0, 2.0) and tuple(made.layout.yaxis.range) == (0, 1)
    shown = [at for at in made.layout.xaxis.tickvals if 1 <= at <= 2]
    assert len(shown) >= 4


@pytest.mark.parametrize("address", [
    "", "null", "[]", "{", '{"0": 3}', '{"0": {"ranges": []}}', '{"0": {"hidden": 1}}',
    '{"0": {"ranges": {"xaxis.range": ["a", 1], "title.range": [0, 1], "yaxis9.range": [0, 1]}}}',
    '{"0": {"ranges": {"xaxis.range": [NaN, 1]}}}', '{"0": {"ranges": {"xaxis.range[0]": 1}}}',
])  # fmt: skip
def test_an_address_that_says_nothing_changes_nothing(figure: go.Figure, address: str) -> None:
    before = figure.layout.xaxis.range
    assert zoomed(figure, address).layout.xaxis.range == before


def test_the_page_to_print_holds_names_as_data_and_asks_nobody(figure: go.Figure) -> None:
    figure.add_annotation(text="</script><script>alert(1)</script>", x=0, y=0)
    page = printable(framed(figure, SIZES["column"], INKS["light"], "t", ""))
    assert "</script><script>alert" not in page
    assert "src=" not in page.split("<script>")[0] and f"{SIZES['column'].width}px" in page
