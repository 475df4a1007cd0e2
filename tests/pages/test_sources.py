"""The page Sources without a browser: an empty store, a few runs, and many."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.importing import spool_paths
from pages.shared import ownership

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"


@pytest.fixture
def page(open_script) -> Callable[..., AppTest]:
    return lambda *files, **address: open_script("review/sources.py", *files, **address)


def sweep(folder: Path, runs: int) -> Path:
    rows = [
        {"run_id": f"run-{run:03d}", "step": step, "kl": step / 4, "proxy_reward": step / 9,
         **({"gold_reward": 0.5} if step == run % 3 else {})}
        for run in range(runs) for step in range(4)
    ]  # fmt: skip
    path = folder / "sweep.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_empty_store_says_how_to_fill_it(page) -> None:
    test = page()
    assert not test.exception and not test.dataframe
    assert "python -m data import" in test.code[0].value


def test_a_run_is_told_whole_and_its_link_restores_it(page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("step,kl\n1")
    test = page(EXAMPLES / "r6_grpo_resume", broken, run="r6_grpo_resume")
    assert not test.exception
    (row,) = test.dataframe[0].value.to_dict("records")
    assert (row["run"], row["rows"], row["steps replaced"]) == ("r6_grpo_resume", 88, 8)
    assert (row["KL as logged"], row["converted"]) == ("nats/token, k3", "approximate")
    assert (row["trainer"], row["gold age, steps"]) == ("TRL GRPO", 0)
    said = " ".join(element.value for element in test.markdown)
    assert "8 steps logged twice" in said and "88 metric rows" in said
    (skip,) = test.dataframe[-1].value.to_dict("records")
    assert skip["path"] == str(broken) and "no rows" in skip["reason"]
    assert any(code.value.endswith("/sources?run=r6_grpo_resume") for code in test.code)


def test_two_hundred_runs_are_one_table(page, tmp_path: Path) -> None:
    test = page(sweep(tmp_path, 200))
    assert not test.exception
    table = test.dataframe[0].value
    assert table.shape[0] == 200
    assert sorted(set(table["gold age, steps"])) == [1, 2, 3]
    assert set(table["KL as logged"]) == {"nats/sequence, estimator unknown"}
    assert len(test.dataframe) == 1
    assert any("could be read" in caption.value for caption in test.caption)


def test_a_link_to_a_run_that_is_not_there_says_so(page, tmp_path: Path) -> None:
    test = page(sweep(tmp_path, 2), run="nobody")
    assert "nobody, which is not in this store" in test.error[0].value
    assert not test.exception


def test_the_page_reads_on_when_a_log_comes_that_cannot_be_read(
    page, home: Path, tmp_path: Path
) -> None:
    test = page(sweep(tmp_path, 1))
    broken = tmp_path / "late.csv"
    broken.write_text("")
    spool_paths(home, [broken], ReadOptions())
    ownership.owner().store.drain()
    test.run()
    assert test.dataframe[-1].value["path"].to_list() == [str(broken)]
