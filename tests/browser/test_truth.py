"""What a reader meets on the pages on truth, in a real browser on the bundled loop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
ADDRESSES = (
    "/hallucination?loop=replace&loop=verified",
    "/calibration?loop=replace",
    "/answers?loop=replace",
    "/training-set?loop=replace",
)
FIGURE = """() => JSON.stringify(Array.from(document.querySelectorAll('.js-plotly-plot')).map(
  gd => gd._fullData.map(t => ({name: t.name, x: Array.from(t.x), y: Array.from(t.y)}))))"""


@pytest.fixture(scope="module")
def bundled(server, tmp_path_factory):
    home = tmp_path_factory.mktemp("truth")
    logs = [EXAMPLES / "loop", EXAMPLES / "r3_grpo_bigrm"]
    done = subprocess.run(
        [sys.executable, "-m", "data", "import", *map(str, logs), "--json"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "OVEROPT_HOME": str(home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return server(home=home)


def figures(view) -> list[list[dict]]:
    return json.loads(view.page.evaluate(FIGURE))


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_deep_link_draws_its_page(bundled, open_page, address: str) -> None:
    view = open_page(bundled.url + address, charts="answers" not in address)
    view.page.get_by_text("Copy link").wait_for()
    assert view.page.locator('[data-testid="stDialog"]').count() == 0
    assert "replace" in view.text() and "could not be drawn" not in view.text()
    assert "Traceback" not in bundled.log()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("dark", [False, True])
def test_pages_fit_a_phone(bundled, open_page, address: str, dark: bool) -> None:
    view = open_page(bundled.url + address, width=390, dark=dark, charts="answers" not in address)
    view.page.get_by_text("Copy link").wait_for()
    main = view.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_gold_stands_on_the_axis_of_the_rates(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?loop=replace")
    view.page.get_by_text("Copy link").wait_for()
    first = figures(view)[0]
    lines = [trace["y"] for trace in first if len(trace["y"]) == 9]
    assert any(y[0] == pytest.approx(0.132) and y[8] == pytest.approx(0.76) for y in lines)
    assert any(y[0] == pytest.approx(0.012) and y[8] == pytest.approx(0.098) for y in lines)
    assert any(y[0] == pytest.approx(0.745, abs=1e-3) and y[8] < 0.33 for y in lines)  # gold


def test_the_copied_link_restores_the_view_and_freezes_it(bundled, open_page) -> None:
    address = "/hallucination?loop=replace&until=5&of=attempted&tau=0.7&with=0&axis=sqrt_kl"
    view = open_page(bundled.url + address)
    view.page.get_by_text("Copy link").click()
    link = view.page.locator('[data-testid="stPopoverBody"] code').inner_text()
    asked = parse_qs(urlsplit(link).query)
    assert asked["loop"] == ["replace"] and asked["until"] == ["5"] and asked["with"] == ["0"]
    assert (asked["of"], asked["tau"], asked["axis"]) == (["attempted"], ["0.7"], ["sqrt_kl"])
    again = open_page(bundled.url + "/hallucination?" + urlsplit(link).query)
    again.page.get_by_text("frozen at iteration 5").wait_for()
    assert figures(again) == figures(view)


def test_loops_and_a_freeze_go_along_to_the_next_page(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?loop=verified&until=4")
    view.page.get_by_text("Copy link").wait_for()
    for page, word in (("Calibration", "loop"), ("Overview", None), ("Overoptimization", "run"),
                       ("Answers", "loop")):  # fmt: skip
        view.page.locator('[data-testid="stSidebarNavLink"]', has_text=page).click()
        view.settle()
        if word is None:
            view.page.locator(".ovr a").first.wait_for()
            continue
        view.page.get_by_text("Copy link").wait_for()
        view.page.wait_for_url(f"**{word}=verified**")
        asked = parse_qs(urlsplit(view.page.url).query)
        assert asked[word] == ["verified"] and asked["until"] == ["4"], page
        assert "verified" in view.text()


def test_run_means_loop_on_a_page_on_truth(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?run=replace")
    view.page.get_by_text("13.2 % to 76.0 %").first.wait_for()
    assert parse_qs(urlsplit(view.page.url).query)["loop"] == ["replace"]


def test_a_question_leads_to_its_answers_over_the_iterations(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/answers?loop=replace&change=newly_wrong", charts=False)
    view.page.get_by_text("newly wrong since iteration 7").first.wait_for()
    question = view.page.locator(".ans a").first
    text = question.inner_text()
    question.click()
    view.page.locator(".hist tr").nth(9).wait_for()
    assert text in view.text() and "Reference:" in view.text()
    assert view.page.locator(".hist tr").count() == 10


def test_filters_stand_in_the_address_and_start_at_the_first_page(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/answers?loop=replace&page=3", charts=False)
    view.page.get_by_text("shown are 51 to 75").wait_for()
    view.page.get_by_label("Contains").fill("Stutrai")
    view.page.keyboard.press("Enter")
    view.page.get_by_text("shown are 1 to").wait_for()
    assert parse_qs(urlsplit(view.page.url).query)["q"] == ["Stutrai"]
    # The rows come after the line that counts them.
    view.page.wait_for_function(
        "() => document.querySelector('.ans a').innerText.includes('Stutrai')"
    )
