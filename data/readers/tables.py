"""Plain tables (CSV, JSONL, Parquet) in our column names, or mapped by options: the metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog
from data.readers import (
    answer_tables,
    conversion,
    sample_tables,
    setting_tables,
    table_files,
    wandb_export,
)
from data.readers.cells import Cells, split_by
from data.readers.conversion import REFERENCES
from data.readers.kl_table import ESTIMATORS, UNITS
from data.readers.kl_zero import is_unmeasured
from data.readers.mapping import (
    GOLD,
    GOLD_SD,
    KL,
    PHASE,
    PROXY,
    PROXY_SD,
    RUN_COLUMNS,
    RUN_ID,
    STEP,
    gold_kind_of,
)
from data.readers.roles import named_key
from data.readers.run_frame import Values, frame_of
from data.readers.scalars import several
from data.readers.table_files import SUFFIXES, Table
from data.readers.table_rows import in_order, last_of_each, stretches

FORMAT = "table"
EXPECTS = "CSV, JSONL or Parquet tables (also .gz), also as exported from wandb"
VERSIONS = ("kl_reference", "proxy_version")
"""Columns whose change starts a new stretch: KL or proxy are not comparable across it."""
TEXTS = ("gold_source", *VERSIONS)
ARM = "arm"
"""Column that says which arm of an experiment a run belongs to; kept where it says one thing."""


class NotALog(LogError):
    """A whole table that has nothing to do with runs; no log unless it was named."""


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a table."""
    return path.name.lower().endswith(SUFFIXES) or table_files.is_history(path)


def read(path: Path, options: ReadOptions, kind: str | None = None) -> Iterator[RunLog]:
    """Read one table: a RunLog for each ``run_id`` in it, or one named after the file.

    Args:
        path: the file.
        options: names keys for proxy, gold and KL, and the KL's unit.
        kind: "csv", "jsonl", "json" or "parquet"; None = by suffix.

    Raises:
        LogError: the file cannot be read, or an option names a column that it does not have.
        NotALog: the table has no column of a run.
    """
    table = table_files.load(path, kind)
    cells = Cells(table)
    if wandb_export.holds(table.frame.columns):
        name = options.run or stem(path)
        yield wandb_export.read(cells, name, options.run is not None, options)
        return
    what = _classify(table, options)
    names, verbatim = _run_names(cells, path, options)
    if what == "answers":
        yield from answer_tables.read(cells, names, verbatim)
    elif what == "samples":
        yield from sample_tables.read(cells, names, verbatim, options)
    elif what == "settings":
        yield from setting_tables.read(cells, names)
    else:
        yield from _metrics(cells, names, verbatim, options)


def stem(path: Path) -> str:
    """A table's name without its suffixes."""
    lower = path.name.lower()
    suffix = next(
        (s for s in sorted((*SUFFIXES, ".json"), key=len)[::-1] if lower.endswith(s)), path.suffix
    )
    return path.name[: len(path.name) - len(suffix)] or path.name


def _classify(table: Table, options: ReadOptions) -> str:
    """What a table holds: metrics, samples, answers or settings; raises for anything else."""
    columns = set(table.frame.columns)
    name = table.path.name
    if answer_tables.holds(columns):
        return "answers"
    if sample_tables.holds_samples(columns):
        return "samples"
    mapped = {key for key in (options.proxy, options.gold, options.kl) if key}
    if mapped & columns or any(c.find(columns) for c in (PROXY, GOLD, KL)):
        return "metrics"
    if setting_tables.holds(table):
        return "settings"
    wanted = "proxy_reward, gold_reward or kl"
    reason = f"{name} has no column {wanted}; name them with --proxy, --gold, --kl. It has: "
    reason += ", ".join(str(c)[:40] for c in table.frame.columns[:30])
    if STEP.find(columns) or RUN_ID.find(columns) or len(columns) < 2 or table.unread:
        raise LogError(reason)
    raise NotALog(reason)


def _run_names(cells: Cells, path: Path, options: ReadOptions) -> tuple[list[str], bool]:
    """The run of each row, and whether its name came from the table or an option."""
    height = cells.table.frame.height
    key = RUN_ID.find(cells.table.frame.columns)
    if key is None:
        return [options.run or stem(path)] * height, options.run is not None
    names: list[str] = []
    for row, name in enumerate(cells.texts(key).to_list()):
        if not name:
            cells.name(row, key, name, "names no run")
            cells.bad_rows.add(row)
        names.append(name or "")
    if options.run is None:
        return names, True
    named = set(names) - {""}
    if len(named) > 1:
        raise LogError(
            f"--run {options.run} names one run, but column {key} of {path.name} names "
            f"{len(named)}: {', '.join(sorted(named)[:5])}"
        )
    return [options.run] * height, True


def _metrics(
    cells: Cells, names: list[str], verbatim: bool, options: ReadOptions
) -> Iterator[RunLog]:
    frame = cells.table.frame
    keys = frame.columns
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
    step_key, phase_key = STEP.find(keys), PHASE.find(keys)
    height = frame.height
    steps = cells.steps(step_key) if step_key else [0] * height
    phases = cells.phases(phase_key) if phase_key else ["train"] * height
    columns: dict[str, Values] = {
        name: cells.numbers(key).to_list() for name, key in chosen.items() if key
    }
    kl_facts = RunFacts()
    source = conversion.of_table(keys, options, kl_facts)
    if source:
        _stated_by_columns(cells, options, source, kl_facts)
        columns["kl_logged"] = cells.numbers(source.key).to_list()
    taken = {key for key in chosen.values() if key}
    taken |= {k for k in (step_key, phase_key, RUN_ID.find(keys), kl_facts.kl_key) if k}
    # A further column under one of our names but of another meaning would pass for ours.
    for key in cells.further(taken | set(METRIC_COLUMNS) | {"kl_logged"}):
        columns[key] = cells.numbers(key).to_list()

    arms = cells.texts(ARM).to_list() if ARM in keys else [None] * height
    all_texts = {key: cells.texts(key).to_list() for key in TEXTS if key in keys}

    read_any = False
    for name, rows in split_by(names).items():
        good = [row for row in rows if row not in cells.bad_rows]
        if not good:
            continue
        read_any = True
        facts = RunFacts(**{**kl_facts.__dict__, "gold_candidates": [], "checkpoints": []})
        facts.proxy_key, facts.gold_key = proxy, gold
        facts.sources = [_source(cells.table, len(good))]
        if len(arm := {arms[row] for row in good} - {None, ""}) == 1:
            facts.config = {"arm": arm.pop()}
        warnings = cells.notes(rows)
        order = in_order(good, steps, columns, step_key is not None, cells.table.path, warnings)
        phase_of, step_of = [phases[row] for row in order], [steps[row] for row in order]
        if step_key is None:
            step_of = list(range(len(order)))
        sources = all_texts.get("gold_source")
        measured = [sources[row] for row in order] if sources else None
        kept = last_of_each(phase_of, [int(step or 0) for step in step_of], measured)
        facts.steps_replaced = len(order) - len(kept)
        order = [order[i] for i in kept]
        picked = {key: [values[row] for row in order] for key, values in columns.items()}
        texts = {key: [values[row] for row in order] for key, values in all_texts.items()}
        yield RunLog(
            run=name,
            parent=cells.table.path.parent.name,
            verbatim=verbatim,
            format=FORMAT,
            path=str(cells.table.path),
            metrics=_frame(
                name,
                picked,
                texts,
                [phase_of[i] for i in kept],
                [int(step_of[i] or 0) for i in kept],
                source,
                facts,
                options,
                warnings,
            ),
            samples=sample_tables.no_samples(),
            facts=facts,
            warnings=warnings,
        )
    if not read_any:
        raise LogError(
            f"no row of {cells.table.path.name} could be read: {several(cells.all_problems())}"
        )


def _frame(
    name: str,
    columns: dict[str, Values],
    texts: dict[str, list[str | None]],
    phases: list[str],
    steps: list[int],
    source: conversion.KLSource | None,
    facts: RunFacts,
    options: ReadOptions,
    warnings: list[str],
) -> pl.DataFrame:
    """One run's rows as a metrics frame; fills in KL, stretch, and what the facts count."""
    nothing: Values = [None] * len(steps)
    logged = columns.pop("kl_logged", nothing)
    kl = nothing
    if source is None:
        warnings.append(facts.kl_note)
    else:
        lengths = columns.get("response_length", nothing)
        kl = conversion.convert(source, logged, lengths)
        unmeasured = is_unmeasured(logged, columns, no_reference=False)
        if unmeasured:
            kl, facts.kl_conversion, facts.kl_note = nothing, "missing", unmeasured
            warnings.append(unmeasured)
        elif source.per_token and not any(length is not None for length in lengths):
            warnings.append(conversion.no_length(facts))
        elif facts.kl_conversion == "unknown":
            warnings.append(f"KL: {facts.kl_note}")
    gold = columns.get("gold_reward", nothing)
    if facts.kl_estimator == "bon_bound":
        facts.algorithm = "best_of_n"
    if facts.gold_key is None:
        warnings.append("the table has no gold reward: name its column with --gold if it has")
    finite = [v for v in gold if v is not None and math.isfinite(v)]
    facts.gold_kind = options.gold_kind or (
        gold_kind_of(facts.gold_key, min(finite, default=None), max(finite, default=None))
        if facts.gold_key
        else "score"
    )
    watched = zip(logged, columns.get("proxy_reward", nothing), gold, strict=True)
    facts.nan_rows = sum(
        any(v is not None and not math.isfinite(v) for v in values) for values in watched
    )
    full: dict[str, Values] = {c: columns.pop(c, nothing) for c in METRIC_COLUMNS}
    full["kl"] = kl
    stretch = full["stretch"]
    if not any(v is not None for v in stretch):
        stretch = stretches(phases, [texts[key] for key in VERSIONS if key in texts])
    full["stretch"] = [0.0 if v is None else v for v in stretch]
    full |= columns
    if source is not None and logged != kl:
        full["kl_logged"] = logged
    frame = frame_of(full, phases, steps)
    run = pl.Series("run_id", [name] * frame.height, dtype=pl.String)
    further = [
        pl.Series(key, values, pl.String)
        for key, values in texts.items()
        if key not in frame.columns
    ]
    return pl.DataFrame([run, *frame.get_columns(), *further])


def _source(table: Table, rows: int) -> dict[str, object]:
    return {
        "path": str(table.path),
        "format": table_files.kind_of(table.path),
        "rows": rows,
    }


def _stated_by_columns(
    cells: Cells, options: ReadOptions, source: conversion.KLSource, facts: RunFacts
) -> None:
    """What columns kl_estimator, kl_logged_unit, kl_reference say, where they say one thing."""
    said: dict[str, str] = {}
    for key in ("kl_estimator", "kl_logged_unit", "kl_reference"):
        if key in cells.table.frame.columns:
            values = set(cells.texts(key).drop_nulls().to_list()) - {""}
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
