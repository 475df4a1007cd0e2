"""What the page on scaling asks: sizes of runs as they were logged, points to fit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from analytics.figures.drawing.curves import RunCurve
from analytics.scaling_laws import RunPoints
from pages.shared import reads
from pages.shared.keeping.caching import cached

LIKELY = re.compile(r"param|size|comparison|pairs|examples|beta|kl_coef|hidden|layers|width")
"""Settings with such a part in their names are offered first."""


def sizes(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Numbers above 0 that runs state of themselves and that differ between them, by key and run.

    From the settings of a log, from imported tables of settings, and from columns that never change
    within a run. rows: of the query runs.
    """
    names = [row["run_id"] for row in rows]
    found: dict[str, dict[str, float]] = {}
    for row in _constants(tuple(names)).iter_rows(named=True):
        found.setdefault(row["key"], {})[row["run_id"]] = row["value"]
    for run in rows:
        for key, value in json.loads(run["facts"]).get("config", {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(key, {})[run["run_id"]] = float(value)
    kept = {
        key: {run: v for run, v in values.items() if v > 0 and np.isfinite(v)}
        for key, values in found.items()
    }
    differ = [key for key, values in kept.items() if len(set(values.values())) > 1]
    return {key: kept[key] for key in sorted(differ, key=lambda k: (not LIKELY.search(k), k))}


@cached(16)
def _constants(names: tuple[str, ...]) -> pl.DataFrame:
    return reads.store().query("constants", runs=list(names))


def points(curve: RunCurve) -> RunPoints:
    """The pooled looks of a run's last stretch as points of gold over √KL."""
    looks = curve.looks
    if "stretch" in looks.columns and looks.height:
        looks = looks.filter(pl.col("stretch") == looks["stretch"][-1])
    columns = {name: numbers(looks, name) for name in ("kl", "gold_reward", "gold_se")}
    d = np.sqrt(np.maximum(columns["kl"], 0.0))
    return RunPoints(curve.run_id, d, columns["gold_reward"], columns["gold_se"])


def numbers(frame: pl.DataFrame, name: str) -> np.ndarray:
    """A column as floats, NaN where missing; nothing where there is no such column."""
    if name not in frame.columns:
        return np.empty(0)
    return frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
