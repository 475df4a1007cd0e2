"""What a reader meets on the page How good is this?, in a real browser."""

import pytest


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (390, False)])
def test_the_page_of_the_error_rates(server, open_page, width: int, dark: bool) -> None:
    started = server()
    view = open_page(f"{started.url}/quality?scenario=sparse_n10_s05", width=width, dark=dark)
    view.says("RED raises a false alarm").fits()
    view.until(view.page.locator(".js-plotly-plot .scatterlayer path").count, lambda n: n > 20)
