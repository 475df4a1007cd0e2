"""Text from logs and addresses is text: one hostile string in every place that a page shows.

It holds what Markdown, HTML, formulas, icons, badges, arrows and bare links begin with. What was
interpreted is an element of its own in the page, with the string's marks in it.
"""

from __future__ import annotations

import datetime
import json
import random
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from analytics.alerts import ledger as plan
from analytics.alerts import sending
from tests.browser.stores import filled
from tests.browser.test_every_page import pages_of
from tests.browser.view import UNFOLD
from tests.test_addresses import EVERY

HOSTILE = (
    "zq ![zqi](http://evil.example/a.png) [zql](http://evil.example/b) https://evil.example/c "
    "www.evil.example zq@evil.example **zqs** _zqe_ `zqc` ~~zqd~~ $zqm^2$ :red[zqr] "
    ":blue-badge[zqk] :material/home: :streamlit: :smile: <b>zqb</b> <img src=//evil.example/d> "
    "<a href='http://evil.example/e'>zqa</a> zqx -> zqy <zqw> # zqh"
)
FOUND = """() => {
  const found = [];
  const tell = (what, one) => found.push(what + ': ' + one.outerHTML.slice(0, 160));
  for (const one of document.querySelectorAll('a, img, image, use, iframe')) {
    const to = ['href', 'src', 'xlink:href'].map(name => one.getAttribute(name) ?? '').join(' ');
    if (/\\/\\/(www\\.)?evil|mailto:/.test(to)) tell('to', one);
    if (/evil/.test(one.host ?? '')) tell('host', one);
  }
  for (const one of document.querySelectorAll(
      'strong, em, b, i, code, del, s, h1, h2, h3, h4, .katex, mark, span[style], tspan'))
    if (/^zq[secdmrkb]$/.test(one.textContent.trim())) tell('made', one);
  for (const one of document.querySelectorAll(
      '.katex, [data-testid=stMain] img[src^="data:image/svg+xml,%3csvg"]'))
    tell('drawn', one);
  for (const one of document.querySelectorAll('[aria-label="home icon"]')) tell('icon', one);
  if (document.querySelector('[data-testid=stMain]').innerText.includes('zqx →'))
    found.push('arrow');
  return found;
}"""


def rows(loop: str, **more: object) -> list[dict[str, object]]:
    return [
        {"loop": loop, "iteration": at, "question_id": f"{number} {HOSTILE}", "question": HOSTILE,
         "answer": HOSTILE, "reference": HOSTILE, "grade":
         ("correct", "incorrect")[number % 3 > at],
         "confidence": 0.9, "topic": HOSTILE, "origin": "self_generated", "grader": HOSTILE, **more}
        for at in range(3) for number in range(12)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def hostile(server, world, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("hostile")
    metrics = [
        {"run_id": run, "step": step, "kl": step / 9, "proxy_reward": step / 20,
         "gold_reward": (step / 20) - (step / 30) ** 2, "gold_reward_se": 0.02,
         f"rewards/{HOSTILE[:60].replace('/', '|')}/mean": step / 30, "response_length": 20}
        for run in (HOSTILE, f"{HOSTILE} 2") for step in range(0, 60, 3)
    ]  # fmt: skip
    samples = [
        {"run_id": HOSTILE, "step": step, "prompt_id": HOSTILE, "sample_id": str(number),
         "prompt": HOSTILE, "response": HOSTILE, "proxy_reward": number / 9, "gold_reward": 0.4}
        for step in range(0, 60, 6) for number in range(4)
    ]  # fmt: skip
    for name, table in (("metrics", metrics), ("samples", samples), ("answers", rows(HOSTILE))):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    (folder / f"not read {HOSTILE[:40].replace('/', '|')}.csv").write_text(f"{HOSTILE}\n1\n")
    home = filled(
        folder / "home", *(folder / f"{n}.jsonl" for n in ("metrics", "samples", "answers"))
    )
    alarm = {"kind": "alarm", "subject": HOSTILE, "since": "2026-11-28T10:00:00+00:00",
            "gone": None, "told": True, "what": HOSTILE, "quiet": "", "pinged": None,
            "why": HOSTILE, "sure": HOSTILE, "errs": HOSTILE, "adopted": True,
            "link": f"/overoptimization?{urlencode([('run', HOSTILE)])}"}  # fmt: skip
    now = datetime.datetime.now(datetime.UTC)
    with sending.changing(home) as ledger:
        ledger["alerts"]["alarm"] = alarm
        plan.acknowledge(ledger, HOSTILE, HOSTILE, now)
        plan.mute(ledger, f"{HOSTILE} 2", now.date(), HOSTILE)
        for _ in range(2):
            plan.put(ledger, now, "ping", HOSTILE, [HOSTILE], "", "/")
        plan.set_aside(ledger, ledger["queue"][0]["id"], HOSTILE)
        plan.delivered(ledger, ledger["queue"][0]["id"], now)
        plan.put(ledger, now, "ping", HOSTILE, [HOSTILE], "", "/")
        ledger["digest"] = "2999-01-01T00:00:00+00:00"
    (home / "alerts.toml").write_text('[deliver]\nby = "command"\ncommand = ["/no/such/program"]')
    return server(home=home, variables=world.variables)


PAGES = {
    "/": (), "/overoptimization": ("run",), "/components": ("run",), "/best-of-n": ("run",),
    "/scaling": ("run",), "/hallucination": ("loop",), "/calibration": ("loop",),
    "/responses": ("run",), "/answers": ("loop",), "/training-set": ("loop",), "/sources": ("run",),
    "/quality": ("run",),
}  # fmt: skip
KEYS = (
    "run", "loop", "until", "axis", "scale", "gold", "component", "member", "verdict", "project",
    "q", "tau", "with", "at", "page", "origin", "question", "topic", "grade", "iteration", "size",
    "family", "penalty", "scenario", "response", "after", "prompt", "environment",
)  # fmt: skip


def looked_at(view) -> None:
    view.whole().page.evaluate(UNFOLD)
    view.never_says("could not be drawn")
    assert view.page.evaluate(FOUND) == []


def test_nothing_of_a_log_is_interpreted(hostile, open_page) -> None:
    """Page by page through the menu, which carries run and loop along."""
    asked = [("run", HOSTILE), ("run", f"{HOSTILE} 2"), ("loop", HOSTILE)]
    view = open_page(f"{hostile.url}/overoptimization?{urlencode(asked)}", charts=False)
    looked_at(view)
    walked = set()
    for name, link in pages_of(view):
        link.click()
        expect(view.page.locator("h1")).to_have_text(name)
        looked_at(view)
        shown = parse_qs(urlsplit(view.page.url).query)
        walked |= {key for key, values in shown.items() if HOSTILE in values}
        if name in ("Alerts", "This week"):
            view.says("zq")
    assert {"run", "loop"} <= walked
    assert "Traceback" not in hostile.log()


@pytest.mark.parametrize("page", ["/", "/overoptimization", "/hallucination", "/responses"])
def test_nothing_of_an_address_is_interpreted(hostile, open_page, page: str) -> None:
    """All keys at once; each alone: without a browser in test_addresses, and in the long form."""
    asked = [(key, HOSTILE) for key in KEYS if key not in PAGES[page]]
    looked_at(open_page(f"{hostile.url}{page}?{urlencode(asked)}", charts=False))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_hundreds_of_addresses_in_a_browser(hostile, open_page) -> None:
    """Every key of every page alone with the string, and some with other values that are none."""
    asked = [(page, key, HOSTILE) for page in PAGES for key in KEYS]
    asked += random.Random(10).sample(EVERY, 100)
    assert len(asked) >= 400
    view = open_page(f"{hostile.url}/sources", charts=False)
    for page, key, value in asked:
        view.page.goto(
            f"{hostile.url}{page}?{urlencode({key: value})}", wait_until="domcontentloaded"
        )
        looked_at(view)
    assert "Traceback" not in hostile.log()


def test_the_eyes_of_these_tests(server, open_page, tmp_path: Path) -> None:
    """A page that interprets the string is caught at each of its marks."""
    script = tmp_path / "naive.py"
    script.write_text(f"import streamlit as st\nst.markdown({HOSTILE!r})\n")
    view = open_page(server(script).url, charts=False, errors=True).says("zqs")
    found = " ".join(view.page.evaluate(FOUND))
    for mark in ("evil.example/b", "evil.example/c", "www.evil", "zqs", "zqe", "zqc", "katex",
                 "mailto", "home", "data:", "arrow"):  # fmt: skip
        assert mark in found, found
