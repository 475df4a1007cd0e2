"""*Gate* and *Human checkpoints* in a real browser, on the bundled loop."""

from __future__ import annotations

import csv
import io


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
