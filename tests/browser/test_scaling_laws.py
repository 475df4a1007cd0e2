"""The page on scaling in a real browser: the simulated family, and no data of its kind."""


def test_choices_go_to_the_address_and_a_simulated_family_is_named_in_the_chart(
    bundled, open_page
) -> None:
    view = open_page(f"{bundled.url}/scaling", charts=False)
    view.says("Choose the runs of a family")
    view.page.get_by_text("Simulated family").click()
    view.asks(simulated=["true"])
    asked = "simulated=true&size=reward+model+parameters&at=3000000000"
    view = open_page(f"{bundled.url}/scaling?{asked}")
    view.page.get_by_text("SIMULATED, not measured").first.wait_for()
    view.says("An extrapolation, 2.5 times outside", "β falls by").fits()
    view.page.set_viewport_size({"width": 390, "height": 900})
    view.fits()
