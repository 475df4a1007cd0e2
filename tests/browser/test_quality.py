"""What a reader meets on the page How good is this?, in a real browser."""


def test_the_page_of_the_error_rates(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/quality?scenario=sparse_n10_s05", width=390)
    view.says("On simulated runs: a false alarm in").fits()
    view.page.set_viewport_size({"width": 1440, "height": 900})
    view.page.emulate_media(color_scheme="dark")
    view.fits()
    view.until(view.page.locator(".js-plotly-plot .scatterlayer path").count, lambda n: n > 20)
