"""The merged scalars of one trainer run as our metric columns and facts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from data.columns import METRIC_COLUMNS, ReadOptions, RunFacts
from data.readers import conversion, roles
from data.readers.dialects import Dialect, dialect_of
from data.readers.kl_table import setting
from data.readers.kl_zero import MOVING, STILL, is_unmeasured, zero_at_start
from data.readers.mapping import RUN_COLUMNS, gold_kind_of
from data.readers.scalars import Row, Scalars
from data.readers.settings import flat, no_reference, observed

MAX_FURTHER_COLUMNS = 2000
"""Further keys kept as columns; a log with more is broken, and rows x keys must fit in memory."""

SETTINGS_KEPT = (
    "beta", "kl_coef", "seed", "learning_rate", "max_steps", "logging_steps", "num_generations",
    "per_device_train_batch_size", "gradient_accumulation_steps", "generation_batch_size",
    "steps_per_generation", "num_iterations", "reward_weights", "use_bias_correction_kl",
    "sync_ref_model", "kl_estimator", "kl_penalty", "loss_type", "scale_rewards",
    "max_completion_length", "temperature", "run_name", "model_name_or_path", "reward_model_path",
    # verl
    "algorithm.adv_estimator", "algorithm.use_kl_in_reward", "algorithm.kl_penalty",
    "algorithm.kl_ctrl.kl_coef", "actor_rollout_ref.actor.use_kl_loss",
    "actor_rollout_ref.actor.kl_loss_coef", "actor_rollout_ref.actor.kl_loss_type",
    "actor_rollout_ref.actor.loss_agg_mode", "actor_rollout_ref.rollout.n",
    "actor_rollout_ref.model.path", "data.train_batch_size",
    # OpenRLHF
    "algo.kl.init_coef", "algo.kl.estimator", "algo.kl.use_loss", "init_kl_coef", "use_kl_loss",
)  # fmt: skip
"""Settings of the trainer that are handed on; the others say nothing about overoptimisation."""

MODEL_SETTINGS_KEPT = ("_name_or_path", "model_type", "hidden_size", "num_hidden_layers")

Values = list[float | None]


def run_frame(
    scalars: Scalars, options: ReadOptions, facts: RunFacts, warnings: list[str]
) -> pl.DataFrame:
    """Map one run's rows to METRIC_COLUMNS (without run_id) and further numeric columns.

    Returns one row per (phase, step), training before evaluation, steps ascending. ``facts`` and
    ``warnings`` are filled.

    Raises:
        LogError: an option names a key that the log does not have.
    """
    index = [
        (phase, step, row)
        for phase, rows in sorted(scalars.rows.items(), reverse=True)  # "train" before "eval"
        for step, row in sorted(rows.items())
    ]
    phases = [phase for phase, _, _ in index]
    rows = [row for _, _, row in index]
    keys = scalars.keys()
    settings = _settings(scalars)
    kl_rows = [row["kl"] for row in scalars.rows["train"].values() if "kl" in row]
    dialect = dialect_of(keys, settings, kl_rows)
    if dialect is not None:
        settings |= observed(dialect.name, settings, list(scalars.rows["train"].values()))
    chosen = roles.choose(scalars, dialect, options)
    warnings += chosen.warnings
    if options.kl:
        options_kl = roles.named_key(options.kl, keys, {}, "--kl")
        options = ReadOptions(**{**options.__dict__, "kl": options_kl})
    window = _steps_per_row(scalars)
    _describe(scalars, dialect, chosen, settings, facts)

    columns: dict[str, Values] = {c: [None] * len(rows) for c in METRIC_COLUMNS}
    taken: set[str] = set()
    for column in RUN_COLUMNS:
        key = column.find(keys)
        if key:
            columns[column.name] = _values(rows, key)
            taken.add(key)
    for name, key in (
        ("proxy_reward", chosen.proxy),
        ("gold_reward", chosen.gold),
        ("proxy_reward_sd", chosen.proxy_sd),
        ("gold_reward_sd", chosen.gold_sd),
    ):
        if key:
            columns[name] = _values(rows, key)
            taken.add(key)
    if chosen.proxy_in_evaluation:
        taken.add(chosen.proxy_in_evaluation)
        there = _values(rows, chosen.proxy_in_evaluation)
        columns["proxy_reward"] = [
            b if phase == "eval" and a is None else a
            for a, b, phase in zip(columns["proxy_reward"], there, phases, strict=True)
        ]
    if not any(value is not None for value in columns["n_responses"]):
        columns["n_responses"] = _responses(settings, dialect, phases, rows, window)

    logged = _kl(columns, keys, phases, rows, dialect, settings, window, options, facts, warnings)
    if dialect is not None and dialect.name == "verl":
        zero_at_start(columns["kl"], [entry[:2] for entry in index], facts)
    taken |= {"kl", *([facts.kl_key] if facts.kl_key else [])}
    facts.nan_rows = _nan_rows(logged, columns["proxy_reward"], columns["gold_reward"])
    facts.gold_kind = options.gold_kind or _gold_kind(chosen.gold, columns["gold_reward"])

    further = [key for key in keys if key not in taken and key not in METRIC_COLUMNS]
    if len(further) > MAX_FURTHER_COLUMNS:
        warnings.append(
            f"the log has {len(further)} further keys; the first {MAX_FURTHER_COLUMNS} are kept"
        )
    for key in further[:MAX_FURTHER_COLUMNS]:
        columns[key] = _values(rows, key)
    if facts.kl_key and logged != columns["kl"]:
        columns["kl_logged"] = logged
    columns["stretch"] = [0.0 if value is None else value for value in columns["stretch"]]
    return frame_of(columns, phases, [step for _, step, _ in index])


def frame_of(columns: dict[str, Values], phases: list[str], steps: list[int]) -> pl.DataFrame:
    """Columns of numbers as a metrics frame: declared types first, non-finite numbers to null."""
    named = {
        "phase": pl.Series(phases, dtype=pl.String()),
        "step": pl.Series(steps, dtype=pl.Int64()),
    }
    numbers = {
        name: pl.Series(values, dtype=pl.Float64(), strict=False)
        for name, values in columns.items()
        if name not in ("run_id", "phase", "step")
    }
    order = [name for name in columns if name != "run_id"]
    return pl.DataFrame(named | numbers).select(
        pl.col(name)
        if name in named
        else pl.when(pl.col(name).is_finite())
        .then(pl.col(name))
        .cast(METRIC_COLUMNS.get(name, pl.Float64()), strict=False)
        for name in order
    )


def _values(rows: Sequence[Row], key: str) -> Values:
    return [row.get(key) for row in rows]


def _kl(
    columns: dict[str, Values],
    keys: list[str],
    phases: list[str],
    rows: list[Row],
    dialect: Dialect | None,
    settings: dict[str, Any],
    window: int,
    options: ReadOptions,
    facts: RunFacts,
    warnings: list[str],
) -> Values:
    """Fill ``columns["kl"]``; returns the values as logged."""
    source = conversion.of_trainer(keys, dialect, settings, window > 1, options, facts)
    if source is None:
        warnings.append(facts.kl_note)
        return [None] * len(rows)
    logged = _values(rows, source.key)
    watched = {key: _values(rows, key) for key in (*STILL, *MOVING) if key in keys}
    unmeasured = is_unmeasured(logged, watched, no_reference(settings))
    if unmeasured:
        facts.kl_conversion, facts.kl_note = "missing", unmeasured
        warnings.append(unmeasured)
        return logged
    lengths = columns["response_length"]
    converted: Values = []
    for phase in dict.fromkeys(phases):  # a length is carried on within a phase only
        part = [i for i, other in enumerate(phases) if other == phase]
        converted += conversion.convert(
            source, [logged[i] for i in part], [lengths[i] for i in part]
        )
    columns["kl"] = converted
    if source.per_token and not any(length is not None for length in lengths):
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
    steps = sorted(scalars.rows["train"])
    gaps = sorted(b - a for a, b in pairwise(steps))
    return gaps[len(gaps) // 2] if gaps else 1


def _responses(
    settings: dict[str, Any],
    dialect: Dialect | None,
    phases: list[str],
    rows: list[Row],
    window: int,
) -> Values:
    """Responses behind each training row's means; None where the settings do not say.

    A generation batch (all devices) serves ``steps_per_generation`` accumulation steps,
    ``num_iterations`` times over; a row averages the batches generated in its ``window``.
    """
    unknown: Values = [None] * len(rows)
    prompts, each = (
        _whole(setting(settings, name)) for name in ("data.train_batch_size", "rollout.n")
    )
    if dialect is not None and dialect.name == "verl" and prompts and each:
        return [float(prompts * each) if phase == "train" else None for phase in phases]
    if dialect is None or dialect.name not in ("grpo", "rloo"):
        return unknown
    accumulation = _whole(settings.get("gradient_accumulation_steps")) or 1
    batch = _whole(settings.get("generation_batch_size"))
    per_generation = _whole(settings.get("steps_per_generation")) or accumulation
    if batch is None:
        device = _whole(settings.get("per_device_train_batch_size"))
        if device is None:
            return unknown
        batch = device * per_generation
    reuse = per_generation * (_whole(settings.get("num_iterations")) or 1)
    batches = max(1, round(window * accumulation / reuse))
    return [
        float(batch * batches) if phase == "train" and "reward" in row else None
        for phase, row in zip(phases, rows, strict=True)
    ]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _nan_rows(*columns: Values) -> int:
    """Rows in which any of the columns is NaN or infinite."""
    return sum(
        any(value is not None and not math.isfinite(value) for value in row)
        for row in zip(*columns, strict=True)
    )


def _gold_kind(key: str | None, values: Values) -> str:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if key is None:
        return "score"
    return gold_kind_of(key, min(finite, default=None), max(finite, default=None))
