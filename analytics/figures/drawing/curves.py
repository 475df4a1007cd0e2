"""Curves of runs as the charts take them: a run with its looks, and rows pooled further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from analytics.figures.drawing.axes import LARGEST
from analytics.figures.drawing.palette import run_colour

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
    ``base`` the mean and sd of proxy and gold at the start, None where they were not logged,
    ``checkpoints`` the steps of which the policy was saved.
    Whatever no picture can hold is missing in both frames (``drawable``), and a bin without KL
    has that of its neighbour (``with_nearby_kl``).
    """

    run_id: str
    ordinal: int
    curve: pl.DataFrame
    looks: pl.DataFrame
    verdict: Mapping[str, Any]
    base: Mapping[str, float | None] | None = None
    checkpoints: Sequence[int] = ()
    axes: frozenset[str] = field(init=False, default=frozenset())  # "step", "kl": has_line

    def __post_init__(self) -> None:
        object.__setattr__(self, "curve", with_nearby_kl(drawable(self.curve)))
        object.__setattr__(self, "looks", drawable(self.looks))
        object.__setattr__(self, "base", _drawable_base(self.base))
        object.__setattr__(self, "axes", _axes(self.curve, self.looks))

    @property
    def colour(self) -> str:
        """The run's own colour."""
        return run_colour(self.ordinal)


def drawable(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with NaN, infinities and numbers beyond LARGEST as missing.

    >>> drawable(pl.DataFrame({"kl": [1.0, float("inf"), 1e31]}))["kl"].to_list()
    [1.0, None, None]
    """
    if not frame.width:
        return frame
    numbers = pl.selectors.float()
    return frame.with_columns(pl.when(numbers.abs() <= LARGEST).then(numbers).name.keep())


def with_nearby_kl(curve: pl.DataFrame) -> pl.DataFrame:
    """Bins without a KL get that of the nearest bin of their segment that has one, if it is near.

    Trainers log KL and rewards on rows of their own. Near is what it is to a verdict
    (analytics/onset/evidence/measurements.py): at most twice the usual spacing of the measured
    ones, so that a KL that was no longer logged stays missing.

    >>> rows = {"step_start": [1, 2, 3, 9], "step_end": [1, 2, 3, 9], "kl": [0.5, None, 1.5, None]}
    >>> with_nearby_kl(pl.DataFrame(rows))["kl"].to_list()
    [0.5, 1.5, 1.5, None]
    """
    known = curve.filter(pl.col("kl").is_not_null()) if "kl" in curve.columns else curve
    if known.height in (0, 1, curve.height):
        return curve
    segment = pl.col("stretch") if "stretch" in curve.columns else pl.lit(0)
    middle = (pl.col("step_start").cast(pl.Float64) + pl.col("step_end")) / 2
    keys = {"_step": middle, "_segment": segment}
    measured = known.select(kl_nearby="kl", **keys).sort("_step")
    spacing = measured["_step"].unique().diff().median() or 0.0
    joined = (
        curve.with_row_index("_row").with_columns(**keys).sort("_step")
        .join_asof(measured, on="_step", by="_segment", strategy="nearest",
                   tolerance=2 * float(spacing), check_sortedness=False)  # type: ignore[arg-type]
    )  # fmt: skip
    filled = joined.with_columns(kl=pl.coalesce("kl", "kl_nearby")).sort("_row")
    return filled.select(curve.columns)


def _drawable_base(base: Mapping[str, float | None] | None) -> dict[str, float | None] | None:
    if base is None:
        return None
    return {
        key: None if isinstance(value, float) and not abs(value) <= LARGEST else value
        for key, value in base.items()
    }


def has_line(run: RunCurve, axis: str) -> bool:
    """Whether gold or proxy of a run has a point on this axis: a KL, or a step, beside a reward."""
    return ("step" if axis == "step" else "kl") in run.axes


def _axes(*frames: pl.DataFrame) -> frozenset[str]:
    found = set()
    for frame in frames:
        for column in ("proxy_reward", "gold_reward"):
            if column in frame.columns:
                rows = frame.filter(pl.col(column).is_not_null())
                found |= {"step"} if rows.height else set()
                found |= {"kl"} if rows["kl"].count() else set()
    return frozenset(found)


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
        present = pl.col(name).is_not_null()
        total = weight.filter(present).sum()
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
    present = pl.concat(curves).filter(pl.col(column).is_not_null())
    if not present.height:
        return {}
    rows = present.sort("run_id", "step_start").with_columns(
        bin=pl.int_range(pl.len()).over("run_id")
        // ((pl.len().over("run_id").cast(pl.Int64) + bins - 1) // bins)
    )
    known = pl.when(pl.col("kl").is_not_null()).then(pl.col("n_rows")).otherwise(0)
    together = rows.group_by("run_id", "bin", maintain_order=True).agg(
        pl.col("step_start").min(),
        pl.col("step_end").max(),
        ((pl.col(column) * pl.col("n_rows")).sum() / pl.col("n_rows").sum()).alias(column),
        (pl.col("kl") * pl.col("n_rows")).sum() / pl.when(known.sum() > 0).then(known.sum()),
    )
    parts = together.partition_by("run_id", as_dict=True, maintain_order=True)
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
