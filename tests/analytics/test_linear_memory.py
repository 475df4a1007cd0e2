"""A verdict's memory grows with its rows, not with their square; the numbers are the dense ones."""

import tracemalloc

import numpy as np
import polars as pl
import pytest

from analytics import onset
from analytics.onset.errors import autocorrelation, line_residuals, noise
from analytics.onset.evidence import broken_line
from analytics.onset.evidence.measurements import FloatArray


def dense(count: int, rho: float) -> tuple[FloatArray, float, int]:
    """Residual maker of a line, expected squares, freedom: as they are written in a book."""
    line = np.linalg.qr(np.column_stack([np.ones(count), np.arange(count)]))[0]
    maker = np.eye(count) - line @ line.T
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    spread = maker @ rho**distance
    expected = float(np.trace(spread))
    return maker, expected, max(1, int(expected**2 / float(np.sum(spread * spread.T)) + 1e-9))


@pytest.mark.parametrize("count", [3, 4, 5, 8, 63, 64, 65, 128, 300])
@pytest.mark.parametrize("rho", [0.0, 0.1, 0.5, 0.9])
def test_a_line_leaves_what_the_dense_formula_says(count: int, rho: float) -> None:
    maker, expected, freedom = dense(count, rho)
    values = np.random.default_rng(count).standard_normal(count) + np.arange(count)
    assert line_residuals.line_freedom(count, rho) == (pytest.approx(expected, rel=1e-11), freedom)
    squares = float(np.sum((maker @ values) ** 2))
    assert line_residuals.squares_about_line(values) == pytest.approx(squares, rel=1e-9)


@pytest.mark.parametrize("rows", [12, 47, 48, 100, 257, 1000, 4097])
def test_a_broken_line_in_hats_is_the_one_in_orthonormal_columns(rows: int) -> None:
    values = np.cumsum(np.random.default_rng(rows).standard_normal((2, rows)), axis=1)
    columns = broken_line.basis(rows)
    assert columns.shape == (rows, broken_line.columns_of(rows))
    left = values - (values @ columns) @ columns.T
    np.testing.assert_allclose(broken_line.residuals(values), left, atol=1e-10)


def run_of(rows: int, every: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Gold and trajectory of a run whose gold and proxy both rise and fall."""
    rng = np.random.default_rng(seed)
    kl = 40 * np.arange(rows) / rows + rng.normal(0, 0.3, rows)
    d = np.sqrt(np.maximum(kl, 0))
    path = pl.DataFrame(
        {"step": np.arange(rows), "stretch": 0, "kl": kl, "proxy_reward_sd": 1.0,
         "proxy_reward": d * (1 - 0.15 * d) + rng.normal(0, 0.5, rows)}
    )  # fmt: skip
    rewards = d * (1 - 0.16 * d) + rng.normal(0, 0.5, rows)
    gold = path.select("step", "stretch", "kl", "proxy_reward", source=pl.lit("training"),
                       gold_reward=pl.Series(rewards))  # fmt: skip
    return gold.gather_every(every).with_columns(
        gold_reward_se=pl.lit(None, pl.Float64), gold_reward_sd=pl.lit(None, pl.Float64),
        n_responses=pl.lit(None, pl.Int64),
    ), path  # fmt: skip


def numbers(part: dict[str, object]) -> dict[str, float]:
    return {key: float(v) for key, v in part.items() if isinstance(v, int | float)}


@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in (3, 4, 5))]
)
def test_a_random_run_is_judged_as_by_the_dense_formulas(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold, path = run_of(300 + 150 * seed, 1 + seed % 2, seed)
    facts = {"run_id": "r", "project": "p", "kl_conversion": "exact"}
    now = onset.verdict(gold, path, facts)

    def squares(values: FloatArray) -> float:
        return float(np.sum((dense(len(values), 0.0)[0] @ values) ** 2))

    def about_columns(values: FloatArray) -> FloatArray:
        columns = broken_line.basis(values.shape[1])
        return np.asarray(values - (values @ columns) @ columns.T)

    monkeypatch.setattr(noise, "line_freedom", lambda count, rho: dense(count, rho)[1:])
    monkeypatch.setattr(noise, "squares_about_line", squares)
    monkeypatch.setattr(autocorrelation, "residuals", about_columns)
    then = onset.verdict(gold, path, facts)
    assert now.row["status"] == then.row["status"] and now.row["flags"] == then.row["flags"]
    alarm, before = now.row["alarm"], then.row["alarm"]
    assert (alarm is None) == (before is None)
    if alarm is not None:
        assert numbers(alarm) == pytest.approx(numbers(before), rel=1e-9)
        assert alarm["withdrawn"] == before["withdrawn"]
    assert now.row["peak"] is not None
    assert numbers(now.row["peak"]) == pytest.approx(numbers(then.row["peak"]), rel=1e-9)
    columns = [name for name in now.looks.columns if name != "in_peak"]
    np.testing.assert_allclose(
        now.looks[columns].cast(pl.Float64).to_numpy(),
        then.looks[columns].cast(pl.Float64).to_numpy(), rtol=1e-9,
    )  # fmt: skip


def test_memory_is_linear_in_rows() -> None:
    """Beyond what the frames themselves hold; a dense look of 4,096 rows would take 134 MB."""
    facts = {"run_id": "r", "project": "p", "kl_conversion": "exact"}
    warm = run_of(2_000, 1, 0)
    onset.verdict(*warm, facts)
    peaks = []
    for rows in (60_000, 120_000):
        gold, path = run_of(rows, 10, 0)
        tracemalloc.start()
        assert onset.verdict(gold, path, facts).row["status"] == "collapsed"
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 120_000 * 400, f"{peaks[1] / 120_000:.0f} bytes a row"
    assert peaks[1] < 2.6 * peaks[0]
