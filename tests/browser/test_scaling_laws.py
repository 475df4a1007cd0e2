"""The page on scaling in a real browser: the simulated family, and no data of its kind."""

from pathlib import Path

import pytest

from data.columns import ReadOptions
from data.importing import import_paths

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"


@pytest.fixture(scope="module")
def runs(server, tmp_path_factory):
    home = tmp_path_factory.mktemp("scaling")
    import_paths(home, [EXAMPLES / "r5_rloo"], ReadOptions())
    return server(home=home)


def test_choices_go_to_the_address_and_a_simulated_family_is_named_in_the_chart(
    runs, open_page
) -> None:
    view = open_page(f"{runs.url}/scaling", charts=False)
    view.says("Choose the runs of a family")
    view.page.get_by_text("Simulated family").click()
    view.asks(simulated=["true"])
    asked = "simulated=true&size=reward+model+parameters&at=3000000000"
    view = open_page(f"{runs.url}/scaling?{asked}")
    view.page.get_by_text("SIMULATED, not measured").first.wait_for()
    view.says("An extrapolation, 2.5 times outside")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_it_fits_its_window(runs, open_page, width: int, dark: bool) -> None:
    view = open_page(
        f"{runs.url}/scaling?simulated=true&size=reward+model+parameters", width=width, dark=dark
    )
    view.says("β falls by").fits()
