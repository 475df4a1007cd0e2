"""*This week*, a pin that is not there, and the sent document, in a real browser."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
from playwright.sync_api import Browser

from analytics.figures.drawing.curves import RunCurve
from analytics.review.changes import Change
from analytics.review.document import html
from tests.outside import Outside

HOSTILE = [
    "</script><script>document.title='hit'</script>",
    "<img src=x onerror=\"document.title='hit'\">",
    "[x](javascript:document.title='hit')", "![x](http://evil.example/a.png)", "\u202e<b>x</b>",
    "$\\href{javascript:alert(1)}{x}$", "x" * 100_000, "<svg onload=\"document.title='hit'\">",
    "'\"><iframe src='http://evil.example'>",
]  # fmt: skip


def test_a_pin_that_is_not_there_says_so_on_any_page(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?pin=nothing", charts=False)
    view.says("There is no pin", "nothing").fits()


def test_the_sent_document_runs_nothing_of_what_stands_in_it(
    browser: Browser, world: Outside, tmp_path: Path
) -> None:
    frame = pl.DataFrame({
        "step_start": range(9), "step_end": range(9), "n_rows": 1,
        "kl": [float(i) for i in range(9)],
        "proxy_reward": [i / 2 for i in range(9)], "gold_reward": [i / 3 for i in range(9)],
    })  # fmt: skip
    verdict = {"status": "unmeasured", "axis": "kl", "peak": None, "gold_lost": None, "alarm": None}
    curves = [RunCurve(HOSTILE[0], 0, frame, pl.DataFrame(), verdict)]
    found = [Change("status", text, text, text, "/overoptimization", True) for text in HOSTILE]
    note = {"topic": None, "pin_id": None, "step": None, "iteration": None, "decision": "stop",
            "owner": None, "due": None, "by": "Ada", "at": "2026-11-28T10:00:00+00:00"}  # fmt: skip
    notes = [note | {"run_id": text, "text": text} for text in HOSTILE]
    file = tmp_path / "review.html"
    today = datetime.date(2026, 11, 28)
    file.write_text(html(found, "2026-11-21T00:00", "2026-11-28T00:00", today, curves, notes))
    page = browser.new_context(proxy=world.proxy, viewport={"width": 390, "height": 844}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(file.as_uri())
    page.wait_for_selector(".js-plotly-plot .scatterlayer path")
    assert page.title() == "Weekly review, 2026-11-21 to 2026-11-28"
    assert page.locator("img, iframe, svg[onload]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
    assert not errors
    assert not world.drained()
