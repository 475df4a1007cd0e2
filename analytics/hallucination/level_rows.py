"""Counts drawn together into the rows of the result: the total, each topic, each category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from analytics.calibration import BINS

LEVELS = ("total", "topic", "knowledge")
ROW = ("loop", "iteration", "origin", "level", "topic", "knowledge")


def levels(frame: pl.DataFrame, keys: Sequence[str] = ()) -> pl.DataFrame:
    """Additive counts by (loop, iteration, origin), then by topic, then by knowledge.

    Args:
        frame: `COUNTS`, `CELLS` or `FLIPS`; all columns but the keys are summed.
        keys: further keys to keep apart.

    Returns:
        With a column level (`total`, `topic`, `knowledge`); topic and knowledge are null except
        at their own level. Questions that state no topic are in the total only.
    """
    fixed = ["loop", "iteration", "origin", *keys]
    numbers = [name for name in frame.columns if name not in {*fixed, "topic", "knowledge"}]
    found = []
    for level in LEVELS:
        own = [level] if level != "total" else []
        part = (
            frame.drop_nulls(own)
            .group_by(*fixed, *own)
            .agg(pl.col(numbers).sum())
            .with_columns(
                pl.lit(level).alias("level"),
                *[
                    pl.lit(None, pl.String).alias(name)
                    for name in ("topic", "knowledge")
                    if name != level
                ],
            )
        )
        found.append(part.select(*ROW, *keys, *numbers))
    return pl.concat(found)


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Sorted by loop, iteration, origin, then total before topics before categories."""
    place = pl.col("level").replace_strict({name: i for i, name in enumerate(LEVELS)})
    return frame.sort("loop", "iteration", "origin", place, "topic", "knowledge")


def calibration(cells: pl.DataFrame, bins: int = BINS) -> pl.DataFrame:
    """ECE, its null value, AUROC and Brier for each row, from cells of confidence.

    ECE is exact for 5, 10, 15, 20 and 25 bins, Brier always; AUROC counts answers within 1/300
    of each other as ties. The null value is the normal approximation of `calibration.ece_null`.

    Args:
        cells: the frame `CELLS`.
        bins: of ECE, right-closed; must divide 300.

    Returns:
        ROW and n_calibration (attempted answers with a confidence), ece, ece_null, auroc, brier,
        bins.
    """
    if bins < 1 or 300 % bins:
        raise ValueError(f"bins must divide 300, {bins} does not")
    whole = levels(cells, ["cell"])
    half = 300 // bins * 2  # cells a bin; an even cell closes its bin on the right
    number = ((pl.col("cell") + half - 1) // half - 1).clip(0, bins - 1)
    gap = (pl.col("correct") - pl.col("confidence_sum")).abs()
    spread = (pl.col("confidence_sum") - pl.col("squares_sum")).clip(0).sqrt()
    binned = (
        whole.group_by(*ROW, number.alias("bin"))
        .agg(pl.col("n", "correct", "confidence_sum", "squares_sum").sum())
        .with_columns(gap=gap, spread=spread)
        .group_by(ROW)
        .agg(
            ece=pl.col("gap").sum() / pl.col("n").sum(),
            ece_null=float(np.sqrt(2 / np.pi)) * pl.col("spread").sum() / pl.col("n").sum(),
        )
    )
    right, wrong = pl.col("correct"), pl.col("n") - pl.col("correct")
    above = pl.col("wrong_sum") - wrong / 2
    ranked = (
        whole.sort(*ROW, "cell")
        .with_columns(wrong_sum=wrong.cum_sum().over(ROW))
        .group_by(ROW)
        .agg(
            n_calibration=pl.col("n").sum(),
            wins=(right * above).sum(),
            pairs=right.sum() * wrong.sum(),
            brier=(pl.col("squares_sum") - 2 * pl.col("confidence_correct") + right).sum()
            / pl.col("n").sum(),
        )
        .with_columns(auroc=pl.when(pl.col("pairs") > 0).then(pl.col("wins") / pl.col("pairs")))
        .drop("wins", "pairs")
    )
    both = ranked.join(binned, on=list(ROW), nulls_equal=True)
    return both.with_columns(bins=pl.lit(bins, pl.Int64))
