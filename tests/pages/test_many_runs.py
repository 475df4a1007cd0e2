"""Pages with many runs: they never wait for verdicts, and draw no more than can be looked at."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import reads
from pages.shared.keeping import judging
from pages.shared.server import worker

RUNS = reads.AT_ONCE + 6


def table(path: Path) -> Path:
    steps = np.arange(0, 40)
    rows = [
        pl.DataFrame({
            "run_id": f"seed-{run:02d}", "step": steps, "kl": steps / 4.0,
            "proxy_reward": steps / 40, "gold_reward": np.sqrt(steps) / 6, "gold_reward_se": 0.05,
            "rewards/a/mean": steps / 10,
        }, schema_overrides={"gold_reward_se": pl.Float64})
        for run in range(RUNS)
    ]  # fmt: skip
    pl.concat(rows).write_parquet(path)
    return path


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


@pytest.mark.parametrize("script", ["components", "overoptimization", "scaling_laws"])
def test_a_page_leaves_many_fresh_runs_to_the_worker(
    script: str, open_script: Callable[..., AppTest], tmp_path: Path, monkeypatch
) -> None:
    asked: list[object] = []
    judge = judging.judges().for_pages.judge
    monkeypatch.setattr(
        judging.judges().for_pages, "judge", lambda *a: asked.append(a) or judge(*a)
    )
    names = [f"seed-{run:02d}" for run in range(RUNS)]
    test = open_script(f"runs/{script}.py", table(tmp_path / "log.parquet"), run=names)
    assert not test.exception
    assert f"{RUNS} of the {RUNS} chosen runs are being judged for the first time" in words(test)
    assert not asked
    assert worker.judge_all(reads.store(), Event())
    assert "being judged" not in words(test.run())
    assert not test.exception and not asked
    if script == "components":
        assert set(test.dataframe[0].value["run"]) == set(names)
        assert f"{RUNS} runs: the table holds all, charts follow of the first 12" in words(test)
        assert len(test.get("plotly_chart")) == 12


def test_a_few_fresh_runs_are_judged_at_once(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    names = [f"seed-{run:02d}" for run in range(reads.AT_ONCE)]
    test = open_script("runs/overoptimization.py", table(tmp_path / "log.parquet"), run=names)
    assert not test.exception and "being judged" not in words(test)
    assert test.dataframe[0].value["run"].to_list() == names
