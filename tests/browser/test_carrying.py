"""Choices go along when a reader moves through the menu."""

import re


def menu(view, name: str) -> None:
    view.page.get_by_role("link", name=name).click()


def test_the_menu_carries_the_run_and_where_it_is_frozen(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/overoptimization?run=r3_grpo_bigrm&until=300")
    view.says("frozen at step 300")
    menu(view, "Sources")
    view.page.wait_for_url("**/sources?run=r3_grpo_bigrm&until=300")
    view.says("Look closer at")
    view.until(view.page.title, "Sources", 20)
    menu(view, "Overview")
    view.page.wait_for_url(re.compile(r"/(\?.*)?$"))
    view.page.locator(".ovr a").first.wait_for()
    view.whole().asks(run=None)
    menu(view, "Overoptimization")
    view.page.wait_for_url("**/overoptimization?run=r3_grpo_bigrm&until=300")
    view.says("frozen at step 300")


def test_a_choice_taken_back_stays_away(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/overoptimization?run=r3_grpo_bigrm")
    view.page.get_by_role("button", name="Clear all").click()
    view.says("Choose a run to see its curve")
    menu(view, "Sources")
    view.page.wait_for_url("**/sources")
    view.says("Look closer at")
    menu(view, "Overoptimization")
    view.page.wait_for_url("**/overoptimization")
    view.says("Choose a run to see its curve")
    view.whole().asks(run=None)
