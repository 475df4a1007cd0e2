"""A run's metric rows out of the store, in the columns of the product."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from data.columns import METRIC_COLUMNS
from data.remote import AnyStore
from data.sql import StoreError


def run_rows(store: AnyStore, run: str) -> pl.DataFrame:
    """Metric rows of one run: METRIC_COLUMNS first, then every further number by logged name.

    Raises:
        StoreError: there is no such run.
    """
    rows = store.query("metrics", runs=[run], until=None)
    if not rows.height:
        known = store.query("runs", project=None, runs=None)["run_id"].to_list()
        if run in known:
            raise StoreError(f"run {run!r} has no metric rows to export")
        raise StoreError(f"there is no run {run!r}; there are: {', '.join(known) or 'none'}")
    told = store.query("runs", project=None, runs=[run])["facts"].to_list()
    if told and json.loads(told[0]).get("kl_conversion") == "unknown":
        rows = rows.with_columns(pl.lit("unknown").alias("kl_logged_unit"))
    further = store.query("scalars", run=run)
    if further.height:
        wide = further.pivot("key", index=["phase", "step"], values="value", sort_columns=True)
        rows = rows.join(wide, on=["phase", "step"], how="left", maintain_order="left")
    front = ["run_id", "step", *(c for c in METRIC_COLUMNS if c not in ("run_id", "step"))]
    return rows.select(front + [c for c in rows.columns if c not in front])


def write_rows(rows: pl.DataFrame, path: Path, kind: str) -> None:
    """Write as csv or parquet; the file is complete or not there."""
    draft = path.with_name(f".{path.name}.part")
    if kind == "csv":
        rows.write_csv(draft)
    else:
        rows.write_parquet(draft)
    draft.replace(path)
