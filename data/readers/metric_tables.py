"""Plain tables of metrics, column by column: a million rows cost little more than reading them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog
from data.readers import conversion, sample_tables, table_files
from data.readers.cells import Cells
from data.readers.conversion import REFERENCES, KLSource
from data.readers.kl_table import ESTIMATORS, UNITS
from data.readers.kl_zero import MOVING, STILL, is_unmeasured
from data.readers.mapping import (
    GOLD,
    GOLD_SD,
    PHASE,
    PROXY,
    PROXY_SD,
    RUN_COLUMNS,
    RUN_ID,
    SAMPLES_A_PROMPT,
    STEP,
    gold_kind_of,
    prompts_behind,
)
from data.readers.roles import named_key
from data.readers.table_rows import in_order, stretches

FORMAT = "table"
VERSIONS = ("kl_reference", "proxy_version")
"""Columns whose change starts a new stretch: KL or proxy are not comparable across it."""
TEXTS = ("gold_source", *VERSIONS)
ARM = "arm"
"""Column that says which arm of an experiment a run belongs to; kept where it says one thing."""
LOGGED = "kl_logged"
_ARM = "arm as stated"
NUMBERS = [name for name, kind in METRIC_COLUMNS.items() if kind.is_numeric() and name != "step"]


@dataclass
class Said:
    """What holds for the whole table: where our columns stand in it, and what its KL is."""

    step: str | None
    source: KLSource | None
    facts: RunFacts
    further: list[str]
    texts: list[str]


def read(cells: Cells, names: pl.Series, verbatim: bool, options: ReadOptions) -> Iterator[RunLog]:
    """A table of metrics as one RunLog for each run in ``names``, in order of first appearance.

    Args:
        cells: the table.
        names: the run of each row.
        verbatim: whether those names stay as they are.
        options: names keys for proxy, gold and KL, and the KL's unit.

    Raises:
        LogError: an option names a column that the table does not have.
    """
    said, rows = _columns(cells, options)
    if options.whole and said.step is None:
        raise LogError(f"{cells.table.path.name} has no column step")
    rows = rows.with_columns(names.alias("run_id"))
    if cells.bad_rows:
        bad = pl.Series(sorted(cells.bad_rows), dtype=pl.Int64)
        rows = rows.filter(~pl.int_range(pl.len()).is_in(bad.implode()))
    if rows.is_empty():
        return
    rows, reads, replaced = in_order(rows, said.step is not None, LOGGED)
    rows = _finished(rows, said)
    summary = rows.group_by("run_id", maintain_order=True).agg(
        pl.len().alias("rows"), *_summaries(rows)
    )
    with_logged = _declared(rows, said)
    as_logged = with_logged.drop(LOGGED)  # where the KL stands as it was logged, once is enough
    start = 0
    for told in summary.iter_rows(named=True):
        height, run = told["rows"], told["run_id"]
        told |= {"read": reads[run], "replaced": replaced.get(run, 0)}
        told["notes"] = cells.notes_of(names, run)
        raw, plain, full = (f.slice(start, height) for f in (rows, as_logged, with_logged))
        yield _log(raw, plain, full, told, said, cells, verbatim, options)
        start += height


def _columns(cells: Cells, options: ReadOptions) -> tuple[Said, pl.DataFrame]:
    """The table's columns under our names; further numbers and texts under their own."""
    keys, height = cells.table.frame.columns, cells.table.frame.height
    proxy = named_key(options.proxy, keys, {}, "--proxy") if options.proxy else PROXY.find(keys)
    gold = named_key(options.gold, keys, {}, "--gold") if options.gold else GOLD.find(keys)
    if options.kl:
        named_key(options.kl, keys, {}, "--kl")
    chosen = {
        "proxy_reward": proxy,
        "gold_reward": gold,
        "proxy_reward_sd": PROXY_SD.find(keys),
        "gold_reward_sd": GOLD_SD.find(keys),
        **{column.name: column.find(keys) for column in RUN_COLUMNS},
    }
    step, phase = STEP.find(keys), PHASE.find(keys)
    series = [
        cells.steps(step).alias("step") if step else _repeated("step", 0, height),
        cells.phases(phase).alias("phase") if phase else _repeated("phase", "train", height),
        *(cells.numbers(key).alias(name) for name, key in chosen.items() if key),
    ]
    facts = RunFacts(proxy_key=proxy, gold_key=gold)
    source = conversion.of_table(keys, options, facts)
    if source:
        _stated_by_columns(cells, options, source, facts)
        series.append(cells.numbers(source.key).alias(LOGGED))
    taken = {k for k in (*chosen.values(), step, phase, RUN_ID.find(keys), facts.kl_key) if k}
    # A further column under one of our names but of another meaning would pass for ours.
    further = cells.further(taken | set(METRIC_COLUMNS) | {LOGGED, *TEXTS})
    texts = [key for key in TEXTS if key in keys]  # a version may be a number: a name all the same
    series += [cells.numbers(key) for key in further]
    series += [cells.texts(key) for key in texts]
    series.append(cells.texts(ARM).alias(_ARM) if ARM in keys else _repeated(_ARM, "", height))
    return Said(step, source, facts, further, texts), pl.DataFrame(series)


def _repeated(name: str, value: object, height: int) -> pl.Series:
    return pl.Series(name, [value]).new_from_index(0, height)


def _finished(rows: pl.DataFrame, said: Said) -> pl.DataFrame:
    """Rows with KL in nats per response and the stretch; what the table lacks is null."""
    held = set(rows.columns)
    rows = rows.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in (*NUMBERS, LOGGED) if name not in held
    )
    if SAMPLES_A_PROMPT.name in held:
        told = prompts_behind(rows["n_responses"], rows[SAMPLES_A_PROMPT.name])
        rows = rows.with_columns(pl.col("n_prompts").fill_null(told))
    group = ["run_id", "phase"]
    if said.source is not None:
        kl = pl.col(LOGGED)
        if said.source.factor != 1.0:
            kl = kl * said.source.factor
        if said.source.per_token:
            # A row without a length takes the last known of its phase, as in a trainer's log.
            kl = kl * pl.col("response_length").forward_fill().over(group)
        rows = rows.with_columns(kl.alias("kl"))
    stretch = pl.col("stretch").fill_null(0.0)
    versions = [name for name in VERSIONS if name in said.texts]
    if versions:
        stated = pl.col("stretch").is_not_null().any().over("run_id")
        stretch = pl.when(stated).then(stretch).otherwise(stretches(versions, group))
    return rows.with_columns(stretch.alias("stretch"))


def _summaries(rows: pl.DataFrame) -> list[pl.Expr]:
    """What is to be known of each run's rows before its facts are told."""
    watched = [pl.col(name) for name in (LOGGED, "proxy_reward", "gold_reward")]
    broken = [column.is_not_null() & ~column.is_finite() for column in watched]
    gold = pl.col("gold_reward")
    finite = gold.filter(gold.is_finite())
    found = [
        finite.min().alias("low"),
        finite.max().alias("high"),
        pl.any_horizontal(broken).sum().alias("nan_rows"),
        pl.col(LOGGED).is_not_null().any().alias("has_kl"),
        (pl.col(LOGGED) != 0).any().alias("moved"),
        pl.col("response_length").is_not_null().any().alias("has_length"),
        pl.col(LOGGED).ne_missing(pl.col("kl")).any().alias("converted"),
        pl.col(_ARM).drop_nulls().unique().alias("arms"),
    ]
    return found


def _declared(rows: pl.DataFrame, said: Said) -> pl.DataFrame:
    """METRIC_COLUMNS, further numbers, the logged KL and texts; numbers finite or null."""
    columns = []
    for name in (*METRIC_COLUMNS, *said.further, LOGGED, *said.texts):
        column = rows.get_column(name)
        if column.dtype.is_float():
            if not column.is_finite().all():
                column = rows.select(pl.when(pl.col(name).is_finite()).then(name)).to_series()
            column = column.cast(METRIC_COLUMNS.get(name, pl.Float64()), strict=False)
        columns.append(column)
    return pl.DataFrame(columns)


def _log(
    raw: pl.DataFrame, as_logged: pl.DataFrame, with_logged: pl.DataFrame, told: dict[str, Any],
    said: Said, cells: Cells, verbatim: bool, options: ReadOptions,
) -> RunLog:  # fmt: skip
    """One run: its rows, and what its facts and warnings say of them."""
    table, name = cells.table, told["run_id"]
    facts = replace(said.facts, gold_candidates=[], checkpoints=[], config={})
    facts.sources = [
        {"path": str(table.path), "format": table_files.kind_of(table.path), "rows": told["read"]}
    ]
    if len(arms := [arm for arm in told["arms"] if arm]) == 1:
        facts.config = {"arm": arms[0]}
    if facts.kl_estimator == "bon_bound":
        facts.algorithm = "best_of_n"
    facts.steps_replaced, facts.nan_rows = told["replaced"], told["nan_rows"]
    warnings = list(told["notes"])
    if said.step is None:
        by = "sorted by KL" if said.source else "as they stand in the file"
        warnings.append(
            f"{table.path.name} has no step column: its rows, {by}, are numbered from 0 instead"
        )
    converted = told["converted"]
    if said.source is None:
        warnings.append(facts.kl_note)
        converted = False
    else:
        unmeasured = ""
        if told["has_kl"] and not told["moved"]:
            watched = {key: raw.get_column(key).to_list() for key in (*STILL, *MOVING)
                       if key in raw.columns}  # fmt: skip
            logged = raw.get_column(LOGGED).to_list()
            unmeasured = is_unmeasured(logged, watched, no_reference=False)
        if unmeasured:
            facts.kl_conversion, facts.kl_note, converted = "missing", unmeasured, True
            with_logged = with_logged.with_columns(pl.lit(None, pl.Float64).alias("kl"))
            warnings.append(unmeasured)
        elif said.source.per_token and not told["has_length"]:
            warnings.append(conversion.no_length(facts))
        elif facts.kl_conversion == "unknown":
            warnings.append(f"KL: {facts.kl_note}")
    if facts.gold_key is None:
        warnings.append("the table has no gold reward: name its column with --gold if it has")
        facts.gold_kind = options.gold_kind or "score"
    else:
        facts.gold_kind = options.gold_kind or gold_kind_of(
            facts.gold_key, told["low"], told["high"]
        )
    return RunLog(
        run=name,
        parent=table.path.parent.name,
        verbatim=verbatim,
        format=FORMAT,
        path=str(table.path),
        metrics=with_logged if converted else as_logged,
        samples=sample_tables.no_samples(),
        facts=facts,
        warnings=warnings,
    )


def _stated_by_columns(
    cells: Cells, options: ReadOptions, source: conversion.KLSource, facts: RunFacts
) -> None:
    """What columns kl_estimator, kl_logged_unit, kl_reference say, where they say one thing."""
    said: dict[str, str] = {}
    for key in ("kl_estimator", "kl_logged_unit", "kl_reference"):
        if key in cells.table.frame.columns:
            values = set(cells.texts(key).drop_nulls().unique().to_list()) - {""}
            if len(values) == 1:
                said[key] = values.pop()
            elif key == "kl_reference" and values:
                facts.kl_reference = "other"
    if said.get("kl_estimator") in ESTIMATORS and not options.kl_estimator:
        facts.kl_estimator = said["kl_estimator"]
    if said.get("kl_logged_unit") in UNITS and not options.kl_unit:
        conversion.set_unit(source, said["kl_logged_unit"], facts, "as column kl_logged_unit says")
    if said.get("kl_reference") in REFERENCES:
        facts.kl_reference = said["kl_reference"]
