"""Segments of new rows alone go into the tables unmerged: the store must come out the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data import spool
from data.columns import METRIC_COLUMNS, RunFacts, RunLog
from data.merging import new_rows
from data.store import Store

RUNS = ("a", "b", "c")
KEYS = {
    "metrics": "run_id, phase, step",
    "scalars": "run_id, phase, step, key",
    "samples": "run_id, phase, step, prompt_id, sample_id",
    "gold_evaluations": "run_id, source, step",
    "prompt_rewards": "run_id, step, prompt_id",
    "pooled_curve": "run_id, phase, bin",
    "run_summary": "run_id",
    "runs": "run_id",
}


def rows_of(run: str, first: int, last: int, version: int, kind: str) -> RunLog:
    """What a log says of the steps first..last, in no order; another version says other numbers."""
    rng = np.random.default_rng([ord(run), version, first])
    steps = np.arange(first, last + 1)
    step = np.concatenate([steps, steps[::5]])
    phase = ["train"] * len(steps) + ["eval"] * len(steps[::5])
    values = {name: rng.normal(size=len(step)) for name in ("kl", "proxy_reward", "loss", "lr")}
    metrics = pl.DataFrame({"phase": phase, "step": step, **values}).with_columns(
        loss=pl.when(pl.col("loss") > -0.5).then("loss"),
        kl=pl.when(pl.col("step") % 7 > 0).then("kl"),
        gold_reward=pl.when((pl.col("step") % 4 == 0) & (pl.col("step") < last)).then("lr"),
        gold_source=pl.when(pl.col("step") % 8 == 0).then(pl.lit("judge")),
        response_length=pl.lit(12.5),
    )
    lacking = {name: kind for name, kind in METRIC_COLUMNS.items() if name not in metrics.columns}
    metrics = metrics.with_columns(pl.lit(None, kind).alias(name) for name, kind in lacking.items())
    if kind != "table":  # only plain tables name a source of gold
        metrics = metrics.drop("gold_source")
    samples = pl.DataFrame({
        "phase": ["train", "train"], "step": [first, last], "prompt_id": ["p", "q"],
        "sample_id": [0, 0], "prompt": ["?", "?"], "completion": ["x", f"y{version}"],
        "proxy_reward": rng.normal(size=2), "gold_reward": rng.normal(size=2),
        "further": rng.normal(size=2),
    })  # fmt: skip
    return RunLog(
        run=run, parent="logs", verbatim=True, format=kind, path=f"/logs/{run}.jsonl",
        metrics=metrics.sample(fraction=1.0, shuffle=True, seed=version),
        samples=samples if kind == "trl" else samples.clear(),
        facts=RunFacts(kl_key="kl", proxy_key="proxy_reward", sources=[{"path": f"{first}"}]),
        warnings=[f"said with step {first}"],
    )  # fmt: skip


def filled(home: Path, segments: list[list[RunLog]]) -> tuple[dict[str, pl.DataFrame], list[Any]]:
    """The tables, and what each import said, after these segments one after the other."""
    home.mkdir(parents=True)
    results = []
    with closing(Store(home)) as store:
        for logs in segments:
            spool.write_segment(home, logs, None)
            results += [result["runs"] for result in store.drain()]
            assert not store.refused
        with store._db.cursor() as cursor:
            tables = {
                name: cursor.sql(f"select * from {name} order by {key}").pl()
                for name, key in KEYS.items()
            }
    return tables | {"runs": tables["runs"].drop("imported_at")}, results


def assert_same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for name in KEYS:
        extra = [tables[name].drop("extra", strict=False) for tables in (one, other)]
        assert_frame_equal(*extra, rel_tol=1e-12, abs_tol=1e-12)


def compared(folder: Path, segments: list[list[RunLog]]) -> list[bool]:
    """Fill a store as the program does and one by merging alone; which segments were all new."""
    straight: list[bool] = []
    arrive = new_rows.arrive

    def noted(*segment: Any) -> bool:
        straight.append(arrive(*segment))
        return straight[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(new_rows, "arrive", noted)
        here, results = filled(folder / "straight", segments)
        patch.setattr(new_rows, "arrive", lambda *segment: False)
        merged, merging_results = filled(folder / "merged", segments)
    assert results == merging_results
    assert_same(here, merged)
    assert len(straight) == len(segments)
    return straight


PIECES = st.lists(
    st.tuples(
        st.sets(st.sampled_from(RUNS), min_size=1), st.integers(0, 40), st.integers(1, 400),
        st.integers(0, 1), st.sampled_from(["table", "trl", "wandb"]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@pytest.mark.parametrize(
    "many", [pytest.param(6, id="sample"), pytest.param(100, id="whole", marks=pytest.mark.long)]
)
def test_pieces_in_any_order_come_out_as_by_merging(
    tmp_path_factory: pytest.TempPathFactory, many: int
) -> None:
    @settings(max_examples=many)
    @given(pieces=PIECES, grows=st.booleans())
    def search(pieces: list[Any], grows: bool) -> None:
        come_out_alike(tmp_path_factory, pieces, grows)

    search()


def come_out_alike(folders: pytest.TempPathFactory, pieces: list[Any], grows: bool) -> None:
    segments, last = [], 0
    for runs, start, length, version, kind in pieces:
        first = last + 1 + start if grows else start
        last = first + length - 1
        segments.append([rows_of(run, first, last, version, kind) for run in sorted(runs)])
    straight = compared(folders.mktemp("stores"), segments)
    assert straight[0], "the first segment holds new rows alone"
    if grows:
        assert all(straight), "so does each that goes on where the last one ended"


def test_rows_that_may_meet_others_are_merged(tmp_path: Path) -> None:
    segments = [
        [rows_of("a", 0, 30, 0, "trl"), rows_of("b", 0, 10, 0, "table")],
        [rows_of("a", 31, 40, 0, "trl")],  # goes on
        [rows_of("a", 40, 50, 1, "trl")],  # a step again, after a resume
        [rows_of("c", 0, 9, 0, "table"), rows_of("b", 5, 9, 1, "table")],  # one of two is new
        [rows_of("b", 11, 30, 0, "table"), rows_of("c", 10, 12, 0, "table")],
        [rows_of("d", 3, 900, 0, "wandb"), rows_of("e", 0, 5, 0, "wandb")],  # metrics alone
    ]
    assert compared(tmp_path, segments) == [True, True, False, False, True, True]


def test_a_segment_of_an_earlier_version_is_merged(tmp_path: Path) -> None:
    """It may hold rows in any order, and the further numbers of responses as lists of pairs."""
    home = tmp_path / "home"
    home.mkdir()
    spool.write_segment(home, [rows_of("a", 0, 600, 0, "trl")], None)
    (segment,) = spool.waiting(home)
    metrics, samples, runs = (
        pl.read_parquet(segment / f"{name}.parquet") for name in ("metrics", "samples", "runs")
    )
    pairs = samples["extra"].to_list()
    listed = [[{"key": k, "value": v} for k, v in row.items()] for row in pairs]
    runs.drop("layout").write_parquet(segment / "runs.parquet")
    samples.with_columns(extra=pl.Series(listed)).write_parquet(segment / "samples.parquet")
    metrics.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(segment / "metrics.parquet")
    with closing(Store(home)) as store:
        store.drain()
        curve = store.query("curves", runs=["a"]).filter(phase="train")
        with store._db.cursor() as cursor:
            kept = cursor.execute("select extra from samples order by step").fetchall()
    expected = (
        metrics.filter(phase="train").sort("step")
        .group_by(pl.int_range(pl.len()) // 3, maintain_order=True)
        .agg(pl.col("kl").mean(), pl.col("step").max())
    )  # fmt: skip
    assert curve["step_end"].to_list() == expected["step"].to_list()
    assert curve["kl"].to_list() == pytest.approx(expected["kl"].to_list())
    assert [row[0] for row in kept] == pairs
    assert set(pairs[0]) == {"further"}
