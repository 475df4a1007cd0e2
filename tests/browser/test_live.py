"""A page that shows a growing run follows it, and the reader keeps zoom, choices and place."""

import json
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.stores import command
from tests.browser.view import View
from tests.server import Server

LAST = "() => Math.max(...document.querySelector('.js-plotly-plot')._fullData[0].x)"
HIDDEN = """() => document.querySelector('.js-plotly-plot')._fullData
    .filter(trace => trace.visible === 'legendonly').map(trace => trace.name)"""
PLACE = "() => document.querySelector('[data-testid=stMain]').scrollTop"
SELECTED = """() => Array.from(document.querySelectorAll(
    '[data-testid=stDataFrame] [role=gridcell][aria-selected=true]'), cell => cell.id)"""
AGAIN = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    const layout = JSON.parse(JSON.stringify(chart.layout));
    for (const name of Object.keys(layout)) if (/axis/.test(name)) {
        delete layout[name].range; layout[name].autorange = true; }
    const data = chart.data.map(trace => ({...trace, visible: true}));
    return window.Plotly.react(chart, data, layout).then(() => true);
}"""
"""Streamlit may draw a chart again as it was sent, at a moment of its own choosing."""
RANGE = "() => Array.from(document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range)"


def grown(file: Path, last: int, *runs: str) -> None:
    rows = [
        {"run_id": run, "step": step, "kl": step / 10, "proxy_reward": step / 50,
         "gold_reward": step / 100 if step % 5 == 0 else None}
        for run in runs or ("live",)
        for step in range(last + 1)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def live(server, tmp_path_factory) -> Server:
    """One store to which each test brings runs of its own."""
    return server(home=tmp_path_factory.mktemp("live"))


def dragged(page: Page) -> list[float]:
    """Zoom in with the mouse; the range of the axis afterwards.

    The chart is drawn anew when the verdict comes, so a drag may miss it: it is tried again.
    """
    plot = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] * 0.2, plot["y"] + plot["height"] / 2)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.6, plot["y"] + plot["height"] / 2, steps=5)
    page.mouse.up()
    page.wait_for_timeout(1_000)  # two drags at once would be a double click, which zooms out
    return page.evaluate(RANGE)


def test_new_rows_come_by_themselves_and_zoom_stays(live, open_page, tmp_path: Path) -> None:
    log = tmp_path / "live.jsonl"
    grown(log, 100)
    command(live.home, "import", str(log), "--json")
    view = open_page(f"{live.url}/overoptimization?run=live&axis=step")
    view.until(lambda: view.page.evaluate(LAST), lambda last: last >= 90)
    view.steady(lambda: view.page.evaluate(RANGE))
    view.until(lambda: dragged(view.page), lambda now: now[1] - now[0] < 60)
    zoomed = view.steady(lambda: view.page.evaluate(RANGE))

    grown(log, 200)
    command(live.home, "import", str(log), "--json")
    view.until(lambda: view.page.evaluate(LAST), lambda last: last >= 190)
    view.until(lambda: view.page.evaluate(RANGE), zoomed)
    assert view.steady(lambda: view.page.evaluate(RANGE)) == zoomed
    assert view.page.evaluate(AGAIN)
    view.until(lambda: view.page.evaluate(RANGE), zoomed)
    expect(view.page.get_by_role("radio", name="step", exact=True)).to_be_checked()
    view.asks(axis=["step"])


def test_zoom_and_hidden_lines_are_in_the_address_and_the_link(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/overoptimization?run=r3_grpo_bigrm&run=r5_rloo")
    view.steady(lambda: view.page.evaluate(RANGE))
    view.until(lambda: dragged(view.page), lambda now: now[1] - now[0] < 4)
    zoomed = view.steady(lambda: view.page.evaluate(RANGE))
    view.until(lambda: "zoom=" in view.page.url, True)
    link = view.until(lambda: view.link(run=["r3_grpo_bigrm", "r5_rloo"]), lambda t: "zoom=" in t)
    as_then = pytest.approx(zoomed, rel=1e-3)
    zooms = [parse_qs(urlsplit(address).query)["zoom"] for address in (view.page.url, link)]
    assert zooms[0] == zooms[1]
    again = open_page(link)
    again.until(lambda: again.page.evaluate(RANGE) == as_then, True)
    ticks = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.ticktext.length"
    view.until(lambda: view.page.evaluate(ticks), lambda many: 4 <= many <= 14)  # of what is shown
    older = view.page.url.replace("xaxis.range", "xaxis5.range")  # when panels had an axis each
    again = open_page(older)
    again.until(lambda: again.page.evaluate(RANGE) == as_then, True)
    view.page.get_by_role("radio", name="step", exact=True).click()
    view.asks(axis=["step"], zoom=None)  # another axis, another zoom


def test_scroll_selection_and_hidden_lines_stay(live, open_page, tmp_path: Path) -> None:
    log = tmp_path / "many.jsonl"
    runs = [f"live{number}" for number in range(5)]
    grown(log, 100, *runs)
    command(live.home, "import", str(log), "--json")
    address = "&".join(f"run={run}" for run in runs)
    view = open_page(f"{live.url}/overoptimization?axis=step&{address}", height=600)
    page: Page = view.page
    view.until(lambda: page.evaluate(LAST), lambda last: last >= 90)
    view.steady(lambda: page.evaluate(RANGE))

    def hide() -> list[str]:
        if not page.evaluate(HIDDEN):  # a click that a new drawing swallowed is tried again
            legend = page.locator(".js-plotly-plot .legendtoggle").first
            legend.dispatch_event("mousedown")
            legend.dispatch_event("mouseup")
            # A second click before the first has had its effect would take it back.
            with suppress(AssertionError):
                view.until(lambda: page.evaluate(HIDDEN), lambda names: names, patience=15)
        return page.evaluate(HIDDEN)

    view.until(hide, lambda names: len(names) > 0)
    hidden = view.steady(lambda: page.evaluate(HIDDEN))
    assert hidden

    def select() -> list[str]:
        table = page.locator("[data-testid=stDataFrame] canvas").first
        table.scroll_into_view_if_needed()
        box = table.bounding_box()
        assert box
        page.mouse.click(box["x"] + 120, box["y"] + 55)
        return page.evaluate(SELECTED)

    chosen = view.until(select, lambda cells: len(cells) == 1)
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop = 240")
    place = view.steady(lambda: page.evaluate(PLACE))
    assert place > 100

    grown(log, 200, *runs)
    command(live.home, "import", str(log), "--json")
    view.until(lambda: page.evaluate(LAST), lambda last: last >= 190)
    view.until(lambda: page.evaluate(HIDDEN), hidden)
    assert view.steady(lambda: page.evaluate(HIDDEN)) == hidden
    assert page.evaluate(AGAIN)
    view.until(lambda: page.evaluate(HIDDEN), hidden)
    assert page.evaluate(SELECTED) == chosen
    assert page.evaluate(PLACE) == place


def test_a_filter_half_typed_stays(live, open_page, tmp_path: Path) -> None:
    log = tmp_path / "typed.jsonl"
    grown(log, 100, "typed")
    command(live.home, "import", str(log), "--json")
    view = open_page(live.url, charts=False).says("typed")
    words = view.whole().page.get_by_role("textbox").first
    words.click()
    words.press_sequentially("typ")
    grown(log, 200, "typed", "second")
    command(live.home, "import", str(log), "--json")
    view.says("second")
    expect(words).to_have_value("typ")
    expect(words).to_be_focused()


def test_a_choice_whose_widget_comes_late_is_kept(live, context, tmp_path: Path) -> None:
    # Its code is still on the way when rows come in; what it is to show was told before that.
    file = tmp_path / "late.jsonl"
    grown(file, 30, "late")
    command(live.home, "import", str(file))
    page = context.new_page()
    waiting: list[Route] = []
    page.route("**/Multiselect.*.js", lambda route: waiting.append(route))
    page.route("**/ButtonGroup.*.js", lambda route: waiting.append(route))
    try:
        page.goto(f"{live.url}/overoptimization?run=late&axis=step", wait_until="domcontentloaded")
        view = View(page)
        view.until(lambda: page.evaluate(LAST), 30)
        grown(file, 50, "late")
        command(live.home, "import", str(file))
        view.until(lambda: page.evaluate(LAST), 50)
        assert len(waiting) == 2
        for route in waiting:
            route.continue_()
        expect(page.locator("[data-testid=stMultiSelect]")).to_contain_text("late")
        shown = page.locator("button[role=radio][aria-checked=true]")
        expect(shown.filter(has_text="step")).to_be_visible()
        page.get_by_text("in sd of the start").click()
        view.asks(run=["late"], axis=["step"], scale=["sd"])
        view.charts()
    finally:
        page.close()
