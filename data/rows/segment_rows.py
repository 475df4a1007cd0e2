"""A segment's rows as its files hold them: declared columns, and every further number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import Any

import polars as pl

from data.columns import METRIC_COLUMNS, SAMPLE_COLUMNS, conform
from data.rows.pairs import extra

METRIC_ROWS = METRIC_COLUMNS | {"source_rank": pl.Int32()}
SCALAR_ROWS = {
    "run_id": pl.String(), "phase": pl.String(), "step": pl.Int64(), "key": pl.String(),
    "value": pl.Float64(), "source_rank": pl.Int32(),
}  # fmt: skip


def metric_rows(logs: Sequence[tuple[str, int, pl.DataFrame]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The metric rows of logs (run, rank, rows), and their further numbers, run after run.

    Each phase of a run stands together, in the order of its steps (``LAYOUT``).
    """
    metrics, scalars = [], [further_numbers(pl.DataFrame(schema=METRIC_ROWS))]
    for _, same in groupby(logs, lambda log: log[2].schema):  # logs of one table: all at once
        group = list(same)
        heights = [rows.height for *_, rows in group]
        wide = pl.concat([rows for *_, rows in group]).with_columns(
            _repeated("run_id", [run for run, *_ in group], heights),
            _repeated("source_rank", [rank for _, rank, _ in group], heights).cast(pl.Int32),
        )
        wide = in_order(wide)
        metrics.append(conform(wide, METRIC_ROWS))
        if _further(wide):
            ends = list(accumulate(heights))
            parts = zip(ends, heights, strict=True)
            scalars += [further_numbers(wide.slice(end - height, height)) for end, height in parts]
    return pl.concat(metrics), pl.concat(scalars)


def _repeated(name: str, values: list[Any], heights: list[int]) -> pl.Series:
    return pl.concat(
        [
            pl.Series(name, [value]).new_from_index(0, n)
            for value, n in zip(values, heights, strict=True)
        ]
    )


def in_order(wide: pl.DataFrame) -> pl.DataFrame:
    """Rows that stand run by run, each run's by phase and step; most readers give them so."""
    run, phase, step = pl.col("run_id"), pl.col("phase"), pl.col("step")
    same = run == run.shift(), phase == phase.shift()
    ends = ~same[0] | ~same[1]  # of a run's phase before, so that another begins
    blocks = pl.struct(run.filter(ends.fill_null(True)), phase.filter(ends.fill_null(True)))
    in_order = wide.select(
        (ends | (step >= step.shift())).slice(1).all() & ~blocks.is_duplicated().any()
    ).item()
    if in_order:
        return wide
    place = run.rle_id().alias(" place")
    return (
        wide.with_columns(place).sort(" place", "phase", "step", maintain_order=True).drop(" place")
    )


def _further(wide: pl.DataFrame) -> list[str]:
    """Names of the numeric columns that are not METRIC_COLUMNS."""
    return [
        name for name, dtype in wide.schema.items()
        if name not in METRIC_ROWS and (dtype.is_numeric() or dtype == pl.Boolean)
    ]  # fmt: skip


def further_numbers(wide: pl.DataFrame) -> pl.DataFrame:
    """The further numbers as rows of the table scalars."""
    keys, index = _further(wide), ["run_id", "phase", "step", "source_rank"]
    if not keys:
        return pl.DataFrame(schema=SCALAR_ROWS)
    return (
        wide.select(*index, *(pl.col(k).cast(pl.Float64) for k in keys))
        .unpivot(on=keys, index=index, variable_name="key", value_name="value")
        .drop_nulls("value")
        .select("run_id", "phase", pl.col("step").cast(pl.Int64), "key", "value", "source_rank")
    )


def sample_rows(samples: pl.DataFrame) -> pl.DataFrame:
    """Samples in SAMPLE_COLUMNS, with every further number in ``extra`` as key-value pairs."""
    return conform(samples, SAMPLE_COLUMNS).with_columns(extra(samples, SAMPLE_COLUMNS))
