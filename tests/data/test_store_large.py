"""Imports of more than one row group: what small ones cannot show."""

from pathlib import Path

import polars as pl

from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess


def test_rollups_see_a_large_import(home: Path, tmp_path: Path) -> None:
    """DuckDB 2.0 hides a large insert after an empty one in the same transaction."""
    runs, steps = 3, 45_000
    table = pl.DataFrame(
        {
            "run_id": [f"run-{i}" for i in range(runs) for _ in range(steps)],
            "step": list(range(steps)) * runs,
            "kl": [step / 1000 for step in range(steps)] * runs,
            "gold_reward": [1.0, None] * (runs * steps // 2),
            "further": 0.5,
        }
    )
    table.write_parquet(tmp_path / "large.parquet")
    home.mkdir()
    import_paths(home, [tmp_path / "large.parquet"], ReadOptions())
    with StoreAccess(home) as store:
        for row in store.query("runs", project=None, runs=None).iter_rows(named=True):
            assert (row["points"], row["gold_evaluations"]) == (steps, steps // 2)
            assert row["kl_end"] == (steps - 1) / 1000
            assert store.query("metrics", runs=[row["run_id"]], until=None).height == steps
            assert store.query("scalars", run=row["run_id"]).height == steps
        assert store.query("curves", runs=None).height == 256 * runs


def test_a_home_with_pattern_characters_in_its_name_works(tmp_path: Path) -> None:
    home = tmp_path / "run[1] *and* more"
    home.mkdir()
    table = tmp_path / "t.csv"
    table.write_text("step,kl,gold_reward\n1,0.1,0.5\n")
    import_paths(home, [table], ReadOptions())
    with StoreAccess(home) as store:
        assert store.query("runs", project=None, runs=None)["points"].to_list() == [1]
