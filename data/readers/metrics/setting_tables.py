"""Plain tables of settings, one row a run: sizes of reward models, of data, of policies.

Trainers log their own settings, but not what a reward model was made from. A table with a column
``run_id``, no step and no reward (``run_id, reward_model_parameters, comparisons``) says it; its
cells join the settings of the runs that it names, and a later table corrects an earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from data.columns import RunFacts, RunLog
from data.readers.files.table_files import Table
from data.readers.layouts.cells import Cells
from data.readers.names.mapping import GOLD, KL, PROXY, RUN_ID, STEP
from data.readers.responses.sample_tables import no_metrics, no_samples

FORMAT = "settings"


def holds(table: Table) -> bool:
    """Whether a table names each run once and says something of it, but nothing by step."""
    columns: Collection[str] = table.frame.columns
    key = RUN_ID.find(columns)
    if key is None or len(columns) < 2 or any(c.find(columns) for c in (STEP, GOLD, KL, PROXY)):
        return False
    names = table.frame.get_column(key)
    return names.n_unique() == names.len() and bool(Cells(table).further({key}))


def read(cells: Cells, names: list[str]) -> Iterator[RunLog]:
    """A RunLog without rows for each run, its settings in ``facts.config``."""
    frame, path = cells.table.frame, cells.table.path
    key = RUN_ID.find(frame.columns)
    values: dict[str, list[float | str | None]] = {}
    numeric = set(cells.further({key or ""}))
    for column in frame.columns:
        if column in numeric:
            values[column] = [
                v if v is not None and v - v == 0 else None for v in cells.numbers(column).to_list()
            ]
        elif column != key and frame.schema[column] == pl.String:
            values[column] = cells.texts(column).to_list()
    for row, name in enumerate(names):
        if row in cells.bad_rows:
            continue
        facts = RunFacts()
        facts.config = {c: v[row] for c, v in values.items() if v[row] not in (None, "")}
        facts.sources = [{"path": str(path), "format": FORMAT, "rows": 1}]
        yield RunLog(
            run=name,
            parent=path.parent.name,
            verbatim=True,
            format=FORMAT,
            path=str(path),
            metrics=no_metrics(),
            samples=no_samples(),
            facts=facts,
            warnings=cells.notes([row]),
        )
