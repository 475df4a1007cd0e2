"""One run's rows as the store keeps them: numbers in our columns, and all others by logged name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from data.columns import METRIC_COLUMNS

KL_AS_READ = "kl as read"
RAW = "kl_logged"  # the KL as logged, where the column holds it converted


def parked(key: str) -> str:
    """The name in scalars of a logged key; one of our own names would pass for the column."""
    return f"logged {key}" if key in METRIC_COLUMNS else key


def logged(name: str) -> str:
    """The logged key of a name in scalars.

    >>> logged(parked("gold_reward")), logged(parked("rewards/f/mean"))
    ('gold_reward', 'rewards/f/mean')
    """
    bare = name.removeprefix("logged ")
    return bare if bare in METRIC_COLUMNS else name


@dataclass
class RunRows:
    """One run's rows: metrics (METRIC_COLUMNS, source_rank), scalars (a row a key), and facts."""

    metrics: pl.DataFrame
    scalars: pl.DataFrame
    facts: dict[str, Any]
    warnings: list[str]

    def keys(self) -> set[str]:
        """Every logged key, whether it is one of our columns or a further number."""
        used = (self.facts.get(name) for name in ("proxy_key", "gold_key", "kl_key", "length_key"))
        stored = self.scalars.get_column("key").unique().to_list()
        return {logged(key) for key in stored if key not in (KL_AS_READ, RAW)} | {
            key for key in used if key
        }

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a name among the scalars."""
        return self.scalars.filter(pl.col("key") == name)

    def values(self, name: str) -> list[float | None]:
        """The values of a name among the scalars, by metric row."""
        values = self.rows(name).select("phase", "step", "value")
        places = self.metrics.select("phase", "step")
        joined = places.join(values, on=["phase", "step"], how="left", maintain_order="left")
        return joined.get_column("value").to_list()

    def column_rows(self, column: str, name: str) -> pl.DataFrame:
        """A column's values as rows of the scalars."""
        return self.metrics.filter(pl.col(column).is_not_null()).select(
            "run_id", "phase", "step", pl.lit(name).alias("key"),
            pl.col(column).cast(pl.Float64).alias("value"), "source_rank",
        )  # fmt: skip

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Rows into the scalars under a name, in the place of any of that name."""
        new = rows.with_columns(key=pl.lit(name)).select(self.scalars.columns)
        self.scalars = pl.concat([self.scalars.filter(pl.col("key") != name), new])

    def park(self, column: str, key: str) -> None:
        """A column's values under their logged key among the scalars; the column is empty then."""
        moved = self.column_rows(column, key)
        if moved.height:
            self.add(parked(key), moved)
            self.metrics = self.metrics.with_columns(
                pl.lit(None, METRIC_COLUMNS[column]).alias(column)
            )

    def take(self, column: str, key: str | None) -> None:
        """A logged key's values into a column, out of the scalars."""
        if key is None:
            return
        there = pl.col("key") == parked(key)
        values = self.scalars.filter(there).select("phase", "step", pl.col("value").alias(column))
        self.scalars = self.scalars.filter(~there)
        self.metrics = (
            self.metrics.drop(column)
            .join(values, on=["phase", "step"], how="left", maintain_order="left")
            .select(self.metrics.columns)
        )
