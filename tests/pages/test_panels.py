"""The panels below the chart of rewards are those that data.declared gives a title."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from data.columns import PANELS


def test_every_declared_panel_that_was_logged_is_drawn(
    tmp_path: Path, open_script: Callable[..., AppTest]
) -> None:
    logged = [panel.column for panel in PANELS]
    rows = [f"{i},{i / 2},{i / 9},{i / 8}," + ",".join(["0.5"] * len(logged)) for i in range(8)]
    head = "step,kl,proxy_reward,gold_reward," + ",".join(logged)
    (tmp_path / "run.csv").write_text("\n".join([head, *rows]) + "\n")
    page = open_script("runs/overoptimization.py", tmp_path / "run.csv", run="run")
    assert not page.exception
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)
    titles = [axis["title"].get("text") for name, axis in drawn["layout"].items()
              if name.startswith("yaxis") and axis.get("title")]  # fmt: skip
    assert titles[-len(logged) :] == [panel.title for panel in PANELS]
    low = [trace["hovertemplate"] for trace in drawn["data"][-len(logged) :]]
    for column, words in zip(logged, low, strict=True):
        assert column.replace("_", " ") in words
