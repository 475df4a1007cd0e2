"""The error of an evaluation whose responses come in clusters, one a prompt."""

import numpy as np
import polars as pl
import pytest

from analytics.onset.errors import prompt_clusters
from analytics.onset.errors.prompt_clusters import clustered_error
from analytics.onset.errors.stated_error import stated_error
from analytics.onset.evidence.measurements import Rows


def rows(gold: list[float], n: float) -> Rows:
    count = len(gold)
    missing = np.full(count, np.nan)
    steps = np.arange(count)
    return Rows(
        steps, 0 * steps, missing, np.array(gold), missing, np.full(count, 0.5),
        np.full(count, n), missing,
    )  # fmt: skip


def test_the_worked_example_of_clusters(monkeypatch) -> None:
    # s = 1110001100 in clusters 0001112233: CR0 .254951, with C / (C - 1) the factor sqrt(4/3).
    monkeypatch.setattr(prompt_clusters, "FEWEST_CLUSTERS", 4)
    cells = pl.DataFrame(
        {"step": [0] * 4, "gold_n": [3, 3, 2, 2], "gold_reward": [1.0, 0.0, 1.0, 0.0]}
    )
    error = clustered_error(cells, rows([0.5], 10))
    assert error[0] == pytest.approx(0.254951 * np.sqrt(4 / 3), abs=1e-6)
    stated, phrase, by_prompt = stated_error(rows([0.5], 10), "score", error)
    assert by_prompt
    assert stated is not None and stated[0] == error[0] and "between prompts" in phrase


def test_responses_that_are_not_those_behind_the_row_say_nothing() -> None:
    rng = np.random.default_rng(1)
    cells = pl.DataFrame({"step": [0] * 30, "gold_n": [8] * 30, "gold_reward": rng.normal(size=30)})
    assert np.isfinite(clustered_error(cells, rows([0.1], 240))[0])
    assert np.isnan(clustered_error(cells, rows([0.1], 480))[0])  # only half of them are logged
    assert np.isnan(clustered_error(cells.head(10), rows([0.1], 80))[0])  # too few prompts
    assert np.isnan(clustered_error(cells.drop("gold_n"), rows([0.1], 240))[0])


def test_clusters_matter_for_repeated_prompts() -> None:
    rng = np.random.default_rng(2)
    level = rng.normal(size=100)
    cells = pl.DataFrame({"step": [0] * 100, "gold_n": [8] * 100, "gold_reward": level})
    error = clustered_error(cells, rows([float(level.mean())], 800))[0]
    assert error == pytest.approx(float(level.std(ddof=1)) / 10, rel=0.01)
