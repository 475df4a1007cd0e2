"""A run's history as exported from Weights & Biases: a table whose columns are logged keys."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog, Source
from data.readers.layouts.cells import Cells
from data.readers.meaning import attempts
from data.readers.meaning.run_frame import run_frame
from data.readers.raw.scalars import Scalars, as_step
from data.readers.responses.sample_tables import no_samples
from data.readers.trackers.tracked import Tracked

FORMAT = "wandb"
MARKS = ("_timestamp", "_runtime")
PREFIXES = ("train/", "eval/", "critic/", "actor/", "val-core/", "objective/", "rewards/")
COUNTER = "_step"


def holds(columns: Collection[str]) -> bool:
    """Whether a table's columns are those of an exported history."""
    return COUNTER in columns and (
        any(mark in columns for mark in MARKS) or any(c.startswith(PREFIXES) for c in columns)
    )


def read(cells: Cells, name: str, verbatim: bool, options: ReadOptions) -> RunLog:
    """The one run of an exported history, mapped as the same rows in an offline run are.

    An export holds every key in every row, so an empty or NaN cell is a key that was not logged.

    Raises:
        LogError: no row has metrics, or an option names a key that there is not.
    """
    table = cells.table
    scalars = Scalars(path=str(table.path), format=FORMAT)
    tracked = Tracked(scalars)
    columns = {key: cells.numbers(key).fill_nan(None).to_list() for key in cells.further(set())}
    counters = columns.get(COUNTER, [None] * table.frame.height)
    order = sorted(range(table.frame.height), key=lambda row: counters[row] or 0)
    for row in order:
        values = {key: column[row] for key, column in columns.items() if column[row] is not None}
        tracked.add(values, as_step(counters[row]))
    tracked.done()
    if not scalars.count():
        raise LogError(f"{table.path.name} has no row with metrics")
    scalars.function_order = scalars.keys()
    facts = RunFacts(sources=[_source(cells, scalars.count())])
    warnings = [*scalars.notes, *cells.notes(range(table.frame.height))]
    if scalars.restarts:
        warnings.append(attempts.restart_note(scalars.restarts))
    metrics = run_frame(scalars, options, facts, warnings)
    run = pl.Series("run_id", [name] * metrics.height, dtype=pl.String)
    metrics = pl.DataFrame([run, *metrics.get_columns()])
    further = [c for c in metrics.columns if c not in METRIC_COLUMNS]
    return RunLog(
        run=name,
        parent=table.path.parent.name,
        verbatim=verbatim,
        format=FORMAT,
        path=str(table.path),
        metrics=metrics.select(*METRIC_COLUMNS, *further),
        samples=no_samples(),
        facts=facts,
        warnings=warnings,
    )


def _source(cells: Cells, rows: int) -> Source:
    return {"path": str(cells.table.path), "format": "wandb export", "rows": rows}
