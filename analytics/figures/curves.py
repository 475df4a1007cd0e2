"""Curves of runs as the charts take them: a run with its looks, and rows pooled further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analytics.figures.palette import run_colour

Panel = tuple[str, str, float]
"""A panel under the rewards: column, title with unit, factor from the column's unit to it."""
REWARDS = ("kl", "proxy_reward", "gold_reward")
BINS = ("bin", "step_start", "step_end", "n_rows", "stretch")
"""What a binned row says of itself; every other number in it is a mean over its rows."""


@dataclass(frozen=True)
class RunCurve:
    """One run as the chart needs it.

    ``curve`` holds binned rows (columns of the rollup pooled_curve, phase train), ``looks`` the
    pooled gold looks of the verdict (may be empty), ``verdict`` the row of ``verdict --json``,
    ``base`` the mean and sd of proxy and gold at the start, None where they were not logged.
    """

    run_id: str
    ordinal: int
    curve: pl.DataFrame
    looks: pl.DataFrame
    verdict: Mapping[str, Any]
    base: Mapping[str, float | None] | None = None

    @property
    def colour(self) -> str:
        """The run's own colour."""
        return run_colour(self.ordinal)


def averaged(curve: pl.DataFrame) -> list[str]:
    """The columns of a binned curve that are means over its rows.

    >>> averaged(pl.DataFrame({"run_id": "a", "bin": 0, "step_start": 0, "kl": 1.0, "entropy": 2}))
    ['kl', 'entropy']
    """
    return [c for c, kind in curve.schema.items()
            if c not in BINS and (kind.is_numeric() or kind == pl.Null)]  # fmt: skip


def panels_of(curves: Sequence[pl.DataFrame]) -> list[Panel]:
    """A panel for every mean of the curves beside KL and rewards, named as its column is."""
    columns = dict.fromkeys(c for curve in curves for c in averaged(curve) if c not in REWARDS)
    return [(column, column.replace("_", " "), 1.0) for column in columns]


def pooled(curve: pl.DataFrame, column: str, bins: int = 32) -> pl.DataFrame:
    """Average binned rows further into at most ``bins`` runs of consecutive steps.

    Never by measured KL: that would sort rows by their prompts (docs/methods.md). Rows weigh by
    the logged rows behind them.
    """
    rows = curve.filter(pl.col(column).is_not_null()).sort("step_start")
    size = -(-rows.height // bins) if rows.height else 1
    weight = pl.col("n_rows")
    stretch = pl.col("stretch") if "stretch" in rows.columns else pl.lit(0)

    def mean(name: str) -> pl.Expr:
        held = pl.col(name).is_not_null()
        total = weight.filter(held).sum()
        return ((pl.col(name) * weight).sum() / pl.when(total > 0).then(total)).alias(name)

    columns = averaged(rows)
    return (
        rows.with_row_index("i")
        .group_by(stretch.alias("stretch"), pl.col("i") // size, maintain_order=True)
        .agg(
            pl.col("step_start").min(),
            pl.col("step_end").max(),
            *(mean(c) for c in columns),
            weight.sum().alias("n_rows_total"),
        )
        .rename({"n_rows_total": "n_rows"})
        .with_columns(step=(pl.col("step_start") + pl.col("step_end")) / 2)
    )


def pooled_together(
    curves: Sequence[pl.DataFrame], column: str, bins: int = 32
) -> dict[str, pl.DataFrame]:
    """``pooled`` for many runs in one pass, by run_id; KL and ``column`` alone are averaged."""
    held = pl.concat(curves).filter(pl.col(column).is_not_null())
    if not held.height:
        return {}
    rows = held.sort("run_id", "step_start").with_columns(
        bin=pl.int_range(pl.len()).over("run_id")
        // ((pl.len().over("run_id").cast(pl.Int64) + bins - 1) // bins)
    )
    known = pl.when(pl.col("kl").is_not_null()).then(pl.col("n_rows")).otherwise(0)
    together = rows.group_by("run_id", "bin", maintain_order=True).agg(
        pl.col("step_start").min(),
        pl.col("step_end").max(),
        ((pl.col(column) * pl.col("n_rows")).sum() / pl.col("n_rows").sum()).alias(column),
        (pl.col("kl") * pl.col("n_rows")).sum() / known.sum(),
    )
    parts = together.with_columns(kl=pl.col("kl").fill_nan(None)).partition_by(
        "run_id", as_dict=True, maintain_order=True
    )
    return {str(name): part for (name,), part in parts.items()}


def broken(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with an empty one wherever ``stretch`` changes: a line must not cross a break there.

    >>> broken(pl.DataFrame({"stretch": [0, 0, 1], "kl": [1.0, 2.0, 0.0]}))["kl"].to_list()
    [1.0, 2.0, None, 0.0]
    """
    if "stretch" not in rows.columns or rows["stretch"].n_unique() < 2:
        return rows
    gap = pl.DataFrame({name: [None] for name in rows.columns}, schema=rows.schema)
    parts = rows.with_columns(pl.col("stretch").rle_id().alias("_part")).partition_by(
        "_part", maintain_order=True, include_key=False
    )
    return pl.concat([piece for part in parts for piece in (part, gap)][:-1])
