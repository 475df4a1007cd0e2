"""The panel of a judge's anchors on the page of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.analytics.test_judge_drift import log


def test_a_table_with_anchors_is_judged_without_the_drift_and_drawn(
    tmp_path: Path, open_script: Callable[..., AppTest]
) -> None:
    page = open_script("runs/overoptimization.py", log(tmp_path / "t.csv"), run="a<b>")
    assert not page.exception
    text = " ".join(one.value for one in page.markdown)
    assert "The judge drifts, detected at step 1" in text and "gold is corrected" in text
    assert "The judge, by its anchors" in [one.value for one in page.header]
