"""A browser, a server of the product, and pages opened in the one on the other."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Request,
    sync_playwright,
)

from tests.browser import chromium
from tests.browser.stores import EXAMPLES, filled
from tests.browser.view import PATIENCE, View
from tests.outside import Outside, outside
from tests.server import Server, servers

OWN_HOSTS = ("localhost", "127.0.0.1", "::1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session; where none can be had the tests are skipped, unless $CHROME
    names one."""
    try:
        found = chromium.find()
    except chromium.NoBrowser as why:
        if os.environ.get("CHROME"):
            raise
        pytest.skip(f"no browser: {why}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found.path,
            args=list(chromium.FLAGS),
            env=dict(os.environ | found.variables),
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Call it for a started Server: `server()`, `server(home=folder)`, `server(script=file)`."""
    with servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def world() -> Iterator[Outside]:
    """What pages, and the server of `bundled`, asked of other machines."""
    with outside() as listening:
        yield listening


@pytest.fixture(scope="session")
def bundled(world: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product over the bundled runs; shared, so a test leaves the store as it was."""
    with servers(tmp_path_factory) as start:
        home = filled(tmp_path_factory.mktemp("bundled"), EXAMPLES)
        yield start(home=home, variables=world.variables)


@pytest.fixture(scope="session")
def context(browser: Browser, world: Outside) -> BrowserContext:
    """What pages share: scripts that were loaded once are not loaded and compiled again."""
    shared = browser.new_context(proxy=world.proxy)
    shared.set_default_timeout(PATIENCE * 1000)
    return shared


def forget(view: View) -> None:
    """Close a page, and leave the next one nothing that this one kept in the browser."""
    try:
        view.page.evaluate("localStorage.clear()")
    except Error:  # it has left its address
        pass
    view.page.close()


@pytest.fixture
def open_page(context: BrowserContext, world: Outside) -> Iterator[Callable[..., View]]:
    """Call it with an address for a View; console errors and outside requests fail the test.

    `charts=False` for a page without one; `errors=True` where the test expects errors.
    """
    views: list[tuple[View, bool]] = []
    asking: list[Callable[[Request], None]] = []
    world.drained()

    def open_one(
        url: str,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        charts: bool = True,
        errors: bool = False,
    ) -> View:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        view = View(page)
        views.append((view, errors))

        def console(message: ConsoleMessage) -> None:
            if message.type == "error":
                view.errors.append(f"console: {message.text} ({message.location['url']})")

        asking.append(lambda request: view.asked.append(request.url))
        context.on("request", asking[-1])
        view.page.on("websocket", lambda socket: view.asked.append(socket.url))
        view.page.on("console", console)
        view.page.on("pageerror", lambda error: view.errors.append(f"page: {error}"))
        view.page.goto(url, wait_until="domcontentloaded")
        view.whole()
        if charts:
            view.charts()
        return view

    yield open_one
    found = [error for view, expected in views if not expected for error in view.errors]
    for view, _ in views:
        forget(view)
    for asked in asking:
        context.remove_listener("request", asked)
    context.clear_cookies()
    if not any(expected for _, expected in views):
        found += [f"asked another machine: {line}" for line in world.drained()]
    assert not found, "\n".join(found)
