"""Tables of a trainer's keys: that trainer's log in rows, as pandas or a callback writes it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

import numpy as np
import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog
from data.readers.files import table_files
from data.readers.files.settings_beside import settings_beside
from data.readers.files.table_files import Table
from data.readers.layouts.cells import Cells
from data.readers.layouts.run_columns import column_of, parent_of, run_column, step_column
from data.readers.meaning import attempts
from data.readers.meaning.run_frame import run_frame
from data.readers.names import table_doubts
from data.readers.names.mapping import PHASE
from data.readers.raw.reader import Piece
from data.readers.raw.scalar_columns import Columns
from data.readers.raw.scalars import SUMMARY_KEYS, Scalars, split_key
from data.readers.responses.sample_tables import no_samples
from data.readers.trackers.tracked import EVALUATED
from data.readers.trainers.dialect import Dialect
from data.readers.trainers.known import dialect_of
from data.readers.trainers.swift import SWIFT_KEYS

FORMAT = "table"
STEP_KEYS = (
    "train/global_step", "global_step", "training/global_step", "trainer/global_step", "step",
    "global_step/max_steps", "current_steps", "progress/batch", "training_step", "_step",
)  # fmt: skip
"""Where a row says its optimiser step, the surest first."""
CLOCKS = frozenset({"global_step", "training/global_step", "trainer/global_step"})
INDEXES = frozenset({"", "unnamed: 0", "index"})
"""Headings that pandas gives to the numbers of rows."""
TRAINS = ("loss", "train/loss", "grad_norm", "train/grad_norm", "learning_rate",
          "train/learning_rate")  # fmt: skip
"""What the Hugging Face trainer logs with each call of training, and with no evaluation."""
EXPORTED = frozenset({"run_id", "phase", "step", "kl", "proxy_reward", "stretch"})
"""Columns that all of our exports have, beside the trainer's keys."""
_EVAL = "eval_"


def recognised(columns: Collection[str]) -> dict[str, str] | None:
    """The trainer's keys, by column, where a table's columns are a trainer's; else None.

    Columns of both phases (``train/…``, ``eval/…``) are a log's too, whoever wrote it.

    Headings in capitals are tried in small letters, and dots (nested JSON) as slashes.
    """
    found = _recognised(tuple(columns))
    return found[0] if found else None


@lru_cache(maxsize=64)
def _recognised(columns: tuple[str, ...]) -> tuple[dict[str, str], Dialect | None] | None:
    if set(columns) >= EXPORTED:
        return None  # our own export: its kl is nats per response by now
    ways = (str, lambda c: c.replace(".", "/"), str.lower, lambda c: c.lower().replace(".", "/"))
    for way in ways:
        keys = {column: way(column.strip()) for column in columns}
        bare = {split_key(key)[1].removeprefix(_EVAL) for key in keys.values()}
        dialect = dialect_of(bare, {}, [])
        if dialect is not None and _sure(dialect, bare):
            return keys, dialect
    phases = {split_key(column)[0] for column in columns if "/" in column}
    if "eval" in phases and any(column.startswith("train/") for column in columns):
        return {column: column for column in columns}, None  # phases, whoever wrote them
    return None


def _sure(dialect: Dialect, keys: Collection[str]) -> bool:
    """Whether the marks are a trainer's alone: `completion_length, reward` may be anybody's."""
    if dialect.name != "grpo_0_15":
        return True
    return "reward_std" in keys or any(key.startswith("rewards/") for key in keys)


def read(cells: Cells, names: pl.Series, verbatim: bool, options: ReadOptions) -> Iterator[RunLog]:
    """One RunLog for each run in ``names``, mapped as the trainer's own log is.

    Args:
        cells: the table.
        names: the run of each row.
        verbatim: whether those names stay as they are.
        options: what the import was told.

    Raises:
        LogError: an option names a column that there is not, or no row has a step.
    """
    columns = cells.table.frame.columns
    keys = recognised(columns)
    assert keys is not None
    rows, notes = _rows(cells, keys, options)
    named = _good(cells, rows.with_columns(names.alias(" run")))
    for (name,), part in named.group_by(" run", maintain_order=True):
        run = str(name)
        log = _log(cells, part.drop(" run"), run, verbatim, options)
        log.warnings[:0] = [*notes, *cells.notes_of(names, run)]
        yield log


def piece(table: Table, options: ReadOptions) -> Piece | None:
    """A trainer's lines as a part of the run in whose folder they lie; None where they are none.

    Raises:
        LogError: no row has a step.
    """
    keys = recognised(table.frame.columns)
    if keys is None or run_column(table.frame.columns, options) is not None:
        return None
    cells = Cells(table)
    rows, notes = _rows(cells, keys, options)
    scalars = _scalars(cells.table, _good(cells, rows))
    every = range(table.frame.height)
    scalars.notes[:0] = [*notes, *cells.notes(row for row in every if row in cells.bad_rows)]
    return Piece(FORMAT, table.path, scalars=lambda: scalars)


def _good(cells: Cells, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without those that cannot be read."""
    if not cells.bad_rows:
        return rows
    bad = pl.Series(sorted(cells.bad_rows), dtype=pl.Int64)
    return rows.filter(~pl.int_range(pl.len()).is_in(bad.implode()))


def _rows(
    cells: Cells, keys: dict[str, str], options: ReadOptions
) -> tuple[pl.DataFrame, list[str]]:
    """The table's numbers under the trainer's keys, beside `` step`` and `` evaluation``."""
    columns, height = cells.table.frame.columns, cells.table.frame.height
    step = _step_of(keys, options)
    notes: list[str] = []
    if step is not None:
        steps = _steps(cells, step)
    elif options.whole:
        raise LogError(f"{cells.table.path.name} has no column step")
    else:
        steps = pl.Series(range(height), dtype=pl.Int64)
        notes.append(
            f"{cells.table.path.name} has no step column: its rows, as they stand in the file, are "
            "numbered from 0 instead"
        )
    phase = PHASE.find(columns)
    taken = {c for c in (step, phase, column_of(columns)) if c}
    taken |= {c for c, key in keys.items() if key.lower() in INDEXES}
    series = [steps.alias(" step")]
    kept: set[str] = set()
    for column in cells.further(taken):
        key = keys[column]
        if key in kept or split_key(key)[1] in SUMMARY_KEYS or split_key(key)[1] in CLOCKS:
            continue
        kept.add(key)
        series.append(cells.numbers(column).fill_nan(None).alias(key))
    rows = pl.DataFrame(series)
    evaluated = [pl.col(key).is_not_null() for key in kept if key.startswith(_EVAL)]
    evaluation = pl.any_horizontal(evaluated) if evaluated else pl.lit(False)
    if not cells.table.whole_steps:
        evaluation |= _evaluates(kept)
    if phase:
        evaluation |= pl.lit(cells.phases(phase) == "eval")
    return rows.with_columns(evaluation.alias(" evaluation")), notes


def _evaluates(keys: Collection[str]) -> pl.Expr:
    """Which rows are an evaluation's log call, whatever prefix its rewards have."""
    evaluated, trains = (
        [pl.col(key).is_not_null() for key in some if key in keys] for some in (EVALUATED, TRAINS)
    )
    evaluates = pl.any_horizontal(evaluated) if evaluated else pl.lit(False)
    return evaluates & ~pl.any_horizontal(trains) if trains else pl.lit(False)


def _step_of(keys: dict[str, str], options: ReadOptions) -> str | None:
    if options.step is None:
        lower = {key.lower(): column for column, key in reversed(keys.items())}
        found = next((lower[key] for key in STEP_KEYS if key in lower), None)
        if found is not None:
            return found
    return step_column(list(keys), options)


def _steps(cells: Cells, name: str) -> pl.Series:
    """A column of steps, also as ms-swift writes them: ``12/60``."""
    column = cells.table.frame.get_column(name)
    if column.dtype == pl.String:
        parted = column.str.extract(r"^\s*(\d{1,18})\s*/\s*\d+\s*$").cast(pl.Int64)
        if parted.null_count() == column.null_count():
            return parted
    return cells.steps(name)


def _log(
    cells: Cells, rows: pl.DataFrame, name: str, verbatim: bool, options: ReadOptions
) -> RunLog:
    path = cells.table.path
    scalars = _scalars(cells.table, rows)
    beside = settings_beside(path, scalars.notes)
    if beside:
        scalars.config["args"] = beside
    facts = RunFacts(sources=[{
        "path": str(path), "format": table_files.kind_of(path), "rows": rows.height,
    }])  # fmt: skip
    warnings = list(scalars.notes)
    metrics = run_frame(scalars, options, facts, warnings)
    logged = next((c for c in ("kl_logged", "kl") if c in metrics.columns), "")
    if facts.kl_key and metrics.get_column(logged).count():
        warnings += filter(None, [table_doubts.gaps(metrics, logged, facts.kl_key)])
    run = pl.Series("run_id", [name] * metrics.height, dtype=pl.String)
    metrics = pl.DataFrame([run, *metrics.get_columns()])
    further = [c for c in metrics.columns if c not in METRIC_COLUMNS]
    return RunLog(
        run=name,
        parent=parent_of(path, name),
        verbatim=verbatim,
        format=FORMAT,
        path=str(path),
        metrics=metrics.select(*METRIC_COLUMNS, *further),
        samples=no_samples(),
        facts=facts,
        warnings=warnings,
    )


def _scalars(table: Table, rows: pl.DataFrame) -> Scalars:
    """A table's rows (of ``_rows``) as the scalars of one run."""
    path = table.path
    scalars = Scalars(path=str(path), format=FORMAT)
    scalars.marks = SWIFT_KEYS & frozenset(table.frame.columns)
    _fill(scalars, rows)
    if not scalars.count():
        raise LogError(f"{path.name} has no row with metrics")
    order = scalars.keys()
    scalars.function_order = [key for key in order if key.startswith("rewards/")]
    return scalars


def _fill(scalars: Scalars, rows: pl.DataFrame) -> None:
    """Rows of a table as a trainer's log calls: phases apart, in the order of the file."""
    mask = rows.get_column(" evaluation")
    parts: dict[str, list[pl.DataFrame]] = {"train": [], "eval": []}
    for evaluation, part in (("train", rows.filter(~mask)), ("eval", rows.filter(mask))):
        for phase in ("train", "eval"):
            columns = {}
            for column in part.get_columns():
                if column.name in (" step", " evaluation") or not column.count():
                    continue
                own, key = split_key(column.name)
                if evaluation == "eval":
                    own, key = "eval", key.removeprefix(_EVAL)
                if own == phase:
                    columns[key] = column.alias(key)
            if columns:
                steps = part.get_column(" step").alias(" step")
                frame = pl.DataFrame([steps, *columns.values()])
                some = pl.any_horizontal(pl.exclude(" step").is_not_null())
                parts[phase].append(frame.filter(pl.col(" step").is_not_null() & some))
    for phase, frames in parts.items():
        if phase == "train":
            frames = [_ordered(scalars, frame) for frame in frames]
        _put(scalars, phase, [frame for frame in frames if frame.height])


def _ordered(scalars: Scalars, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows sorted by step where they are no restart's, which is told."""
    frame, warning = attempts.in_order(frame, " step")
    if warning:
        scalars.notes.append(warning)
    return frame


def _put(scalars: Scalars, phase: str, frames: list[pl.DataFrame]) -> None:
    ascending = len(frames) == 1 and bool(np.all(np.diff(frames[0][" step"].to_numpy()) > 0))
    if ascending:
        steps = frames[0].get_column(" step").to_numpy()
        values = {c.name: c for c in frames[0].get_columns() if c.name != " step"}
        scalars._columns[phase] = Columns(steps, values)
        return
    for frame in frames:
        for row in frame.iter_rows(named=True):
            step = row.pop(" step")
            logged = {key: value for key, value in row.items() if value is not None}
            scalars.put(phase, step, logged, whole=True)
