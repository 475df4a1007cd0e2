"""Plain tables of a loop besides texts, answers and corpora: reviews, outcomes, decisions, …

Which one a table is, and what its cells mean, follows from the declaration of its columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl

from data.columns import LogError, RunLog, conform, no_answers
from data.declared import (
    CORPUS,
    DECISIONS,
    ITERATIONS,
    OUTCOMES,
    REFERENCE_TEXTS,
    REVIEWS,
    Table,
)
from data.readers.answers import answer_tables
from data.readers.files import table_files
from data.readers.layouts.cells import Cells, split_by
from data.readers.names import loop_headings
from data.readers.names.mapping import RUN_ID, Column
from data.readers.raw.texts import several
from data.readers.responses import loop_columns

ITERATION = Column("iteration", keys=("iteration", "step"))
MARKS: tuple[tuple[Table, frozenset[str]], ...] = (
    (REVIEWS, frozenset({"preferred", "item_id"})),
    (OUTCOMES, frozenset({"metric", "value", "higher_is_better"})),
    (DECISIONS, frozenset({"decision", "by", "at"})),
    (ITERATIONS, frozenset({"parent", "iteration"})),
    (REFERENCE_TEXTS, frozenset({"text", "origin"})),
)
"""By which columns a table is known."""
CORPUS_MARKS = frozenset({"documents", "generator_iteration"})
NOT_A_REFERENCE = frozenset({"prompt", "iteration", "step", "grade", "proxy_reward", "gold_reward"})
"""Columns that texts of people to compare with do not have."""
DECIDED = tuple(loop_headings.DECIDED)
"""Words of decisions; only the first two let an iteration go."""
TIMES = ("at", "graded_at", "expires", "data_at")
ISO_DATE = r"^\d{4}-\d\d-\d\d"
PREFERRED = ("a", "b", "tie")


def which(columns: Collection[str]) -> Table | None:
    """The table of a loop whose columns these are, in any spelling."""
    table = loop_headings.kind(columns, MARKS)
    odd = NOT_A_REFERENCE & {name.strip().lower() for name in columns}
    return None if table is REFERENCE_TEXTS and odd else table


def in_our_words(table: table_files.Table, kind: Table | None = None) -> None:
    """Give a table of a loop, or of its corpora, the declared columns and words, and say so.

    Args:
        kind: what it is; None = as its columns say, and nothing is changed of another table.
    """
    columns = table.frame.columns
    kind = kind or which(columns) or loop_headings.kind(columns, ((CORPUS, CORPUS_MARKS),))
    if kind is not None:
        table.frame, notes = loop_headings.in_our_words(table.frame, kind)
        table.notes += [f"{table.path.name}: {note}" for note in notes]


def read(cells: Cells, names: list[str], verbatim: bool, table: Table) -> Iterator[RunLog]:
    """A table of a loop as one RunLog, without metrics, for each loop in ``names``.

    Raises:
        LogError: a needed column is not there.
    """
    rows = _rows(cells, table)
    for name, at in split_by(names).items():
        good = [row for row in at if row not in cells.bad_rows]
        if good:
            part = rows[good].with_columns(loop=pl.lit(name))
            yield log(name, verbatim, table, cells.table.path, part, cells.notes(at))
    if len(cells.bad_rows) == rows.height:
        raise LogError(
            f"no row of {cells.table.path.name} could be read: {several(cells.all_problems())}"
        )


def log(
    name: str, verbatim: bool, table: Table, path: Path, rows: pl.DataFrame, warnings: list[str]
) -> RunLog:
    """A RunLog of nothing but one table; of rows of one key the last is kept, and it is told."""
    kept = rows.unique(list(table.key), keep="last", maintain_order=True)
    if repeated := rows.height - kept.height:
        warnings = [
            *warnings,
            f"{repeated:,} rows of {path.name} repeat {', '.join(table.key)}: the last is kept",
        ]
    made = answer_tables.log(name, verbatim, table.name, path, no_answers(), warnings)
    made.format = table.name
    made.tables = {table.name: conform(kept, table.types())}
    made.facts.sources[0]["rows"] = kept.height
    return made


def parent(named: object, number: int | None) -> str | None:
    """A parent as it is kept: base, sft, iteration N, or the name of a checkpoint; None = not said.

    >>> parent(2, 3), parent("previous", 3), parent("Iteration 1", 3), parent(" SFT", 3)
    ('iteration 2', 'iteration 2', 'iteration 1', 'sft')
    """
    if isinstance(named, bool) or not isinstance(named, int | str) or str(named).startswith("-"):
        return None
    text = str(named).strip()
    if text.lower() in ("previous", "prev", "last") and number:
        return f"iteration {number - 1}"
    if found := re.fullmatch(r"(?i)(?:iter(?:ation)?[\s_-]*)?(\d+)(?:\.0)?", text):
        return f"iteration {int(found[1])}"
    return text.lower() if text.lower() in ("base", "sft") else text or None


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Reference texts with an id each: as given, else their place in the table."""
    return rows.with_columns(
        pl.coalesce("text_id", pl.int_range(pl.len()).cast(pl.String)).alias("text_id")
    )


def _rows(cells: Cells, table: Table) -> pl.DataFrame:
    keys = cells.table.frame.columns
    iteration = ITERATION.find(keys)
    series = []
    for column in table.columns[1:]:  # the first names the loop
        if column.name == "iteration" and iteration:
            series.append(_iterations(cells, iteration, column.required))
            continue
        if column.required and column.name not in keys and column.name != "text_id":
            raise LogError(
                f"{cells.table.path.name} is a table of {table.name} without a column {column.name}"
            )
        series.append(cells.declared(column).alias(column.name))
    read = {str(iteration), str(RUN_ID.find(keys)), *table.types()}
    unread = loop_columns.unread(keys, read, set(table.types()) - {"loop", "iteration", *keys})
    cells.table.notes += [f"{cells.table.path.name}: {note}" for note in unread]
    rows = pl.DataFrame(series)
    if table is REFERENCE_TEXTS:
        rows = numbered(rows)
    if table is ITERATIONS:
        pairs = zip(rows["parent"], rows["iteration"], strict=True)
        rows = rows.with_columns(pl.Series("parent", [parent(*pair) for pair in pairs], pl.String))
    if table is DECISIONS:
        rows = rows.with_columns(pl.col("decision").str.to_lowercase())
        for row in (~rows["decision"].is_in(DECIDED)).fill_null(False).arg_true().to_list():
            cells.name(row, "decision", rows["decision"][row], f"is none of {', '.join(DECIDED)}: "
                       "kept, and lets nothing go")  # fmt: skip
    if table is REVIEWS:
        rows = rows.with_columns(pl.col("preferred").str.to_lowercase())
        _refuse(cells, "preferred", ~rows["preferred"].is_in(PREFERRED), "is neither a, b nor tie")
    for name in TIMES:
        if name in rows.columns and name in keys:
            odd = rows[name].is_not_null() & ~rows[name].str.contains(ISO_DATE)
            for row in odd.arg_true().to_list():
                cells.name(row, name, rows[name][row], "does not begin with a date such as "
                           "2026-06-01: kept, and taken for none")  # fmt: skip
    for column in table.columns[1:]:
        if column.required:
            _refuse(cells, column.name, rows[column.name].is_null(), "cannot be read")
    return rows


def _iterations(cells: Cells, key: str, required: bool) -> pl.Series:
    """Iterations; one that is left empty is none, where the table may leave it open."""
    empty = cells.texts(key).fill_null("").str.strip_chars() == ""
    if required or not empty.any():
        return cells.steps(key).alias("iteration")
    return cells.numbers(key).cast(pl.Int64, strict=False).alias("iteration")


def _refuse(cells: Cells, key: str, bad: pl.Series, what: str) -> None:
    """Leave rows out whose cell says nothing that can be kept, and name each."""
    for row in bad.fill_null(False).arg_true().to_list():
        if row not in cells.bad_rows:
            cells.bad_rows.add(row)
            there = key in cells.table.frame.columns
            cells.name(row, key, cells.texts(key)[row] if there else None, what)
