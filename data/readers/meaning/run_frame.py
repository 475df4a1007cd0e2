"""The merged scalars of one trainer run as our metric columns and facts."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import replace
from itertools import groupby
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.columns import METRIC_COLUMNS, ReadOptions, RunFacts
from data.declared.foreign import JsonObject
from data.readers.kl import kl_beside, kl_error, sanity
from data.readers.kl.kl_zero import MOVING, STILL, is_unmeasured, zero_at_start
from data.readers.meaning import attempts, conversion, gold_versions, roles
from data.readers.meaning.run_steps import own_steps, phases_apart, responses, steps_per_row
from data.readers.meaning.settings import flat, no_reference
from data.readers.names.mapping import RUN_COLUMNS, SAMPLES_A_PROMPT, gold_kind_of, prompts_behind
from data.readers.raw.scalars import Scalars
from data.readers.trainers.dialect import Dialect, first
from data.readers.trainers.known import SETTINGS_KEPT, dialect_of

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
    phases_apart(scalars)
    if scalars.restarts:
        warnings.append(attempts.restart_note(scalars.restarts))
    by_phase = sorted(scalars.columns.items(), reverse=True)  # "train" before "eval"
    log = pl.concat([pl.DataFrame(columns.values) for _, columns in by_phase], how="diagonal")
    log = log.drop("", strict=False)  # a metric without a name says nothing
    phases = [phase for phase, columns in by_phase for _ in range(len(columns.steps))]
    steps = np.concatenate([columns.steps for _, columns in by_phase])
    every = scalars.keys()
    keys = [key for key in every if key]
    settings = _settings(scalars)
    trained = log.head(len(scalars.columns["train"].steps) if "train" in scalars.columns else 0)
    told_by = [*keys, *scalars.marks]
    dialect = dialect_of(told_by, settings, _values(trained, "kl").drop_nulls().to_list())
    if dialect is not None and dialect.observed is not None:
        seen = dialect.observed(settings, trained)
        warnings += [seen.pop("why")] if "why" in seen else []
        settings |= seen
    chosen = roles.choose(scalars, dialect, options, settings)
    warnings += chosen.warnings
    if options.kl:
        options = replace(options, kl=roles.named_key(options.kl, keys, {}, "--kl"))
    steps = own_steps(steps, log, phases, dialect, options)
    window = steps_per_row(scalars)
    _describe(scalars, dialect, chosen, settings, facts)

    columns = dict.fromkeys(METRIC_COLUMNS, _nothing(log))
    taken = _measures(columns, log, dialect, options, facts)
    taken |= _rewards(columns, log, phases, chosen)
    if not columns["n_responses"].count():
        columns["n_responses"] = responses(settings, dialect, phases, log, window)
    if each := SAMPLES_A_PROMPT.find(keys):
        prompts = prompts_behind(columns["n_responses"], _values(log, each))
        columns["n_prompts"] = columns["n_prompts"].fill_null(prompts)

    logged = _kl(
        columns,
        log=log,
        phases=phases,
        dialect=dialect,
        settings=settings,
        window=window,
        options=options,
        facts=facts,
        warnings=warnings,
    )
    if dialect is not None and dialect.evaluates_first:
        kl = columns["kl"].to_list()
        zero_at_start(kl, list(zip(phases, steps.tolist(), strict=True)), facts)
        columns["kl"] = pl.Series(kl, dtype=pl.Float64)
    taken |= {"kl", *([facts.kl_key] if facts.kl_key else [])}
    facts.nan_rows = _nan_rows(logged, columns["proxy_reward"], columns["gold_reward"])
    facts.gold_kind = options.gold_kind or _gold_kind(facts.gold_key, columns["gold_reward"])
    warnings += roles.of_values(columns["proxy_reward"], columns["gold_reward"])
    warnings += sanity.doubts(
        *(columns[name].head(trained.height) for name in sanity.NEEDED),
        unit_known=facts.kl_conversion not in ("unknown", "missing"),
    )  # fmt: skip

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
    frame = _frame(columns, phases, steps)
    facts.kl_note = kl_error.with_error(frame, facts)
    return frame.with_columns(gold_versions.of_log(log, settings).alias(gold_versions.NAME))


def _measures(
    columns: dict[str, pl.Series],
    log: pl.DataFrame,
    dialect: Dialect | None,
    options: ReadOptions,
    facts: RunFacts,
) -> set[str]:
    """Fill in what is no reward and no KL; returns the keys that were taken."""
    taken: set[str] = set()
    keys = log.columns
    own = dialect.columns if dialect is not None else {}
    for column in RUN_COLUMNS:
        key = first(own.get(column.name, ()), keys) or column.find(keys)
        if column.name == "response_length":
            if options.length:
                key = roles.named_key(options.length, keys, {}, "--length")
            elif own.get(column.name, ()) and key not in _all_of(own[column.name], keys):
                key = None  # a trainer whose other lengths mean something else
            facts.length_key = key
        if key:
            columns[column.name] = _values(log, key)
            taken.add(key)
    if dialect is not None and not facts.length_key:
        for length in dialect.lengths:
            if set(length.parts()) <= set(keys):
                value = _values(log, length.key)
                value = value - _values(log, length.minus) if length.minus else value
                value = value / _values(log, length.over) if length.over else value
                columns["response_length"] = value
                facts.length_key = " / ".join(k for k in (length.key, length.over) if k)
                facts.length_key += f" - {length.minus}" if length.minus else ""
                break
    return taken


def _all_of(patterns: tuple[str, ...], keys: list[str]) -> list[str]:
    return [key for pattern in patterns if (key := first((pattern,), keys))]


def _rewards(
    columns: dict[str, pl.Series], log: pl.DataFrame, phases: list[str], chosen: roles.Roles
) -> set[str]:
    """Fill in proxy and gold with their spread; returns the keys that were taken."""
    taken: set[str] = set()
    evaluation = pl.Series([phase == "eval" for phase in phases])
    for name, key in (
        ("proxy_reward", chosen.proxy),
        ("gold_reward", chosen.gold),
        ("proxy_reward_sd", chosen.proxy_sd),
        ("gold_reward_sd", chosen.gold_sd),
    ):
        if key:
            columns[name] = _values(log, key)
            taken.add(key)
    if chosen.gold_in_evaluation:
        nothing = _nothing(log)
        columns["gold_reward"] = columns["gold_reward"].zip_with(evaluation, nothing)
        if chosen.proxy == chosen.gold:
            columns["proxy_reward"] = columns["proxy_reward"].zip_with(~evaluation, nothing)
    if chosen.lower_is_better:
        columns["gold_reward"] = -columns["gold_reward"]
    if chosen.proxy_in_evaluation:
        taken.add(chosen.proxy_in_evaluation)
        there = _values(log, chosen.proxy_in_evaluation)
        missing = evaluation & columns["proxy_reward"].is_null()
        columns["proxy_reward"] = there.zip_with(missing, columns["proxy_reward"])
    return taken


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
    return log[key] if key in log.columns else _nothing(log).alias(key)


def _nothing(log: pl.DataFrame) -> pl.Series:
    return pl.Series("", [None], dtype=pl.Float64).new_from_index(0, log.height)


def _kl(
    columns: dict[str, pl.Series],
    log: pl.DataFrame,
    phases: list[str],
    dialect: Dialect | None,
    settings: JsonObject,
    window: int,
    options: ReadOptions,
    facts: RunFacts,
    warnings: list[str],
) -> pl.Series:
    """Fill ``columns["kl"]``; returns the values as logged."""
    keys = log.columns
    source = conversion.of_trainer(
        keys, dialect, settings, window > 1, options, facts, lambda key: kl_beside.middle(log[key])
    )
    if source is None:
        warnings.append(facts.kl_note)
        # Where only a coefficient lacks, what was logged is kept for the day it is said.
        return log[facts.kl_key].alias("kl") if facts.kl_key in log.columns else columns["kl"]
    logged = log[source.key].alias("kl")
    if not logged.is_finite().any():
        facts.kl_conversion = "missing"
        facts.kl_note = f"KL is missing: {source.key} holds no number in any row"
        warnings.append(facts.kl_note)
        return logged
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
    elif facts.kl_conversion in ("unreliable", "unknown") or facts.kl_reference == "unknown":
        warnings.append(f"KL: {facts.kl_note}")
    return logged


def _describe(
    scalars: Scalars,
    dialect: Dialect | None,
    chosen: roles.Roles,
    settings: JsonObject,
    facts: RunFacts,
) -> None:
    facts.trainer = dialect.trainer if dialect else None
    facts.dialect = dialect.name if dialect else None
    facts.proxy_key, facts.gold_key = chosen.proxy, chosen.gold
    if chosen.gold_in_evaluation:
        facts.gold_key = f"eval/{chosen.gold}"
    facts.gold_better = "lower" if chosen.lower_is_better else "higher"
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


def _settings(scalars: Scalars) -> JsonObject:
    """The trainer's settings by plain and by dotted name."""
    args = scalars.config.get("args", {})
    return {**args, **flat(args)} if isinstance(args, dict) else {}


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
