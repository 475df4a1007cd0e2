"""The page of a run's components, without a browser, and what it asks of the store."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.kept_verdicts.verdicts import judge
from analytics.simulated import simulate
from analytics.wording import number
from pages.shared.keeping import ownership

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page(open_script):
    """Open the page over some imported files, with an address."""
    return partial(open_script, "runs/components.py")


Page = Callable[..., AppTest]


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def run_table(path: Path) -> Path:
    run = simulate("bon", "base_n20_s05", 1)
    frame = run.frame
    random = np.random.default_rng(0)
    frame.select(
        "step", "kl", proxy_reward="proxy", gold_reward="gold", gold_reward_se="gold_se",
        reward_helpful=pl.col("d").log1p() + 0.02 * pl.Series(random.standard_normal(frame.height)),
        reward_harmless=pl.Series(0.1 * random.standard_normal(frame.height)),
        length=pl.col("step") + 1,
    ).write_csv(path)  # fmt: skip
    return path


def member_table(path: Path) -> pl.DataFrame:
    """Responses of two members that drift apart, 10 prompts at each of 21 steps."""
    random = np.random.default_rng(1)
    steps, prompts, samples = 21, 10, 4
    index = np.indices((steps, prompts, samples))
    apart = random.standard_normal(index[0].shape) * (0.5 + index[0] / 5)
    base = 3 + 2 * random.standard_normal(index[0].shape)
    frame = pl.DataFrame({
        "run_id": "run",
        "step": (index[0] * 10).ravel(),
        "prompt_id": [f"p{i}" for i in index[1].ravel()],
        "sample_id": index[2].ravel(),
        "completion": "x",
        "rm_1": (base + apart).ravel(),
        "rm_2": (base - apart).ravel(),
    })  # fmt: skip
    frame.write_parquet(path)
    return frame


def test_each_reward_has_its_proxy_point_or_says_why_not(page: Page, tmp_path) -> None:
    test = page(run_table(tmp_path / "run.csv"), run="run")
    assert not test.exception
    table = test.dataframe[0].value.set_index("component")["proxy point (90 %)"]
    assert list(table.index) == ["proxy reward", "reward_harmless", "reward_helpful"]
    assert table["reward_helpful"].startswith("gold falls above")
    assert "cannot tell: it does not move" in table["reward_harmless"]
    assert "length" not in words(test)
    chosen = page(run=["run"], component="length")
    assert chosen.dataframe[0].value["component"].tolist() == ["length"]


def test_a_frozen_link_judges_what_was_there_then(page: Page, tmp_path) -> None:
    test = page(run_table(tmp_path / "run.csv"), run="run", until="60")
    points = test.dataframe[0].value.set_index("component")["proxy point (90 %)"]
    assert points["reward_helpful"].startswith("not reached")
    assert "until=60" in next(code.value for code in test.code)


def test_a_link_frozen_before_the_first_step_is_not_frozen(page: Page, tmp_path) -> None:
    test = page(run_table(tmp_path / "run.csv"), run="run", until="-1")
    assert "is no step of" in " ".join(one.value for one in test.warning)
    assert not any("frozen at" in one.value for one in test.info)


def test_disagreement_of_members_is_what_arithmetic_says(page: Page, tmp_path) -> None:
    frame = member_table(tmp_path / "run_samples.parquet")
    test = page(run_table(tmp_path / "run.csv"), tmp_path / "run_samples.parquet", run="run")
    text = words(test)
    assert "Disagreement of rm_1, rm_2" in text
    assert "It asks for a gold evaluation and decides nothing" in text
    found = ownership.owner().store.query(
        "disagreement", run="run", keys=["rm_1", "rm_2"], until=None
    )
    early = frame.filter(pl.col("step") <= 20)
    scaled = [(frame[m] - early[m].mean()) / early[m].std(ddof=0) for m in ("rm_1", "rm_2")]
    expected = (
        frame.with_columns(variance=((scaled[0] - scaled[1]) / 2) ** 2)
        .group_by("step", "prompt_id").agg(pl.col("variance").mean())
        .sort("step", "prompt_id")
    )  # fmt: skip
    assert found["n"].to_list() == [4] * 210
    assert found["variance"].to_numpy() == pytest.approx(expected["variance"].to_numpy())
    ratio = expected.filter(pl.col("step") == 200)["variance"].mean()
    start = expected.filter(pl.col("step") <= 20)["variance"].mean()
    assert f"{number(ratio / start)} times that of the start" in text


def test_empty_choices_and_unknown_runs_say_what_to_do(page: Page, tmp_path) -> None:
    assert "Choose a run to see its rewards" in words(page(run_table(tmp_path / "run.csv")))
    text = words(page(run=["run", "nobody"], component="nothing"))
    assert "nobody, which is not in this store" in text
    assert "asks for components nothing, which is not known" in text
    bare = tmp_path / "bare.csv"
    bare.write_text("step,kl,proxy_reward\n" + "\n".join(f"{i},{i},{i}" for i in range(9)))
    assert "bare has no gold" in words(page(bare, run="bare"))


def test_members_that_drift_apart_flag_a_run_without_gold_and_decide_nothing(
    page: Page, tmp_path
) -> None:
    frame = member_table(tmp_path / "run_samples.parquet")
    page(tmp_path / "run_samples.parquet")
    store = ownership.owner().store
    row = store.query("runs", project=None, runs=["run"]).row(0, named=True)
    verdict = judge(store.query, row).row
    assert verdict["status"] == "unmeasured" and "label_free_signal" in verdict["flags"]
    assert "rm_1, rm_2 disagree" in verdict["reasons"][-1]
    assert "decides nothing by itself" in verdict["reasons"][-1]
    text = words(page(run="run"))
    assert "run has no gold" in text and "Disagreement of rm_1, rm_2" in text
    early = judge(store.query, row, until=0).row
    assert "label_free_signal" not in early["flags"]
    calm = np.random.default_rng(2).standard_normal((2, frame.height))
    frame.with_columns(
        run_id=pl.lit("calm"), rm_1=pl.Series(calm[0]), rm_2=pl.Series(calm[0] + 0.5 * calm[1])
    ).write_parquet(tmp_path / "calm_samples.parquet")
    page(tmp_path / "calm_samples.parquet")
    calm_row = store.query("runs", project=None, runs=["calm"]).row(0, named=True)
    assert "label_free_signal" not in judge(store.query, calm_row).row["flags"]
