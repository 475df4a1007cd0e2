"""The rows of a plain table of metrics in our columns: KL in nats per response, the stretch."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from data.columns import METRIC_COLUMNS, RunFacts
from data.readers.kl.kl_stated import KLSource
from data.readers.layouts.table_rows import stretches
from data.readers.meaning import gold_versions
from data.readers.names.mapping import SAMPLES_A_PROMPT, prompts_behind

VERSIONS = ("kl_reference", "proxy_version")
"""Columns whose change starts a new stretch: KL or proxy are not comparable across it."""
LOGGED = "kl_logged"
NUMBERS = [name for name, kind in METRIC_COLUMNS.items() if kind.is_numeric() and name != "step"]


@dataclass
class OfTable:
    """What holds for the whole table: where our columns stand in it, and what its KL is."""

    step: str | None
    source: KLSource | None
    facts: RunFacts
    further: list[str]
    texts: list[str]
    notes: list[str]


def repeated(name: str, value: object, height: int) -> pl.Series:
    """A column of one value."""
    return pl.Series(name, [value]).new_from_index(0, height)


def finished(rows: pl.DataFrame, of_table: OfTable) -> pl.DataFrame:
    """Rows with KL in nats per response and the stretch; what the table lacks is null."""
    present = set(rows.columns)
    rows = rows.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in (*NUMBERS, LOGGED) if name not in present
    )
    if SAMPLES_A_PROMPT.name in present:
        prompts = prompts_behind(rows["n_responses"], rows[SAMPLES_A_PROMPT.name])
        rows = rows.with_columns(pl.col("n_prompts").fill_null(prompts))
    rows = rows.with_columns(gold_versions.versions(rows))
    group = ["run_id", "phase"]
    if of_table.source is not None:
        kl = pl.col(LOGGED)
        if of_table.source.factor != 1.0:
            kl = kl * of_table.source.factor
        if of_table.source.per_token:
            # A row without a length takes the last known of its phase, as in a trainer's log.
            kl = kl * pl.col("response_length").forward_fill().over(group)
        rows = rows.with_columns(kl.alias("kl"))
    stretch = pl.col("stretch").fill_null(0.0)
    versions = [name for name in VERSIONS if name in of_table.texts]
    if versions:
        stated = pl.col("stretch").is_not_null().any().over("run_id")
        stretch = pl.when(stated).then(stretch).otherwise(stretches(versions, group))
    return rows.with_columns(stretch.alias("stretch"))


def declared(rows: pl.DataFrame, stated: OfTable) -> pl.DataFrame:
    """METRIC_COLUMNS, further numbers, the logged KL and texts; numbers finite or null."""
    columns = []
    for name in (*METRIC_COLUMNS, *stated.further, LOGGED, *stated.texts):
        column = rows.get_column(name)
        if column.dtype.is_float():
            if not column.is_finite().all():
                column = rows.select(pl.when(pl.col(name).is_finite()).then(name)).to_series()
            column = column.cast(METRIC_COLUMNS.get(name, pl.Float64()), strict=False)
        columns.append(column)
    return pl.DataFrame(columns)
