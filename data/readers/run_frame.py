"""The merged scalars of one trainer run as our metric columns and facts."""

from __future__ import annotations

import functools
import math
import operator
from itertools import groupby
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.columns import METRIC_COLUMNS, ReadOptions, RunFacts
from data.readers import conversion, roles
from data.readers.dialect import Dialect
from data.readers.dialects import SETTINGS_KEPT, dialect_of
from data.readers.kl_zero import MOVING, STILL, is_unmeasured, zero_at_start
from data.readers.mapping import (
    RUN_COLUMNS,
    SAMPLES_A_PROMPT,
    Column,
    gold_kind_of,
    prompts_behind,
)
from data.readers.scalars import Scalars
from data.readers.settings import flat, no_reference

MAX_FURTHER_COLUMNS = 2000
"""Further keys kept as columns; a log with more is broken, and rows x keys must fit in memory."""

MODEL_SETTINGS_KEPT = ("_name_or_path", "model_type", "hidden_size", "num_hidden_layers")


def run_frame(
    scalars: Scalars, options: ReadOptions, facts: RunFacts, warnings: list[str]
) -> pl.DataFrame:
    """Map one run's rows to METRIC_COLUMNS (without run_id) and further numeric columns.

    Returns one row per (phase, step), training before evaluation, steps ascending. ``facts`` and
    ``warnings`` are filled.

    Raises:
        LogError: an option names a key that the log does not have.
    """
    held = sorted(scalars.columns.items(), reverse=True)  # "train" before "eval"
    log = pl.concat([pl.DataFrame(columns.values) for _, columns in held], how="diagonal")
    phases = [phase for phase, columns in held for _ in range(len(columns.steps))]
    steps = np.concatenate([columns.steps for _, columns in held])
    keys = scalars.keys()
    settings = _settings(scalars)
    trained = log.head(len(scalars.columns["train"].steps) if "train" in scalars.columns else 0)
    dialect = dialect_of(keys, settings, _values(trained, "kl").drop_nulls().to_list())
    if dialect is not None and dialect.observed is not None:
        settings |= dialect.observed(settings, trained)
    chosen = roles.choose(scalars, dialect, options)
    warnings += chosen.warnings
    if options.kl:
        options_kl = roles.named_key(options.kl, keys, {}, "--kl")
        options = ReadOptions(**{**options.__dict__, "kl": options_kl})
    window = _steps_per_row(scalars)
    _describe(scalars, dialect, chosen, settings, facts)

    columns = dict.fromkeys(METRIC_COLUMNS, _values(log, ""))
    taken: set[str] = set()
    own = dialect.columns if dialect is not None else {}
    for column in RUN_COLUMNS:
        key = Column(column.name, (*own.get(column.name, ()), *column.keys)).find(keys)
        if key:
            columns[column.name] = _values(log, key)
            taken.add(key)
    for name, key in (
        ("proxy_reward", chosen.proxy),
        ("gold_reward", chosen.gold),
        ("proxy_reward_sd", chosen.proxy_sd),
        ("gold_reward_sd", chosen.gold_sd),
    ):
        if key:
            columns[name] = _values(log, key)
            taken.add(key)
    if chosen.proxy_in_evaluation:
        taken.add(chosen.proxy_in_evaluation)
        there = _values(log, chosen.proxy_in_evaluation)
        missing = pl.Series([phase == "eval" for phase in phases]) & (
            columns["proxy_reward"].is_null()
        )
        columns["proxy_reward"] = there.zip_with(missing, columns["proxy_reward"])
    if not columns["n_responses"].count():
        columns["n_responses"] = _responses(settings, dialect, phases, log, window)
    if each := SAMPLES_A_PROMPT.find(keys):
        told = prompts_behind(columns["n_responses"], _values(log, each))
        columns["n_prompts"] = columns["n_prompts"].fill_null(told)

    logged = _kl(columns, log, phases, dialect, settings, window, options, facts, warnings)
    if dialect is not None and dialect.evaluates_first:
        kl = columns["kl"].to_list()
        zero_at_start(kl, list(zip(phases, steps.tolist(), strict=True)), facts)
        columns["kl"] = pl.Series(kl, dtype=pl.Float64)
    taken |= {"kl", *([facts.kl_key] if facts.kl_key else [])}
    facts.nan_rows = _nan_rows(logged, columns["proxy_reward"], columns["gold_reward"])
    facts.gold_kind = options.gold_kind or _gold_kind(chosen.gold, columns["gold_reward"])

    further = [key for key in keys if key not in taken and key not in METRIC_COLUMNS]
    if len(further) > MAX_FURTHER_COLUMNS:
        warnings.append(
            f"the log has {len(further)} further keys; the first {MAX_FURTHER_COLUMNS} are kept"
        )
    for key in further[:MAX_FURTHER_COLUMNS]:
        columns[key] = log[key]
    if facts.kl_key and not logged.equals(columns["kl"]):
        columns["kl_logged"] = logged
    columns["stretch"] = columns["stretch"].fill_null(0.0)
    return _frame(columns, phases, steps)


def _frame(
    columns: dict[str, pl.Series], phases: list[str], steps: NDArray[np.int64]
) -> pl.DataFrame:
    """Columns of numbers as a metrics frame: declared types first, non-finite numbers to null."""
    named = {"phase": pl.Series(phases, dtype=pl.String()), "step": pl.Series(steps)}
    numbers = {name: column for name, column in columns.items() if name not in ("run_id", *named)}
    order = [name for name in columns if name != "run_id"]
    return pl.DataFrame(named | numbers).select(
        pl.col(name)
        if name in named
        else pl.when(pl.col(name).is_finite())
        .then(pl.col(name))
        .cast(METRIC_COLUMNS.get(name, pl.Float64()), strict=False)
        for name in order
    )


def _values(log: pl.DataFrame, key: str) -> pl.Series:
    """The column of a key; all null where it was not logged."""
    if key in log.columns:
        return log[key]
    return pl.Series(key, [None], dtype=pl.Float64).new_from_index(0, log.height)


def _kl(
    columns: dict[str, pl.Series],
    log: pl.DataFrame,
    phases: list[str],
    dialect: Dialect | None,
    settings: dict[str, Any],
    window: int,
    options: ReadOptions,
    facts: RunFacts,
    warnings: list[str],
) -> pl.Series:
    """Fill ``columns["kl"]``; returns the values as logged."""
    keys = log.columns
    source = conversion.of_trainer(keys, dialect, settings, window > 1, options, facts)
    if source is None:
        warnings.append(facts.kl_note)
        return columns["kl"]
    logged = log[source.key].alias("kl")
    watched = {key: log[key].to_list() for key in (*STILL, *MOVING) if key in keys}
    unmeasured = is_unmeasured(logged.to_list(), watched, no_reference(settings))
    if unmeasured:
        facts.kl_conversion, facts.kl_note = "missing", unmeasured
        warnings.append(unmeasured)
        return logged
    lengths = columns["response_length"]
    converted: list[float | None] = []
    start = 0
    for _, rows in groupby(phases):  # a length is carried on within a phase only
        part = slice(start, start := start + len(list(rows)))
        converted += conversion.convert(source, logged[part].to_list(), lengths[part].to_list())
    columns["kl"] = pl.Series("kl", converted, dtype=pl.Float64)
    if source.per_token and not lengths.count():
        warnings.append(conversion.no_length(facts))
    elif facts.kl_conversion in ("unreliable", "unknown"):
        warnings.append(f"KL: {facts.kl_note}")
    return logged


def _describe(
    scalars: Scalars,
    dialect: Dialect | None,
    chosen: roles.Roles,
    settings: dict[str, Any],
    facts: RunFacts,
) -> None:
    facts.trainer = dialect.trainer if dialect else None
    facts.dialect = dialect.name if dialect else None
    facts.proxy_key, facts.gold_key = chosen.proxy, chosen.gold
    facts.gold_candidates = chosen.gold_candidates
    planned = settings.get("max_steps")
    facts.max_steps = scalars.max_steps or (
        planned if isinstance(planned, int) and planned > 0 else None
    )
    facts.steps_replaced = len(scalars.replaced)
    facts.config = {key: settings[key] for key in SETTINGS_KEPT if _plain(settings.get(key))}
    model = scalars.config.get("model_config", {})
    for key in MODEL_SETTINGS_KEPT:
        if _plain(model.get(key)):
            facts.config[f"model.{key.lstrip('_')}"] = model[key]


def _plain(value: object) -> bool:
    """Whether a setting is a value to hand on: text, a finite number, or a list of such."""
    if isinstance(value, list):
        return all(_plain(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (str, int))


def _settings(scalars: Scalars) -> dict[str, Any]:
    """The trainer's settings by plain and by dotted name."""
    args = scalars.config.get("args", {})
    return {**args, **flat(args)} if isinstance(args, dict) else {}


def _steps_per_row(scalars: Scalars) -> int:
    """Optimiser steps that a training row averages: as set, or the usual spacing of the rows."""
    settings = scalars.config.get("args", {})
    stated = settings.get("logging_steps")
    if isinstance(stated, int) and stated > 0:
        return stated
    if scalars.logging_steps:
        return scalars.logging_steps
    trained = scalars.columns.get("train")
    gaps = np.sort(np.diff(trained.steps)) if trained is not None else ()
    return int(gaps[len(gaps) // 2]) if len(gaps) else 1


def _responses(
    settings: dict[str, Any],
    dialect: Dialect | None,
    phases: list[str],
    log: pl.DataFrame,
    window: int,
) -> pl.Series:
    """Responses behind each training row's means; None where the settings do not say."""
    training, unknown = pl.Series([phase == "train" for phase in phases]), _values(log, "")
    number = dialect.responses(settings, window) if dialect and dialect.responses else None
    if dialect is None or number is None:
        return unknown
    if dialect.responses_with is not None:
        training &= _values(log, dialect.responses_with).is_not_null()
    return pl.Series([float(number)]).new_from_index(0, log.height).zip_with(training, unknown)


def _nan_rows(*columns: pl.Series) -> int:
    """Rows in which any of the columns is NaN or infinite."""
    odd = [column.is_finite().not_().fill_null(False) for column in columns]
    return int(functools.reduce(operator.or_, odd).sum())


def _gold_kind(key: str | None, values: pl.Series) -> str:
    if key is None:
        return "score"
    finite = values.filter(values.is_finite())
    low, high = finite.min(), finite.max()
    return gold_kind_of(key, cast("float | None", low), cast("float | None", high))
