"""An opened page, looked at with patience.

A page arrives in parts: on a busy machine the last line can stand there while a widget in the
middle still loads its own code, and for a moment after a click the old page is still to be seen. So
nothing is read once: every look is repeated until it shows what is expected, or the patience ends.
What must *not* be there is looked for only on a page that is whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Error, Page, expect

from tests.browser.readable import MEETING

PATIENCE = 90.0
"""Seconds. A wait ends with what it waits for, so this costs nothing where all is well."""
CHART = ".js-plotly-plot .scatterlayer path, .js-plotly-plot .gl-canvas"
WHOLE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testScriptState === 'notRunning'
    && app.dataset.testConnectionState === 'CONNECTED'
    && app.querySelector('[data-testid="stMain"] [data-testid="stElementContainer"]')
    && !app.querySelector('[data-stale="true"], [data-testid^="stSkeleton"], '
      + '[data-testid="stAppSkeleton"], [data-testid="stSpinner"]');
}"""
UNFOLD = """() => document.querySelectorAll('details:not([open]) > summary')
  .forEach(summary => summary.click())"""
expect.set_options(timeout=PATIENCE * 1000)


@dataclass
class View:
    """An opened page and what went wrong in it: the test fails on `errors` at its end."""

    page: Page
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Addresses of everything that the page has requested, websockets among it."""

    def until(self, look: Callable[[], Any], wanted: Any, patience: float = PATIENCE) -> Any:
        """Look again and again until it shows what is wanted; returns what it showed.

        Args:
            look: reads something from the page; a page that changes meanwhile is read again.
            wanted: the value, or a function of what was seen that says whether this is it.
            patience: seconds.
        """
        seen: Any = None
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                seen = look()
                if wanted(seen) if callable(wanted) else seen == wanted:
                    return seen
            except (Error, LookupError) as gone:  # a page between two states
                seen = gone
            self.page.wait_for_timeout(100)
        what = "what was wanted" if callable(wanted) else repr(wanted)
        raise AssertionError(f"{seen!r} is not {what}; the page at {self.page.url}:\n{self.text()}")

    def steady(self, look: Callable[[], Any]) -> Any:
        """What the whole page shows when it no longer changes: the same four times in a row."""
        seen: list[Any] = []

        def again() -> bool:
            seen.append(look() if self.page.evaluate(WHOLE) else object())
            return len(seen) > 3 and all(one == seen[-1] for one in seen[-4:])

        self.until(again, True)
        return seen[-1]

    def whole(self) -> View:
        """Wait until the script has ended and every part of its page is drawn, none left over."""
        self.page.wait_for_function(WHOLE, timeout=PATIENCE * 1000, polling=100)
        return self

    def says(self, *texts: str) -> View:
        """Wait until the page shows each of these texts."""
        main = self.page.locator('[data-testid="stMain"]')
        for text in texts:
            expect(main).to_contain_text(text, use_inner_text=True)
        return self

    def never_says(self, *texts: str) -> View:
        """None of these is on the whole page: wait for what it does say before."""
        whole = self.whole().text()
        for text in texts:
            assert text not in whole
        return self

    def asks(self, **keys: list[str] | None) -> View:
        """Wait until the address holds these choices (None: does not hold the key)."""
        self.until(
            lambda: {key: parse_qs(urlsplit(self.page.url).query).get(key) for key in keys}, keys
        )
        return self

    def link(self, **keys: list[str]) -> str:
        """What "Copy link" offers, once it holds these choices."""
        self.whole()
        code = self.page.locator('[data-testid="stPopoverBody"] [data-testid="stCode"]')
        if not code.count():
            self.page.get_by_role("button", name="Copy link").click()

        def offered() -> str:
            return code.first.inner_text(timeout=5_000).strip()

        def holds(link: str) -> bool:
            asked = parse_qs(urlsplit(link).query)
            return link.startswith("http") and all(asked.get(k) == v for k, v in keys.items())

        return str(self.until(offered, holds))

    def charts(self) -> int:
        """Wait for the first drawn chart; how many there are."""
        # Attached, not visible: the first path of a chart may be an empty one.
        self.page.wait_for_selector(CHART, state="attached", timeout=PATIENCE * 1000)
        return self.page.locator(".js-plotly-plot").count()

    def in_colours(self, scheme: str) -> View:
        """Wait until the page is drawn in "light" or "dark"."""
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        bright = f"Math.max(...{ground}.match(/\\d+/g).slice(0, 3).map(Number)) > 127"
        self.until(lambda: self.page.evaluate(bright), scheme == "light")
        return self.whole()

    def fits_both(self) -> View:
        """The page is no wider than its window, in light and in dark."""
        for scheme in ("light", "dark"):
            self.in_colours(scheme).fits()
        return self

    def fits(self) -> View:
        """The whole page is no wider than its window, and no two labels of a chart meet."""
        main = self.whole().page.locator('[data-testid="stMain"]')
        self.until(lambda: main.evaluate("e => e.scrollWidth - e.clientWidth"), lambda w: w <= 1)
        self.until(lambda: self.page.evaluate(MEETING), [])
        return self

    def text(self) -> str:
        """What is to be read at this moment, be it half drawn."""
        return self.page.locator('[data-testid="stMain"]').inner_text()
