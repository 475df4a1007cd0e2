"""The page of best-of-n on pools of samples, without a browser."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.simulated_pools import simulate_pool

ROOT = Path(__file__).resolve().parents[2]


def pool_table(path: Path, kind: str, prompts: int = 24, samples: int = 32, **more) -> Path:
    proxy, gold = simulate_pool(kind, prompts, samples, 0)
    random = np.random.default_rng(0)
    pl.DataFrame(
        {
            "prompt_id": np.repeat(np.arange(prompts), samples),
            "sample_id": np.tile(np.arange(samples), prompts),
            "prompt": np.repeat([f"prompt {i}" for i in range(prompts)], samples),
            "completion": [f"<b>answer</b> {i}" for i in range(prompts * samples)],
            "proxy_reward": proxy.ravel(),
            "prm_min": (gold + random.standard_normal(gold.shape)).ravel(),
            "gold_reward": gold.ravel(),
            "length": random.integers(1, 9, gold.size),
            **more,
        }
    ).write_parquet(path)
    return path


@pytest.fixture
def page(open_script):
    """Open the page over some imported files, with an address."""
    return partial(open_script, "runs/best_of_n.py")


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


Page = Callable[..., AppTest]


def test_empty_store_and_store_without_a_pool_say_how_to_fill_it(page: Page, tmp_path) -> None:
    assert "The store is empty" in words(page())
    table = tmp_path / "run.csv"
    table.write_text("step,kl,proxy_reward,gold_reward\n0,0,0,0\n1,1,1,1\n")
    text = words(page(table))
    assert "No run of this store holds a pool" in text and "logprob_policy" in text


def test_an_overoptimised_pool_is_called_so(page: Page, tmp_path) -> None:
    test = page(pool_table(tmp_path / "hacked.parquet", "badly_hacked"), run="hacked")
    assert not test.exception
    text = words(test)
    assert "**proxy_reward** stops paying in gold after n =" in text
    assert "**prm_min** still pays at n = 32, as far as this pool can tell" in text
    assert "errs on at most 5 % of pools" in text
    assert "without log-probabilities of the responses nothing better is known" in text
    assert "length" not in text  # offered, but no reward model by its name


def test_any_number_can_be_the_proxy_and_ensembles_join_them(page: Page, tmp_path) -> None:
    pool = pool_table(tmp_path / "pool.parquet", "hacked")
    test = page(pool, run="pool", proxy=["prm_min", "length"], ensemble=["wco", "uwo"])
    table = test.dataframe[0].value
    assert table["selected by"].tolist() == [
        "prm_min", "length", "worst case (WCO)", "mean − λ variance (UWO)",
    ]  # fmt: skip
    assert [field.label for field in test.number_input] == ["λ of UWO"]
    alone = page(pool, run="pool", proxy="length", ensemble="wco")
    assert "an ensemble needs at least two proxies" in words(alone)
    assert "Selecting by length" in words(alone)


def test_both_kls_where_the_bound_is_not_tight(page: Page, tmp_path) -> None:
    pool = pool_table(
        tmp_path / "pool.parquet", "hacked", logprob_policy=[float(np.log(0.5))] * (24 * 32)
    )
    test = page(pool, run="pool", kl="better", proxy="proxy_reward")
    assert "The bound on KL is not tight from n = 2 on" in words(test)
    assert "0.69 nats" in words(test)
    unknown = page(pool_table(tmp_path / "other.parquet", "hacked"), run="other", kl="better")
    assert "stands at the bound of its KL" in words(unknown)


def test_a_link_to_what_is_no_pool_says_so(page: Page, tmp_path) -> None:
    table = tmp_path / "metrics.csv"
    table.write_text("run_id,step,proxy_reward,gold_reward\nm,0,0,0\nm,1,1,1\n")
    pool = pool_table(tmp_path / "pool.parquet", "flat")
    text = words(page(pool, table, run=["m", "nobody"]))
    assert "m, which holds no pool of responses" in text
    assert "nobody, which is not in this store" in text


def test_the_whole_view_is_in_its_link(page: Page, tmp_path) -> None:
    pool = pool_table(tmp_path / "pool.parquet", "hacked")
    test = page(pool, run="pool", x="n", proxy=["prm_min", "proxy_reward"], ensemble="uwo")
    link = next(code.value for code in test.code)
    for part in ("/best-of-n?run=pool", "proxy=prm_min", "proxy=proxy_reward", "x=n", "kl=bound",
                 "ensemble=uwo", "penalty=0.5"):  # fmt: skip
        assert part in link
