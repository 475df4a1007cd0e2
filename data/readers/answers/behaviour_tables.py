"""Plain tables of behaviours: whether a monitor, or tests, saw something in a trajectory."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl

from data.columns import BEHAVIOUR_COLUMNS, LogError, RunLog, conform, no_answers
from data.readers.answers import answer_tables
from data.readers.layouts.cells import Cells, split_by
from data.readers.names.mapping import STEP, Column
from data.readers.raw.texts import several

BEHAVIOUR = Column("behaviour", keys=("behaviour", "behavior", "monitor", "scanner"))
VALUE = Column("value", keys=("value", "hit", "flagged", "detected", "seen"))
TRAJECTORY = Column("trajectory_id", keys=(
    "trajectory_id", "trajectory", "transcript_id", "rollout_id", "episode_id", "sample_id",
))  # fmt: skip
ENVIRONMENT = Column("environment", keys=("environment", "env", "env_name", "task"))
SOURCE = Column("source", keys=("source", "monitor_name", "judge", "grader"))
VISIBLE = Column("visible", keys=("visible_tests_passed", "visible_passed"))
HIDDEN = Column("hidden", keys=("hidden_tests_passed", "hidden_passed"))

PASSED_VISIBLE_ONLY = "visible tests passed, hidden failed"
"""The behaviour that two columns of tests tell: what was shown was met, what was meant was not."""

NOT_STATED = "not stated"
TRUTHS = {
    "1": 1, "1.0": 1, "true": 1, "yes": 1, "0": 0, "0.0": 0, "false": 0, "no": 0,
}  # fmt: skip
KEY = ["step", "environment", "trajectory_id", "behaviour", "source"]


def holds(columns: Collection[str]) -> bool:
    """Whether a table's columns are those of behaviours."""
    long = BEHAVIOUR.find(columns) and VALUE.find(columns)
    return bool(long or (VISIBLE.find(columns) and HIDDEN.find(columns)))


def read(cells: Cells, names: list[str], verbatim: bool) -> Iterator[RunLog]:
    """A table of behaviours as one RunLog, without metrics, for each run in ``names``."""
    frame = cells.table.frame
    keys, notes = frame.columns, []
    step = STEP.find(keys)
    steps = cells.steps(step) if step else pl.Series([0] * frame.height, dtype=pl.Int64)
    if step is None:
        notes.append(f"{cells.table.path.name} names no step: all behaviours are of step 0")
    rows = pl.DataFrame({
        "step": steps,
        "trajectory_id": _texts(cells, TRAJECTORY, None),
        "environment": _texts(cells, ENVIRONMENT, NOT_STATED),
        "source": _texts(cells, SOURCE, NOT_STATED),
        "value": _values(cells),
        "behaviour": _texts(cells, BEHAVIOUR, PASSED_VISIBLE_ONLY),
    })  # fmt: skip
    place = pl.Series(cells.table.lines, dtype=pl.Int64).cast(pl.String)
    rows = rows.with_columns(
        pl.col("trajectory_id").fill_null(pl.lit(f"{cells.table.place} ") + place)
    )
    any_row = False
    for name, at in split_by(names).items():
        good = [row for row in at if row not in cells.bad_rows]
        part = rows[good].filter(pl.col("value").is_not_null())
        if not part.height:
            continue
        any_row = True
        warnings = [*notes, *cells.notes(at)]
        if empty := len(good) - part.height:
            warnings.append(f"{empty:,} rows say neither 0 nor 1: not measured, left out")
        yield log(name, verbatim, cells.table.path, part, warnings)
    if not any_row:
        why = f": {several(problems)}" if (problems := cells.all_problems()) else ""
        raise LogError(f"no row of {cells.table.path.name} says 0 or 1{why}")


def log(name: str, verbatim: bool, path: Path, rows: pl.DataFrame, warnings: list[str]) -> RunLog:
    """A RunLog of nothing but behaviours; of rows of one key the last is kept, and it is told."""
    kept = rows.unique(KEY, keep="last", maintain_order=True)
    if repeated := rows.height - kept.height:
        warnings.append(f"{repeated:,} rows repeat a trajectory and behaviour: the last is kept")
    made = answer_tables.log(name, verbatim, "behaviours", path, no_answers(), warnings)
    made.format = "behaviours"
    made.behaviours = conform(kept.with_columns(run_id=pl.lit(name)), BEHAVIOUR_COLUMNS)
    made.facts.sources[0]["rows"] = kept.height
    return made


def _texts(cells: Cells, column: Column, default: str | None) -> pl.Series:
    key = column.find(cells.table.frame.columns)
    if key is None:
        return pl.Series([default], dtype=pl.String).new_from_index(0, cells.table.frame.height)
    texts = cells.texts(key).str.strip_chars()
    filled = texts.set(texts == "", None)
    return filled if default is None else filled.fill_null(default)


def _values(cells: Cells) -> pl.Series:
    """1, 0, or null where nothing was measured; any other cell is named, its row left out."""
    keys = cells.table.frame.columns
    if key := VALUE.find(keys):
        return _truth(cells, key)
    visible, hidden = (_truth(cells, str(column.find(keys))) for column in (VISIBLE, HIDDEN))
    return visible * (1 - hidden)


def _truth(cells: Cells, key: str) -> pl.Series:
    words = cells.texts(key).str.strip_chars().str.to_lowercase()
    words = words.set(words == "", None)
    for row in (words.is_not_null() & ~words.is_in(list(TRUTHS))).arg_true().to_list():
        cells.name(row, key, words[row], "is neither 0 nor 1")
        cells.bad_rows.add(row)
    return words.replace_strict(TRUTHS, default=None, return_dtype=pl.Int64)
