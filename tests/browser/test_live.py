"""A page that shows a growing run follows it, and the reader keeps zoom and choices."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.stores import command

LAST = "() => Math.max(...document.querySelector('.js-plotly-plot')._fullData[0].x)"
RANGE = "() => Array.from(document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range)"


def grown(file: Path, last: int) -> None:
    rows = [
        {"run_id": "live", "step": step, "kl": step / 10, "proxy_reward": step / 50,
         "gold_reward": step / 100 if step % 5 == 0 else None}
        for step in range(last + 1)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


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


def test_new_rows_come_by_themselves_and_zoom_stays(server, open_page, tmp_path: Path) -> None:
    log, home = tmp_path / "live.jsonl", tmp_path / "live"
    home.mkdir()
    grown(log, 100)
    command(home, "import", str(log), "--json")
    served = server(home=home)
    view = open_page(f"{served.url}/overoptimization?run=live&axis=step")
    view.until(lambda: view.page.evaluate(LAST), lambda last: last >= 90)
    view.steady(lambda: view.page.evaluate(RANGE))
    view.until(lambda: dragged(view.page), lambda now: now[1] - now[0] < 60)
    zoomed = view.steady(lambda: view.page.evaluate(RANGE))

    grown(log, 200)
    command(home, "import", str(log), "--json")
    view.until(lambda: view.page.evaluate(LAST), lambda last: last >= 190)
    view.until(lambda: view.page.evaluate(RANGE), zoomed)
    assert view.steady(lambda: view.page.evaluate(RANGE)) == zoomed
    expect(view.page.get_by_role("radio", name="step", exact=True)).to_be_checked()
    view.asks(axis=["step"])
