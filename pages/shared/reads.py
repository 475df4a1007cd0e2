"""What the pages ask of the store, cached by its generation. Here data and analytics meet."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import streamlit as st

from analytics import verdicts
from analytics.figures.palette import run_colour
from analytics.figures.rewards import RunCurve
from analytics.figures.sparkline import sparkline
from data import exporting
from data.home import home
from data.store import Store
from pages.shared.ownership import owner


def store() -> Store:
    """The open store."""
    return owner().store


def pulse() -> tuple[int, int]:
    """Changes whenever rows or verdicts do: (generation, verdicts kept so far)."""
    held = store()
    return held.generation, held.verdicts_saved


def runs() -> pl.DataFrame:
    """Every run with its summary (query runs)."""
    return _runs(str(home()), store().generation)


@st.cache_data(show_spinner=False, max_entries=8)
def _runs(_home: str, generation: int) -> pl.DataFrame:
    return store().query("runs", project=None, runs=None)


def curves(run_ids: tuple[str, ...] | None) -> pl.DataFrame:
    """Pooled curves of some runs, or of all."""
    return _curves(str(home()), store().generation, run_ids)


@st.cache_data(show_spinner=False, max_entries=64)
def _curves(_home: str, generation: int, run_ids: tuple[str, ...] | None) -> pl.DataFrame:
    return store().query("curves", runs=list(run_ids) if run_ids is not None else None)


def kept_verdicts() -> dict[str, dict[str, Any]]:
    """The last verdict of each run by run_id, with "updating" where newer rows wait for one."""
    return _kept_verdicts(str(home()), *pulse())


@st.cache_data(show_spinner=False, max_entries=8)
def _kept_verdicts(_home: str, generation: int, saved: int) -> dict[str, dict[str, Any]]:
    frame = store().query("verdicts", runs=None, until=-1, source="", method=verdicts.method())
    return {
        row["run_id"]: json.loads(row["verdict"])
        | {"updating": not row["current"], "looks_rows": row["looks"]}
        for row in frame.iter_rows(named=True)
    }


def run_curve(run: dict[str, Any], until: int | None, source: str | None) -> RunCurve:
    """One run ready to draw: its rows, its looks and its verdict.

    The kept verdict where it is what is asked for and current; else it is computed here, once.
    """
    return _run_curve(str(home()), store().generation, run, until, source)


@st.cache_data(show_spinner="Judging the run …", max_entries=256)
def _run_curve(
    _home: str, generation: int, run: dict[str, Any], until: int | None, source: str | None
) -> RunCurve:
    kept = kept_verdicts().get(run["run_id"]) if until is None and source is None else None
    if kept and not kept["updating"]:
        verdict, looks = kept, verdicts.unpacked_looks(kept["looks_rows"])
    else:
        fresh = verdicts.judge(store().query, run, until, source)
        verdict, looks = fresh.row, fresh.looks
    if until is None or until >= (run["step_end"] or 0):
        curve = curves((run["run_id"],))
    else:
        curve = store().query("curve_until", run=run["run_id"], until=until)
    spread = store().query("base_spread", runs=[run["run_id"]])
    return RunCurve(
        run_id=run["run_id"],
        ordinal=run["ordinal"],
        curve=curve.filter(pl.col("phase") == "train"),
        looks=looks,
        verdict={k: v for k, v in verdict.items() if k not in ("looks_rows",)},
        base=spread.row(0, named=True) if spread.height else None,
    )


def completions(run_id: str, spans: tuple[tuple[str, int, int], ...]) -> pl.DataFrame:
    """Logged responses within named spans of steps, with the column span."""
    return _completions(str(home()), store().generation, run_id, spans)


@st.cache_data(show_spinner=False, max_entries=32)
def _completions(
    _home: str, generation: int, run_id: str, spans: tuple[tuple[str, int, int], ...]
) -> pl.DataFrame:
    frames = [
        store()
        .query("responses", run=run_id, first=first, last=last)
        .with_columns(span=pl.lit(name))
        for name, first, last in spans
    ]
    return pl.concat(frames)


def export_csv(run_id: str) -> bytes:
    """The run's metric rows as CSV (as ``python -m data export`` writes them)."""
    return exporting.run_rows(store(), run_id).write_csv().encode()


def pictures() -> dict[str, str]:
    """A small curve of every run by run_id (data addresses of SVG images)."""
    return _pictures(str(home()), *pulse())


@st.cache_data(show_spinner=False, max_entries=2)
def _pictures(_home: str, generation: int, saved: int) -> dict[str, str]:
    known = kept_verdicts()
    colours = {row["run_id"]: run_colour(row["ordinal"]) for row in runs().iter_rows(named=True)}
    return {
        run_id: sparkline(curve, known.get(run_id, {}), colours[run_id])
        for (run_id,), curve in curves(None).group_by("run_id", maintain_order=True)
        if run_id in colours
    }
