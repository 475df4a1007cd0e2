"""All pages of the menu, wide in light and on a phone in dark: they fit, can be read, and ask no
other machine."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from playwright.sync_api import Locator, expect

from tests.browser.accessible import STREAMLITS, findings
from tests.browser.readable import FAINT, MEETING
from tests.browser.view import PATIENCE, UNFOLD, WHOLE, View

WITH = "?run=r3_grpo_bigrm&run=bon_pool&loop=replace"
SAYS = {
    "This week": "Close this review", "Alerts": "Alerts are off", "Overview": "r5_rloo",
    "Gate": "What the literature supports", "Human checkpoints": "The review sheet",
    "Training set": "replace", "Calibration": "replace", "Answers": "replace",
}  # fmt: skip
"""Words far down some pages."""


def pages_of(view: View) -> list[tuple[str, Locator]]:
    """Names and links of the menu's pages."""
    links = view.page.locator('[data-testid="stSidebarNavLink"]')
    names = view.until(links.all_inner_texts, lambda found: len(found) > 8)
    return [(name.splitlines()[-1], links.nth(at)) for at, name in enumerate(names)]


def open_all_parts(view: View) -> None:
    """Unfold what is folded."""
    view.whole().page.evaluate(UNFOLD)
    view.steady(lambda: view.page.evaluate("document.querySelectorAll('*').length"))


def asked_elsewhere(view: View, own: str) -> set[str]:
    """Hosts other than the server's own that a page has asked, its menus opened."""
    copy = view.page.get_by_role("button", name="Copy link")
    if copy.count():
        copy.first.click()
        view.page.locator('[data-testid="stPopoverBody"]').first.wait_for()
        view.page.keyboard.press("Escape")
    view.page.locator('[data-testid="stMainMenu"] button').click()
    view.page.locator('[data-testid="stMainMenuPopover"]').wait_for()
    view.whole().page.keyboard.press("Escape")
    asked = [urlsplit(url) for url in view.asked]
    return {url.netloc for url in asked if url.scheme not in ("data", "blob")} - {own}


def faults_of(view: View, with_axe: bool) -> tuple[list[str], set[tuple[str, str]]]:
    """Faults of a page, and what is Streamlit's own."""
    ours, theirs = findings(view) if with_axe else ([], set())
    return [
        *ours,
        *(fault for look in (FAINT, MEETING) for fault in view.page.evaluate(look)),
    ], theirs


def lasting(view: View, with_axe: bool) -> tuple[list[str], set[tuple[str, str]]]:
    """Faults of a page at rest: while a part of it runs again by itself, that part is faint."""
    found = faults_of(view, with_axe)
    end = time.monotonic() + PATIENCE
    while found[0] and time.monotonic() < end:
        view.steady(lambda: view.page.evaluate("document.querySelectorAll('*').length"))
        again = faults_of(view, with_axe)
        if again[0] == found[0] and view.page.evaluate(WHOLE):
            break
        found = again
    return found


def test_every_page_can_be_read_and_keeps_to_its_server(bundled, open_page, world) -> None:
    view = open_page(f"{bundled.url}/overoptimization{WITH}")
    assert any(urlsplit(url).scheme == "ws" for url in view.asked)
    faults: list[str] = []
    met: set[tuple[str, str]] = set()
    for page, link in pages_of(view):  # by the menu, which carries the choices along
        view.asked.clear()
        link.click()
        expect(view.page.locator("h1")).to_have_text(page)
        open_all_parts(view)
        view.says(SAYS.get(page, page))
        assert not view.page.locator('[data-testid="stDialog"]').count(), page
        view.never_says("could not be drawn")
        for width, scheme in ((1440, "light"), (390, "dark")):
            view.page.set_viewport_size({"width": width, "height": 900})
            view.in_colours(scheme).fits()
            # Contrast and labels are looked at in both; axe's other rules know no colours.
            ours, theirs = lasting(view, with_axe=scheme == "light")
            met |= theirs
            faults += [f"{page}, {scheme}: {fault}" for fault in ours]
        view.page.set_viewport_size({"width": 1440, "height": 900})
        view.in_colours("light")
        assert not asked_elsewhere(view, urlsplit(bundled.url).netloc), page
        assert not view.page.context.service_workers
    assert not faults, "\n".join(faults)
    assert met == set(STREAMLITS), "what Streamlit no longer does is to be struck out"
    assert "Traceback" not in bundled.log()
    asked = world.drained()
    assert asked == [], set(asked)
