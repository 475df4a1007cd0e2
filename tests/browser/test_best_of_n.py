"""What a reader meets on the page of best-of-n, in a real browser on the bundled pools."""

import json
from urllib.parse import parse_qs, urlsplit

TRACES = """() => JSON.stringify(document.querySelector('.js-plotly-plot')._fullData
  .map(t => ({name: t.name, x: Array.from(t.x), y: Array.from(t.y)})))"""


def gold(view) -> dict:
    """The curve of the pool, once it is drawn."""
    named = view.until(
        lambda: {t["name"]: t for t in json.loads(view.page.evaluate(TRACES))},
        lambda traces: "proxy_big" in traces,
    )
    return named["proxy_big"]


def test_a_deep_link_draws_the_pool_and_choices_go_to_the_address(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/best-of-n?run=bon_pool&proxy=proxy_big")
    view.says("still pays at n = 256").fits()
    first = view.steady(lambda: gold(view))
    view.page.get_by_role("radio", name="n", exact=True).click()
    view.asks(x=["n"])
    link = view.link(x=["n"])
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"run": ["bon_pool"], "proxy": ["proxy_big"], "x": ["n"], "kl": ["bound"]}
    again = open_page(link)
    drawn = again.until(lambda: gold(again), lambda curve: curve["x"][-1] == 256)
    assert drawn["x"][0] == 1
    assert drawn["y"] == first["y"]
    again.page.set_viewport_size({"width": 390, "height": 900})
    again.fits()
