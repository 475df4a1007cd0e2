"""*Gate* and *Human checkpoints* in a real browser, on the bundled loop."""

from __future__ import annotations

import csv
import io

import pytest

ADDRESSES = {
    "/gate?loop=replace&iteration=8": ("truthfulness", "What the literature supports"),
    "/checkpoints?loop=replace&iteration=8": ("The review sheet", "a human checkpoint is due"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_deep_link_opens_and_fits(bundled, open_page, address) -> None:
    view = open_page(bundled.url + address, width=390, dark=True, charts=False)
    view.says("Copy link", *ADDRESSES[address]).fits()
    view.page.set_viewport_size({"width": 1440, "height": 900})
    view.fits()
    assert "Traceback" not in bundled.log()


def test_the_sheet_is_downloaded_blinded(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/checkpoints?loop=verified&iteration=1", charts=False)
    view.says("Copy link")
    with view.page.expect_download() as waiting:
        view.page.get_by_text("Download the sheet").click()
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 200
    assert set(rows[0]) == {
        "item_id", "prompt", "response_a", "response_b", "preferred", "rater", "note",
    }  # fmt: skip
