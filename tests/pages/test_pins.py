"""A pinned view stays as it was: whatever becomes of its run, of defaults and of the program."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from analytics.onset.alarm import spending
from data import spool
from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared import reads
from pages.shared.asking import pin_reads
from pages.shared.keeping import judging

RUN = "runs/overoptimization.py"


def log(folder: Path, turn: int) -> Path:
    path = folder / "a.csv"
    rows = "".join(
        f"a,{i},{i / 5},{i / 5},{min(i, 2 * turn - i) / 10},0.05\n" for i in range(40)
    )  # fmt: skip
    path.write_text("run_id,step,kl,proxy_reward,gold_reward,gold_reward_se\n" + rows)
    return path


def shown(name: str) -> AppTest:
    test = AppTest.from_string(
        f"from pages.shared.people.pin_view import show_pin\nshow_pin({name!r})", default_timeout=60
    )
    return test.run()


def drawn(page: AppTest) -> dict:
    return json.loads(page.get("plotly_chart")[0].proto.spec)


def words(page: AppTest) -> list[str]:
    return [one.value for one in page.markdown]


def test_a_pin_outlives_its_run_its_software_and_its_settings(
    open_script: Callable[..., AppTest], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_script(RUN, log(tmp_path, 20), run="a")
    page.text_input(key="pin-by").input("Ada")
    next(b for b in page.button if b.label == "Pin this view").click().run()
    assert not page.exception
    (name,) = pin_reads.pins()["pin_id"]
    page.run()  # as it does by itself when the store has changed
    assert any(f"pin={name}" in code.value for code in page.code)
    before = shown(name)
    assert not before.exception
    assert drawn(before)["data"] == drawn(page)["data"]
    assert any("Pinned by Ada" in info.value and "/overoptimization?run=a" in info.value
               for info in before.info)  # fmt: skip
    assert any("past its gold peak" in text for text in words(before))

    spool.write_forget(home, ["a"])
    spool_paths(home, [log(tmp_path, 30)], ReadOptions())
    reads.store().drain()
    monkeypatch.setattr(spending, "ALPHA", 0.2)
    monkeypatch.setattr(judging, "method", lambda: "another")
    after = shown(name)
    assert drawn(after) == drawn(before)
    assert words(after) == words(before)
    settings = after.dataframe[0].value
    assert settings["value"].to_list() == before.dataframe[0].value["value"].to_list()
    assert "0.05" in settings["value"].to_list()
    live = open_script(RUN, run="a")
    assert drawn(live)["data"] != drawn(after)["data"]


def test_a_pin_that_is_not_there_says_so(open_script: Callable[..., AppTest], home: Path) -> None:
    home.mkdir()
    page = shown("nothing<b>")
    assert not page.exception and "There is no pin" in page.error[0].value


def test_a_pin_needs_a_name(open_script: Callable[..., AppTest], tmp_path: Path) -> None:
    page = open_script(RUN, log(tmp_path, 20), run="a")
    next(b for b in page.button if b.label == "Pin this view").click().run()
    assert any("who pins it" in error.value for error in page.error)
    assert pin_reads.pins().is_empty()


MENU = """
import streamlit as st
from pages.shared.charts import collected
from pages.shared.people.pin_view import pin_any
import runpy
with collected() as figures:
    runpy.run_path({page!r})
pin_any("/components", figures)
"""


def test_a_page_that_draws_can_be_pinned_with_all_its_figures(
    open_script: Callable[..., AppTest], tmp_path: Path, home: Path, root: Path
) -> None:
    rows = "".join(
        f"{run},{i},{i / 5},{i / 5},{i / 7},{min(i, 30 - i) / 10},0.05\n"
        for run in "ab" for i in range(40)
    )  # fmt: skip
    file = tmp_path / "c.csv"
    file.write_text(
        "run_id,step,kl,proxy_reward,rewards/x/mean,gold_reward,gold_reward_se\n" + rows
    )
    open_script("runs/components.py", file, run=["a", "b"])
    script = MENU.format(page=str(root / "pages" / "runs" / "components.py"))
    page = AppTest.from_string(script, default_timeout=120)
    page.query_params["run"] = ["a", "b"]
    page.run()
    assert not page.exception
    live = [json.loads(one.proto.spec)["data"] for one in page.get("plotly_chart")]
    assert len(live) == 2
    page.text_input(key="pin-by").input("Ada")
    next(b for b in page.button if b.label == "Pin this view").click().run()
    assert not page.exception
    row = pin_reads.pins().row(0, named=True)
    assert row["page"] == "/components" and "run=a&run=b" in row["address"]
    spool.write_forget(home, ["a", "b"])
    reads.store().drain()
    kept = shown(row["pin_id"])
    assert not kept.exception
    assert [json.loads(one.proto.spec)["data"] for one in kept.get("plotly_chart")] == live
    judging.end()
