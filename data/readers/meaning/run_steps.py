"""Steps and phases of a run's rows, and the responses behind them."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.columns import ReadOptions
from data.declared.foreign import JsonObject
from data.readers.raw.scalar_columns import Columns
from data.readers.raw.scalars import Scalars
from data.readers.trainers.dialect import Dialect
from data.readers.trainers.known import dialect_of


def phases_apart(scalars: Scalars) -> None:
    """Move what a trainer logs of its evaluations among its training rows to rows of its own."""
    trained = scalars.columns.get("train")
    every = scalars.keys()
    dialect = dialect_of([key for key in every if key], {}, [])
    if trained is None or dialect is None or not dialect.evaluation:
        return
    moved = {k: v for k, v in trained.values.items() if k.startswith(dialect.evaluation)}
    left = {k: v for k, v in trained.values.items() if k not in moved}
    if not moved or not left:
        return
    rows = Columns(trained.steps, moved).with_any_beside(frozenset()).rows()
    scalars.columns["train"] = Columns(trained.steps, left).with_any_beside(frozenset())
    evaluated = scalars.rows.setdefault("eval", {})
    for step, row in rows.items():
        evaluated[step] = {**row, **evaluated.get(step, {})}


def own_steps(
    steps: NDArray[np.int64],
    log: pl.DataFrame,
    phases: list[str],
    dialect: Dialect | None,
    options: ReadOptions,
) -> NDArray[np.int64]:
    """Steps as a key of the log counts them, where ``--step`` or the trainer names one."""
    named = options.step or options.kept.get("step")
    key = named or (dialect.step if dialect is not None else "")
    if not key:
        return steps
    if named:
        bare = named.removeprefix("train/")
        key = next((k for k in (named, bare) if k in log.columns), "")
    if key not in log.columns:
        return steps
    own = log[key].to_list()
    known = {
        int(step): int(value) for step, value in zip(steps, own, strict=True)
        if value is not None and value >= 0 and float(value).is_integer()
    }  # fmt: skip
    answers = [known.get(int(step)) for step in steps]
    places = list(zip(phases, answers, strict=True))
    if None in answers or len(set(places)) < len(places):
        return steps  # rows without one, or two rows of one: the log's own steps stay
    return np.array(answers, dtype=np.int64)


def steps_per_row(scalars: Scalars) -> int:
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


def responses(
    settings: JsonObject,
    dialect: Dialect | None,
    phases: list[str],
    log: pl.DataFrame,
    window: int,
) -> pl.Series:
    """Responses behind each training row's means; None where the settings do not say."""
    training, unknown = (
        pl.Series([phase == "train" for phase in phases]),
        pl.repeat(None, log.height, dtype=pl.Float64, eager=True),
    )
    number = dialect.responses(settings, window) if dialect and dialect.responses else None
    if dialect is None or number is None:
        return unknown
    if dialect.responses_with is not None:
        known = log.get_column(dialect.responses_with, default=unknown)
        training &= known.is_not_null()
    return pl.Series([float(number)]).new_from_index(0, log.height).zip_with(training, unknown)
