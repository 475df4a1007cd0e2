"""Components: proxy points on runs whose peak is known, disagreement against plain arithmetic."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from analytics import onset
from analytics.comparing.components import (
    FEWEST_CELLS,
    RAISED,
    disagreement,
    ensembles_by_name,
    over_looks,
    proxy_point,
)
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.runs.components import Component, component_figure
from analytics.simulated import gold_measurements, simulate


@cache
def judged(kind: str, seed: int):
    run = simulate(kind, "base_n20_s05", seed)
    gold = gold_measurements(run)
    trajectory = run.frame.select("step", pl.lit(0).alias("stretch"), "kl", proxy_reward="proxy")
    return run, onset.verdict(gold, trajectory, {"run_id": kind})


def component_of(run, seed: int, falling: bool = False, moves: bool = True):
    """A component that saturates over d, with noise, and its value where gold peaks."""
    d = run.frame["d"].to_numpy()
    sign = -1.0 if falling else 1.0

    def shape(x):
        return sign * np.log1p(x) * moves

    noise = 0.03 * np.random.default_rng(seed).standard_normal(len(d))
    truth = None if run.kl_peak is None else float(shape(np.sqrt(run.kl_peak)))
    return shape(d) + noise, truth


def point_of(run, verdict, values):
    looks = verdict.looks
    first, last = looks["step_start"].to_numpy(), looks["step_end"].to_numpy()
    mean, error = over_looks(run.frame["step"].to_numpy(), values, first, last)
    return proxy_point(mean, error, looks, verdict.row)


@pytest.mark.parametrize("falling", [False, True])
def test_proxy_point_holds_the_value_at_the_peak(falling: bool) -> None:
    reached = covered = 0
    for seed in range(14):
        run, verdict = judged("rl" if seed % 2 else "bon", seed)
        values, truth = component_of(run, seed, falling)
        found = point_of(run, verdict, values)
        assert not found.reason and found.rising != falling
        if found.reached:
            reached += 1
            covered += found.low <= truth <= found.high
        else:
            side = found.high if falling else found.low
            assert side is not None and (found.low is None or found.high is None)
    assert reached >= 7
    assert covered / reached >= 0.90 - 4 * np.sqrt(0.09 / reached)


def test_where_gold_never_falls_the_point_is_not_reached() -> None:
    for kind in ("linear", "saturating", "log"):
        run, verdict = judged(kind, 3)
        values, _ = component_of(run, 3)
        found = point_of(run, verdict, values)
        assert not found.reached and found.high is None


def test_a_component_that_does_not_move_cannot_be_told() -> None:
    run, verdict = judged("bon", 1)
    values, _ = component_of(run, 1, moves=False)
    assert "does not move" in point_of(run, verdict, values).reason
    missing = np.where(np.arange(len(values)) < 18, np.nan, values)
    steps = run.frame["step"].to_numpy()
    known = np.isfinite(missing)
    looks = verdict.looks
    mean, error = over_looks(
        steps[known], missing[known], looks["step_start"].to_numpy(), looks["step_end"].to_numpy()
    )
    assert "too few of the evaluations" in proxy_point(mean, error, looks, verdict.row).reason
    assert "too little" in proxy_point(values, 0 * values, looks, {"peak": None}).reason


def test_error_of_a_look_leaves_its_trend_out() -> None:
    steps = np.arange(80.0)
    random = np.random.default_rng(0)
    first, last = np.arange(0, 80, 8.0), np.arange(7, 80, 8.0)
    values = 5 * steps + 0.1 * random.standard_normal(80)
    mean, error = over_looks(steps, values, first, last)
    assert mean == pytest.approx(5 * (first + 3.5), abs=0.2)
    assert 0.02 < error.mean() < 0.06
    assert np.isnan(over_looks(steps[:8], values[:8], first, last)[0][1:]).all()


def cells(ratio: float, prompts: int = 12, looks: int = 10, seed: int = 0) -> pl.DataFrame:
    """Variances of cells: constant at the start, then growing to ``ratio`` times."""
    random = np.random.default_rng(seed)
    level = np.linspace(1, ratio, looks)
    variance = level[:, None] * random.gamma(4.0, 0.25, (looks, prompts))
    return pl.DataFrame({
        "step": np.repeat(np.arange(looks), prompts),
        "prompt_id": np.tile(np.arange(prompts), looks),
        "n": 8,
        "variance": variance.ravel(),
    })  # fmt: skip


def test_disagreement_relative_to_the_start() -> None:
    looks = np.arange(10.0)
    frame = cells(4.0)
    found = disagreement(frame, looks, looks)
    means = frame.group_by("step", maintain_order=True).agg(pl.col("variance").mean())["variance"]
    assert found["ratio"].to_numpy() == pytest.approx((means / means[0]).to_numpy())
    assert found["raised"][-1] and not found["raised"][0]
    assert found["low"][-1] < 4 < found["high"][-1]
    few = disagreement(cells(9.0, prompts=FEWEST_CELLS - 1), looks, looks)
    assert few["low"].null_count() == 10 and not few["raised"].any()
    assert disagreement(frame.clear(), looks, looks).height == 0


def test_disagreement_that_stays_is_seldom_called_raised() -> None:
    looks = np.arange(10.0)
    alarms = sum(disagreement(cells(1.0, seed=s), looks, looks)["raised"].any() for s in range(100))
    edge = sum(
        disagreement(cells(RAISED, seed=s), looks, looks)["raised"].any() for s in range(100)
    )
    assert alarms <= 2 and edge <= 13


def test_members_of_an_ensemble_by_their_names() -> None:
    names = ["seed1_rm", "seed2_rm", "n_fact", "rm", "other_3"]
    assert ensembles_by_name(names) == [("seed1_rm", "seed2_rm")]


def test_figure_marks_peak_and_points() -> None:
    run, verdict = judged("bon", 1)
    values, _ = component_of(run, 1)
    found = point_of(run, verdict, values)
    assert found.reached
    looks = verdict.looks
    curve = RunCurve("run", 0, looks, looks, verdict.row)
    size = looks.height
    part = Component(
        "rewards/very_long_name_of_a_reward/mean", values[:size], 0 * values[:size], found
    )
    steps = looks["step_start"].to_numpy().astype(float)
    spread = disagreement(cells(4.0, looks=size).with_columns(pl.col("step") * 10), steps, steps)
    figure = component_figure(curve, [part], "sqrt_kl", spread)
    assert figure.layout.yaxis2.title.text == "rewards/<br>very_long_name_of_a_reward/mean"
    assert any("proxy point" in note.text for note in figure.layout.annotations)
    assert any("gold peaks here" in note.text for note in figure.layout.annotations)
    assert len(figure.data) == 3
