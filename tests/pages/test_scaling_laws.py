"""The page on scaling, without a browser."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.simulated_families import SIZES, simulate_family

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"


@pytest.fixture
def page(open_script):
    """Open the page over some imported files, with an address."""
    return partial(open_script, "runs/scaling_laws.py")


Page = Callable[..., AppTest]


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def runs_table(path: Path, count: int, with_size: bool) -> Path:
    family = simulate_family(3, sizes=SIZES[:count])
    frames = [
        pl.DataFrame({
            "run_id": f"rm_{place}", "step": range(0, 10 * len(run.d), 10), "kl": run.d**2,
            "proxy_reward": run.d * 0.3, "gold_reward": run.gold, "gold_reward_se": run.se,
        } | ({"rm_parameters": size} if with_size else {}))
        for place, (run, size) in enumerate(zip(family.runs, family.sizes, strict=True))
    ]  # fmt: skip
    pl.concat(frames).write_csv(path)
    return path


def test_nothing_chosen_says_what_to_choose_and_where_sizes_come_from(page: Page, tmp_path) -> None:
    test = page(runs_table(tmp_path / "runs.csv", 2, False))
    assert "Choose the runs of a family" in words(test)
    assert any("import sizes.csv" in code.value for code in test.code)


def test_a_family_with_logged_sizes_gets_trend_and_prediction(page: Page, tmp_path) -> None:
    runs = [f"rm_{i}" for i in range(5)]
    test = page(
        runs_table(tmp_path / "runs.csv", 5, True), run=runs, size="rm_parameters", at="1e9"
    )
    assert not test.exception
    text = words(test)
    assert "one α for 5 runs" in text
    assert "β falls by" in text and "5 runs" in text
    assert "At 1,000,000,000 gold of one further run should peak at KL" in text
    assert ", 90 %. An extrapolation, 2.5 times outside of what was run." in text
    assert test.dataframe[0].value["rm_parameters"].tolist() == list(SIZES[:5])
    link = next(code.value for code in test.code)
    assert "until=200" in link
    assert "size=rm_parameters" in link and "at=1000000000.0" in link and "run=rm_4" in link


def test_sizes_from_a_table_of_settings_and_too_few_of_them(page: Page, tmp_path) -> None:
    sizes = tmp_path / "sizes.csv"
    sizes.write_text("run_id,comparisons\nrm_0,3000\nrm_1,20000\n")
    table = runs_table(tmp_path / "runs.csv", 3, False)
    test = page(table, sizes, run=["rm_0", "rm_1", "rm_2"], size="comparisons", at="9000")
    text = words(test)
    assert "rm_2: no comparisons is stated" in text
    assert "β over size: cannot tell from 2 sizes, a line needs 3" in text
    assert "No prediction for 9,000: too few (2 sizes): a prediction needs 4" in text


def test_a_simulated_family_is_called_simulated(page: Page, tmp_path) -> None:
    test = page(
        runs_table(tmp_path / "runs.csv", 1, False), simulated="true",
        size="reward model parameters",
    )  # fmt: skip
    assert "Nothing here was measured" in words(test)
    assert all(name.startswith("simulated") for name in test.dataframe[0].value["run"])


def test_runs_and_pools_meet_on_the_proxy_axis_only(page: Page, tmp_path) -> None:
    test = page(
        runs_table(tmp_path / "runs.csv", 1, False), EXAMPLES / "bon_pool",
        run=["rm_0", "bon_pool"], proxy="proxy_big",
    )  # fmt: skip
    assert not test.exception
    text = words(test)
    assert "compared on the proxy, never on KL" in text
    assert "The logs name their proxies differently" in text
    assert test.dataframe[0].value["optimiser"].tolist() == ["RL", "best-of-n"]
    assert "proxy=proxy_big" in next(code.value for code in test.code)


def test_what_cannot_be_fitted_is_named(page: Page, tmp_path) -> None:
    short = tmp_path / "short.csv"
    short.write_text("step,kl,proxy_reward,gold_reward\n0,0,0,0\n10,1,1,1\n")
    text = words(page(short, run=["short", "nobody"]))
    assert "Left out: short" in text and "nobody, which is not in this store" in text
