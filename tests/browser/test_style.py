"""The page Style, photographed in light and dark: labels that never meet, and words to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.accessible import findings
from tests.browser.readable import FAINT, MEETING

LABELS = """() => [...document.querySelectorAll('.js-plotly-plot')].map(chart =>
  chart.querySelectorAll('.annotation-text, .y50tick text').length)"""


AS_SENT = """() => [...document.querySelectorAll('.js-plotly-plot')].forEach(chart => {
  const {layout} = chart, {ticks} = layout.meta ?? {};
  if (!ticks) return;
  const xaxis = {...layout.xaxis, tickvals: ticks[0], ticktext: ticks[1]};
  window.Plotly.react(chart, chart.data, {...layout, xaxis});
})"""
"""Each chart drawn anew from what was sent, as Streamlit does it whenever it likes."""


def test_each_piece_by_itself(styled, open_page, tmp_path: Path) -> None:
    view = open_page(f"{styled.url}/style", height=1_000)
    view.until(
        lambda: view.page.locator('[data-testid="stPlotlyChart"] .js-plotly-plot').count(), 7
    )
    for width, scheme in ((1440, "light"), (390, "dark")):
        view.page.set_viewport_size({"width": width, "height": 1_000})
        view.in_colours(scheme)
        labels = view.steady(lambda: view.page.evaluate(LABELS))
        assert all(n >= 3 for n in labels), "the eyes of this test see the labels"
        picture = view.page.screenshot(path=str(tmp_path / "style.png"), full_page=True)
        assert len(picture) > 30_000
        view.fits()  # waits until labels that meet have been thinned
        found = [*findings(view)[0], *view.page.evaluate(MEETING), *view.page.evaluate(FAINT)]
        assert not found, f"{width}:\n" + "\n".join(found)
        view.page.evaluate(AS_SENT)
        view.fits()


@pytest.fixture(scope="module")
def styled(server, tmp_path_factory: pytest.TempPathFactory):
    return server(home=tmp_path_factory.mktemp("styled"), variables={"OVEROPT_STYLE": "1"})


def test_labels_of_every_figure_keep_apart(server, open_page) -> None:
    """Every figure that draws several things, with 1, 2, 3, 5 and 20 of them."""
    view = open_page(server(Path(__file__).with_name("every_figure.py")).url)
    for width in (1440, 390):
        view.page.set_viewport_size({"width": width, "height": 900})
        view.until(view.page.locator(".js-plotly-plot .main-svg").count, lambda n: n >= 2 * 40)
        found = view.steady(lambda: view.page.evaluate(MEETING))
        assert not found, f"{width}:\n" + "\n".join(found)
