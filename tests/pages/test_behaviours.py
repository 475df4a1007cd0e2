"""The page of behaviours, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]
SCRIPT = "truth/behaviours.py"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A run of which gold falls while one behaviour rises in one of nine environments."""
    folder = tmp_path_factory.mktemp("behaviours")
    random = np.random.default_rng(5)
    rows = []
    for place, environment in enumerate(f"env{i}" for i in range(9)):
        for step in range(0, 500, 50):
            rate = 0.01 + (0.12 * step / 450 if place == 4 else 0)
            for number, hit in enumerate(random.random(60) < rate):
                rows.append(("r", step, f"t{number}", environment, "edits *tests*", int(hit), "m"))
                rows.append(("r", step, f"t{number}", environment, "lies", int(number == 0), "m"))
    names = ("run_id", "step", "trajectory_id", "environment", "behaviour", "value", "source")
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "b.parquet")
    steps = pl.Series("step", range(0, 500, 50))
    curve = {"run_id": "r", "kl": steps / 100, "proxy_reward": steps / 50,
             "gold_reward": 1 - steps / 500}  # fmt: skip
    pl.DataFrame(steps).with_columns(
        **{key: pl.lit(value) if key == "run_id" else value for key, value in curve.items()}
    ).write_csv(folder / "curve.csv")
    return [folder / "b.parquet", folder / "curve.csv"]


def text_of(page: AppTest) -> str:
    assert not page.exception, page.exception
    parts = [*page.markdown, *page.caption, *page.info, *page.warning, *page.code]
    return " ".join(" ".join(str(part.value) for part in parts).split()).replace("\\", "")


def test_a_rise_is_told_and_drawn_beside_gold(open_script: Open, tables: list[Path]) -> None:
    page = open_script(SCRIPT, *tables)
    text = text_of(page)
    assert "“edits *tests*” (m) rises in env4: " in text
    assert "In the other 8 environments no trend" in text
    assert "The 6 of 9 environments with the most evidence" in text
    (figure,) = page.get("plotly_chart")
    drawn = figure.proto.spec
    assert "env4" in drawn and "gold reward" in drawn
    assert len(page.dataframe[0].value) == 10  # nine environments, and all of them


def test_a_link_restores_the_behaviour_and_the_freeze(
    open_script: Open, tables: list[Path]
) -> None:
    page = open_script(SCRIPT, *tables, run="r", behaviour='["lies", "m"]', until="200")
    text = text_of(page)
    assert "“lies” (m)" in text and "Frozen at step 200" in text
    assert "until=200" in text and "behaviour=%5B%22lies%22" in text
    assert "rises in env" not in text


def test_without_behaviours_it_says_how_they_come_in(open_script: Open, tables: list[Path]) -> None:
    text = text_of(open_script(SCRIPT, tables[1]))
    assert "There are no behaviours in the store yet" in text
    assert "trajectory_id" in text and "scans/" in text


def test_a_behaviour_that_is_not_there_is_said(open_script: Open, tables: list[Path]) -> None:
    assert "not known" in text_of(open_script(SCRIPT, *tables, behaviour="nothing"))
