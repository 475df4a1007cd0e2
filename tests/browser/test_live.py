"""A page that shows a growing run follows it, and the reader keeps zoom and choices."""

import json
from pathlib import Path

from tests.browser.stores import command

LAST = "() => Math.max(...document.querySelector('.js-plotly-plot')._fullData[0].x)"
RANGE = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range"


def grown(file: Path, last: int) -> None:
    rows = [
        {"run_id": "live", "step": step, "kl": step / 10, "proxy_reward": step / 50,
         "gold_reward": step / 100 if step % 5 == 0 else None}
        for step in range(last + 1)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_new_rows_come_by_themselves_and_zoom_stays(server, open_page, tmp_path: Path) -> None:
    log, home = tmp_path / "live.jsonl", tmp_path / "live"
    home.mkdir()
    grown(log, 100)
    command(home, "import", str(log), "--json")
    served = server(home=home)
    view = open_page(f"{served.url}/overoptimization?run=live&axis=step")
    view.page.wait_for_function(f"({LAST})() >= 90")
    plot = view.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert plot
    view.page.mouse.move(plot["x"] + plot["width"] * 0.2, plot["y"] + plot["height"] / 2)
    view.page.mouse.down()
    view.page.mouse.move(plot["x"] + plot["width"] * 0.6, plot["y"] + plot["height"] / 2, steps=5)
    view.page.mouse.up()
    view.page.wait_for_timeout(500)
    zoomed = view.page.evaluate(RANGE)
    assert zoomed[1] - zoomed[0] < 60

    grown(log, 200)
    command(home, "import", str(log), "--json")
    view.page.wait_for_function(f"({LAST})() >= 190", timeout=60_000)
    assert view.page.evaluate(RANGE) == zoomed
    assert view.page.get_by_role("radio", name="step", exact=True).is_checked()
    assert "axis=step" in view.page.url
