"""What a reader meets on the pages on truth, in a real browser on the bundled loop."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
FIGURE = """() => JSON.stringify(Array.from(document.querySelectorAll('.js-plotly-plot')).map(
  gd => gd._fullData.map(t => ({name: t.name, x: Array.from(t.x), y: Array.from(t.y)}))))"""


def figures(view) -> list[list[dict]]:
    return json.loads(view.page.evaluate(FIGURE))


def test_gold_stands_on_the_axis_of_the_rates(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?loop=replace")
    view.says("Copy link")

    def lines() -> list[list[float]]:
        every = [trace for figure in figures(view) for trace in figure]
        return [trace["y"] for trace in every if len(trace["y"]) == 9]

    # Wrong, confidently wrong, not attempted, gold, proxy and KL.
    drawn = view.until(lines, lambda drawn: len(drawn) >= 6)
    assert any(y[0] == pytest.approx(0.132) and y[8] == pytest.approx(0.76) for y in drawn)
    assert any(y[0] == pytest.approx(0.012) and y[8] == pytest.approx(0.098) for y in drawn)
    assert any(y[0] == pytest.approx(0.745, abs=1e-3) and y[8] < 0.33 for y in drawn)  # gold


def test_the_copied_link_restores_the_view_and_freezes_it(bundled, open_page) -> None:
    address = "/hallucination?loop=replace&until=5&of=attempted&tau=0.7&with=0&axis=sqrt_kl"
    view = open_page(bundled.url + address)
    view.says("frozen at iteration 5")
    link = view.link(loop=["replace"], until=["5"], axis=["sqrt_kl"])
    asked = parse_qs(urlsplit(link).query)
    assert asked["loop"] == ["replace"] and asked["until"] == ["5"] and asked["with"] == ["0"]
    assert (asked["of"], asked["tau"], asked["axis"]) == (["attempted"], ["0.7"], ["sqrt_kl"])
    again = open_page(bundled.url + "/hallucination?" + urlsplit(link).query)
    again.says("frozen at iteration 5")
    shown = view.steady(lambda: figures(view))
    assert len(shown) >= 2
    again.until(lambda: figures(again), shown)


def test_loops_and_a_freeze_go_along_to_the_next_page(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?loop=verified&until=4")
    view.says("verified", "Copy link")
    for page, word in (("Calibration", "loop"), ("Overview", None), ("Overoptimization", "run"),
                       ("Answers", "loop")):  # fmt: skip
        view.page.locator('[data-testid="stSidebarNavLink"]', has_text=page).click()
        expect(view.page.locator("h1")).to_have_text(page)
        if word is None:
            view.page.locator(".ovr a").first.wait_for()
            continue
        view.asks(**{word: ["verified"], "until": ["4"]})
        view.says("verified", "Copy link")


def test_run_means_loop_on_a_page_on_truth(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/hallucination?run=replace")
    view.says("13.2 % to 76.0 %").asks(loop=["replace"], run=None)
    view.until(view.page.title, "replace · Hallucination")


def test_a_question_leads_to_its_answers_over_the_iterations(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/answers?loop=replace&change=newly_wrong", charts=False)
    view.says("newly wrong since iteration 7")
    question = view.page.locator(".ans a").first
    text = view.steady(question.inner_text)
    question.click()
    expect(view.page.locator(".hist tr")).to_have_count(10)
    view.says(text, "Reference:")


def test_filters_stand_in_the_address_and_start_at_the_first_page(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/answers?loop=replace&page=3", charts=False)
    view.says("shown are 51 to 75").whole()
    view.page.get_by_label("Contains").fill("Stutrai")
    view.page.keyboard.press("Enter")
    view.says("shown are 1 to").asks(q=["Stutrai"])
    # The rows come after the line that counts them.
    expect(view.page.locator(".ans a").first).to_contain_text("Stutrai")
