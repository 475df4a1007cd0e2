"""The page on the verdicts' quality, without a browser, on the kept figures."""

from pathlib import Path

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from analytics.measured.published import SCENARIO_WORDS, detector_table, interval_table, published
from analytics.paid_for.signals import failed, measured, shipped
from analytics.quality.shortcuts import summary
from analytics.wording import percent, rate_text
from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared.keeping import ownership
from pages.shared.server.worker import judge_all

ROOT = Path(__file__).resolve().parents[2]


class Never:
    """An event that is never set."""

    def is_set(self) -> bool:
        return False


@pytest.fixture
def page(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    st.cache_data.clear()

    def open_page(*files: Path, **address: str) -> AppTest:
        spool_paths(home, list(files), ReadOptions())
        store = ownership.owner().store
        store.drain()
        judge_all(store, Never())
        script = ROOT / "pages" / "review" / "quality.py"
        test = AppTest.from_file(str(script), default_timeout=240)
        for key, value in address.items():
            test.query_params[key] = value
        return test.run()

    yield open_page
    ownership.release()


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    texts = [str(part.value) for part in parts]
    return "\n".join([*texts, *(one.label for one in test.expander)]).replace("\\", "")


def test_it_says_what_red_costs_also_without_a_run(page) -> None:
    test = page()
    assert not test.exception
    red = detector_table(published("detectors")["rows"], "base_n20_s05").row(0, named=True)
    assert f"false alarm in {rate_text(red['false_alarms'])}" in words(test)
    assert "seed 1" in words(test) and "Repeat" in words(test)
    genuine = published("real_runs")["rows"][0]
    assert f"of {genuine['healthy_runs']} healthy runs end with an alarm" in words(test)
    assert f"Shortcuts:** {summary(published('shortcuts')['rows'])}" in words(test)
    first = next(one.value for one in test.markdown if one.value.startswith("## "))
    assert first.replace("\\", "").startswith("## On simulated runs: a false alarm in")
    assert "They are no language models" in words(test)
    errors = measured(published("paid_for")["rows"])
    tried = [name for name in errors if failed(errors[name])]
    in_use = sum(shipped(one) for one in errors.values())
    assert in_use >= 3 and f"{in_use} signals in use" in words(test)
    assert f"{len(tried)} tried and not used" in words(test) and "shortcuts" in tried
    signals = next(one.value for one in test.dataframe if "used" in one.value.columns)
    used = signals["used"].tolist()
    assert all(one.startswith("tried and not used: it errs on ") for one in used[: len(tried)])
    assert used[len(tried) :][:in_use] == ["yes"] * in_use
    assert all("is not known" in one and "because" in one for one in used[len(tried) + in_use :])
    assert any("the first item names it" in one.value.columns for one in test.dataframe)
    names = test.dataframe[0].value["detector"].tolist()
    assert names[:3] == ["scan alarm", "e-process", "posterior warning"] and "patience 3" in names


def test_every_scenario_has_its_address(page) -> None:
    test = page(scenario="noisy_n20_s10")
    assert test.selectbox[0].value == "noisy_n20_s10"
    assert set(test.selectbox[0].options) == set(SCENARIO_WORDS.values())
    odd = page(scenario="<b>none</b>")
    assert not odd.exception and "not known" in words(odd)


def test_a_run_is_shown_beside_the_runs_like_it(page, tmp_path) -> None:
    table = tmp_path / "few.csv"
    rows = "\n".join(f"{10 * i},{i},{i},{i * (7 - i) / 6},0.1" for i in range(8))
    table.write_text(f"step,kl,proxy_reward,gold_reward,gold_reward_se\n{rows}\n")
    test = page(table, run="few")
    assert test.selectbox[0].value == "sparse_n7_s05"
    assert "few is nearest to" in words(test) and "On runs like few: a false" in words(test)
    other = page(table, run="few", scenario="noisy_n20_s10")
    assert "few is nearest to" in words(other) and "On simulated runs: a false" in words(other)


def test_it_says_how_often_intervals_hold_and_what_a_forecast_is_worth(page) -> None:
    test = page(scenario="noisy_n20_s10")
    table = interval_table(published("intervals")["rows"], "noisy_n20_s10")
    least = table.filter(pl.col("method") == "headline")["coverage"].min()
    assert f"holds the peak in {percent(least)} of runs at worst" in words(test)
    tables = [one.value for one in test.dataframe]
    assert any("upper : lower" in one and "bump" in one["shape"].tolist() for one in tables)
    assert any("seen so far" in one for one in tables)


def test_every_measured_scenario_can_be_chosen(page) -> None:
    """Some scenarios were measured on a few kinds of runs only."""
    figures = published("detectors")
    assert figures is not None
    scenarios = sorted({row["scenario"] for row in figures["rows"]} & set(SCENARIO_WORDS))
    assert len(scenarios) > 4
    for scenario in scenarios:
        test = page(scenario=scenario)
        assert not test.exception, scenario
        assert test.selectbox(key="scenario").value == scenario


def test_candidates_stand_with_what_choosing_adds(page) -> None:
    figures = published("null_candidates")
    assert figures is not None
    corrected = figures["rows"][1]
    assert abs(corrected["gain_bias"]) + corrected["twice_bias"] < 0.2  # asked: at most .2
    test = page()
    (table,) = (one.value for one in test.dataframe if "gain too high by" in one.value)
    assert len(table) == len(figures["rows"]) and "differ by chance alone is off by" in words(test)


def test_the_battery_stands_with_what_misses_its_claim_first(page) -> None:
    figures = published("battery")
    test = page()
    assert any("On logs as people write them" in one.label for one in test.expander)
    (table,) = (one.value for one in test.dataframe
                if {"", "falls called"} <= set(one.value))  # fmt: skip
    assert len(table) == len(figures["rows"])
    holds = (table[""] == "holds").tolist()
    assert holds == sorted(holds), "the failing ones first"
    kept = sum(row["holds"] for row in figures["rows"] if row["asked"])
    assert f"the promise holds in {kept} of" in words(test)
