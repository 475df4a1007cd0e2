"""What a reader meets on the page of best-of-n, in a real browser on the bundled pools."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from data.columns import ReadOptions
from data.importing import import_paths

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"
TRACES = """() => JSON.stringify(document.querySelector('.js-plotly-plot')._fullData
  .map(t => ({name: t.name, x: Array.from(t.x), y: Array.from(t.y)})))"""


@pytest.fixture(scope="module")
def pools(server, tmp_path_factory):
    home = tmp_path_factory.mktemp("pools")
    import_paths(home, [EXAMPLES / "bon_pool"], ReadOptions())
    return server(home=home)


def test_a_deep_link_draws_the_pool_and_choices_go_to_the_address(pools, open_page) -> None:
    view = open_page(f"{pools.url}/best-of-n?run=bon_pool&proxy=proxy_big")
    view.page.get_by_text("still pays at n = 256").wait_for()
    traces = {t["name"]: t for t in json.loads(view.page.evaluate(TRACES))}
    gold = traces["proxy_big"]["y"]
    view.page.get_by_role("radio", name="n", exact=True).click()
    view.page.wait_for_url("**x=n**")
    view.page.get_by_role("button", name="Copy link").click()
    link = view.page.locator('[data-testid="stCode"]').first.inner_text().strip()
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"run": ["bon_pool"], "proxy": ["proxy_big"], "x": ["n"], "kl": ["bound"]}
    again = open_page(link)
    drawn = {t["name"]: t for t in json.loads(again.page.evaluate(TRACES))}["proxy_big"]
    assert drawn["y"] == gold
    assert drawn["x"][0] == 1 and drawn["x"][-1] == 256


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (390, False)])
def test_it_fits_its_window(pools, open_page, width: int, dark: bool) -> None:
    view = open_page(f"{pools.url}/best-of-n?run=bon_pool&ensemble=wco", width=width, dark=dark)
    view.page.get_by_text("worst case (WCO)").first.wait_for()
    main = view.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
