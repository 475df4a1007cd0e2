"""The page of a run's components in a real browser, on the bundled runs."""


def test_a_component_is_drawn_with_its_proxy_point(bundled, open_page) -> None:
    asked = "run=r5_rloo&component=facts_per_completion&axis=step"
    view = open_page(f"{bundled.url}/components?{asked}", width=390, dark=True)
    view.page.locator(".annotation-text", has_text="proxy point").wait_for(state="attached")
    view.page.locator(".annotation-text", has_text="gold peaks here").wait_for(state="attached")
    view.fits()


def test_choices_go_to_the_address(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/components?run=r5_rloo")
    view.page.get_by_role("radio", name="KL", exact=True).click()
    view.asks(axis=["kl"])
    assert "/components?run=r5_rloo&axis=kl&until=300" in view.link(axis=["kl"])
