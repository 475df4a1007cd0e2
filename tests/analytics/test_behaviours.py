"""Rates of behaviours by environment: a rise is found, silence stays silent, and it is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

import analytics.__main__
from analytics.behaviours import COUNTS, beyond_chance, points, rows
from analytics.behaviours.rises import moved, series
from analytics.behaviours.words import cells, sentences
from data.columns import ReadOptions
from data.incoming.importing import import_paths

STEPS = np.arange(20) * 50


def counts(
    seed: int, rising: float = 0.05, environments: int = 12, n: int = 200, shared: float = 0.0,
    jump: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """Counts of one run: environment e00 goes from 1 % to `rising`, the others stay at 1 %.

    With ``shared`` the rate of each step varies by that coefficient of variation, as where its
    trajectories share prompts.
    """
    random = np.random.default_rng(seed)
    way = (np.arange(len(STEPS)) >= 10).astype(float) if jump else np.linspace(0, 1, len(STEPS))
    rows = []
    for environment in range(environments):
        end = rising if environment == 0 else 0.01
        rate = (0.01 + (end - 0.01) * way) * (
            random.gamma(1 / shared**2, shared**2, len(STEPS)) if shared else 1.0
        )
        seen = random.binomial(n, np.clip(rate, 0, 1))
        rows += [("r", "monitor", "edits tests", f"e{environment:02}", int(step), n, int(x))
                 for step, x in zip(STEPS, seen, strict=True)]  # fmt: skip
    return pl.DataFrame(rows, schema=COUNTS, orient="row")


def found(rows: list[dict[str, object]]) -> set[str]:
    return {str(row["environment"]) for row in beyond_chance(rows)}


@pytest.fixture(params=[100, pytest.param(200, marks=pytest.mark.long)])
def seeds(request: pytest.FixtureRequest) -> int:
    """Runs that are simulated: 5 errors of 100 pass: of 15 % so few in 1 case of 600."""
    return int(request.param)


@pytest.mark.parametrize(("n", "jump"), [(200, False), (150, True)])
def test_a_rise_from_one_to_five_percent_in_one_of_twelve_is_found_and_the_others_stay_silent(
    n: int, jump: bool, seeds: int
) -> None:
    named = [found(rows(counts(seed, n=n, jump=jump))) for seed in range(seeds)]
    assert np.mean(["e00" in one for one in named]) > 0.9
    wrong = [len(one - {"e00"}) / max(len(one), 1) for one in named]
    assert np.mean(wrong) <= 0.05


def test_where_nothing_rises_nothing_is_found(seeds: int) -> None:
    named = [found(rows(counts(seed, rising=0.01, n=100))) for seed in range(seeds)]
    assert np.mean([bool(one) for one in named]) <= 0.05


def test_steps_that_scatter_together_are_no_trend(seeds: int) -> None:
    """Half as much again from step to step: without the scatter nine in ten runs would alarm."""
    named = [found(rows(counts(seed, rising=0.01, n=400, shared=0.5))) for seed in range(seeds)]
    assert np.mean([bool(one) for one in named]) <= 0.08
    blind = [
        stats.norm.sf(abs(one.z)) * 2 < 0.05 / 12
        for seed in range(60)
        for one in moved(_all(counts(seed, rising=0.01, n=400, shared=0.5)))
    ]
    assert np.mean(blind) > 0.02


def _all(frame: pl.DataFrame) -> list[object]:
    return [series(own["seen"], own["n"], own["step"]) for _, own in frame.group_by("environment")]


def test_the_exact_p_is_that_of_permuting_trajectories() -> None:
    random = np.random.default_rng(0)
    seen, n, steps = [0, 1, 0, 2, 1, 4], [40] * 6, np.arange(6) * 10
    (row,) = moved([series(seen, n, steps)])
    at, hit = np.repeat(steps, n), np.concatenate([np.arange(40) < x for x in seen])
    sums = np.array([at[random.permutation(hit)].sum() for _ in range(20_000)])
    here = at[hit].sum()
    permuted = 2 * min((sums >= here).mean(), (sums <= here).mean())
    assert row.scatter == 1.0
    assert row.p == pytest.approx(permuted, rel=0.25)
    assert row.p >= permuted * 0.95  # drawn with replacement: never too small


@pytest.mark.parametrize(
    ("seen", "steps"), [([3], [10]), ([0, 0, 0], [1, 2, 3]), ([9, 9, 9], [1, 2, 3])]
)
def test_what_cannot_be_told_is_null(seen: list[int], steps: list[int]) -> None:
    frame = pl.DataFrame({
        "run": "r", "source": "s", "behaviour": "b", "environment": "e", "step": steps, "n": 9,
        "seen": seen,
    })  # fmt: skip
    (row,) = rows(frame)
    assert row["change"] is None
    assert "no trend can be tested" in sentences([row])[0]
    assert cells(row)[-1] == "–"
    json.dumps(row)


def test_a_mix_that_shifts_is_no_rise_of_all_environments() -> None:
    """Each environment keeps its rate; ever more of the trajectories are of the worse one."""
    random = np.random.default_rng(1)
    counted = []
    for step in range(20):
        for name, n, rate in (("tame", 400 - 19 * step, 0.01), ("wild", 20 + 19 * step, 0.2)):
            counted.append(("r", "s", "b", name, step, n, int(random.binomial(n, rate))))
    whole = rows(pl.DataFrame(counted, schema=COUNTS, orient="row"))[0]
    assert whole["environment"] is None
    assert whole["last"]["rate"] > 3 * whole["first"]["rate"]
    assert whole["change"]["p"] > 0.05


def test_sources_and_behaviours_are_never_pooled() -> None:
    two = pl.concat([counts(0), counts(1).with_columns(source=pl.lit("another"))])
    pooled = rows(two)
    assert {(row["source"], row["n"]) for row in pooled if row["environment"] is None} == {
        ("monitor", 48_000), ("another", 48_000),
    }  # fmt: skip


def test_the_rates_of_a_figure_hold_every_trajectory() -> None:
    frame = counts(0).with_columns(step=pl.col("step") * 7)
    drawn = points(frame, most=6)
    assert drawn.group_by("line").len()["len"].unique().to_list() == [6]
    assert drawn["n"].sum() == frame["n"].sum()
    assert (drawn["low"] <= drawn["rate"]).all() and (drawn["rate"] <= drawn["high"]).all()


def test_a_rise_is_told_with_both_rates_and_q() -> None:
    lines = sentences([row for row in rows(counts(3)) if row["environment"] is not None])
    assert lines[0].startswith("“edits tests” (monitor) rises in e00: ")
    assert "at steps 0 to 250" in lines[0] and "q < .001" in lines[0]
    assert lines[1].startswith("In the other 11 environments no trend of")


def test_the_command_prints_json_and_words(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = counts(3, n=30)
    table = frame.select(
        pl.col("run").alias("run_id"), "step", "environment", "behaviour", "source",
        value=pl.concat_list(
            pl.lit([1]).repeat_by("seen").list.eval(pl.element().explode()),
            pl.lit([0]).repeat_by(pl.col("n") - pl.col("seen")).list.eval(pl.element().explode()),
        ),
    ).explode("value")  # fmt: skip
    numbered = table.with_row_index("trajectory_id")
    numbered.write_parquet(tmp_path / "behaviours.parquet")
    done = import_paths(home, [tmp_path / "behaviours.parquet"], ReadOptions())
    assert done.runs[0]["behaviours"] == frame["n"].sum()
    capsys.readouterr()
    assert analytics.__main__.main(["behaviours", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == json.loads(json.dumps(rows(frame)))
    assert analytics.__main__.main(["behaviours", "--run", "r", "--until", "100"]) == 0
    printed = capsys.readouterr().out
    assert "r: edits tests, seen by monitor" in printed and "all environments" in printed
    assert analytics.__main__.main(["behaviours", "--run", "nobody"]) == 1
    assert "is not there" in capsys.readouterr().err
