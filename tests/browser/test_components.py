"""The page of a run's components in a real browser, on the bundled runs."""

from pathlib import Path

import pytest

from data.columns import ReadOptions
from data.importing import import_paths

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"


@pytest.fixture(scope="module")
def runs(server, tmp_path_factory):
    home = tmp_path_factory.mktemp("components")
    import_paths(home, [EXAMPLES / "r5_rloo"], ReadOptions())
    return server(home=home)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_component_is_drawn_with_its_proxy_point(runs, open_page, width: int, dark: bool) -> None:
    asked = "run=r5_rloo&component=facts_per_completion&axis=step"
    view = open_page(f"{runs.url}/components?{asked}", width=width, dark=dark)
    view.page.locator(".annotation-text", has_text="proxy point").wait_for(state="attached")
    view.page.locator(".annotation-text", has_text="gold peaks here").wait_for(state="attached")
    view.fits()


def test_choices_go_to_the_address(runs, open_page) -> None:
    view = open_page(f"{runs.url}/components?run=r5_rloo")
    view.page.get_by_role("radio", name="KL", exact=True).click()
    view.asks(axis=["kl"])
    assert "/components?run=r5_rloo&axis=kl&until=300" in view.link(axis=["kl"])
