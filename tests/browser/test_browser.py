"""The harness itself, on a page of its own: a server starts, a chart is drawn, errors are seen."""

import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

PAGE = """
import os
import plotly.graph_objects as go
import streamlit as st

st.title("Harness")
st.text(os.environ["OVEROPT_HOME"])
figure = go.Figure(go.Scatter(x=[0, 1, 2], y=[0, 1, 0]))
st.plotly_chart(figure)
"""


@pytest.fixture(scope="module")
def bare(server, tmp_path_factory):
    script = tmp_path_factory.mktemp("bare") / "bare.py"
    script.write_text(PAGE)
    return server(script)


def test_a_chart_is_drawn_and_no_button_of_developers(bare, open_page, tmp_path: Path) -> None:
    view = open_page(bare.url).says("Harness", str(bare.home))
    assert view.charts() == 1
    expect(view.page.locator(".scatterlayer path.js-line")).to_have_count(1)
    picture = view.page.screenshot(path=tmp_path / "page.png")
    assert picture.startswith(b"\x89PNG") and len(picture) > 5_000
    assert view.whole().page.locator('[data-testid="stAppDeployButton"]').count() == 0


def test_page_has_the_readers_width_and_colours_with_readable_text(bare, open_page) -> None:
    view = open_page(bare.url, dark=True, width=390, height=800)
    assert view.page.evaluate("window.innerWidth") == 390

    def brightness() -> list[int]:
        colours = view.page.evaluate(
            """() => [document.querySelector('[data-testid="stApp"]'), document.querySelector('h1')]
                .map((e, i) => getComputedStyle(e)[i ? 'color' : 'backgroundColor'])"""
        )
        return [sum(int(part) for part in c[4:-1].split(",")) for c in colours]

    for dark in (True, False):
        view.page.emulate_media(color_scheme="dark" if dark else "light")
        view.until(lambda: (lambda page, text: page < text)(*brightness()), dark)


def test_errors_in_a_page_are_seen(bare, open_page) -> None:
    view = open_page(bare.url, errors=True)
    view.page.evaluate("console.error('gone wrong')")
    view.page.evaluate("setTimeout(() => { throw new Error('thrown') }, 0)")
    view.page.evaluate("fetch('https://example.org/').catch(() => 0)")
    for error in ("gone wrong", "thrown", "https://example.org/"):
        view.until(lambda error=error: error in "\n".join(view.errors), True)


def test_server_keeps_its_address_over_a_crash(bare, open_page) -> None:
    before = bare.url
    bare.stop(signal.SIGKILL)
    assert not bare.answers()
    bare.start()
    assert bare.url == before
    assert open_page(bare.url).charts() == 1
    assert "localhost" in bare.log()
