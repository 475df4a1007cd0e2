"""Whether a column that says nothing by its name tells the runs of a table apart."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from data.readers.names.mapping import GOLD, KL, PHASE, PROXY, RUN_COLUMNS, STEP, folded

NO_RUN = frozenset({
    "goldsource", "klreference", "proxyversion", "klestimator", "klloggedunit", "phase",
    "host", "hostname", "node", "machine", "user", "status", "state", "timestamp", "time", "date",
    "when", "createdat", "note", "notes", "comment", "tags", "commit", "gitcommit", "sha",
    "elapsedtime", "remainingtime", "origin", "prompt", "question", "query", "instruction", "input",
    "response", "completion", "output", "answer",
})  # fmt: skip
"""Texts that change within a run, or that say what its values are."""
WITHIN_A_RUN = frozenset({
    "attempt", "restart", "session", "epoch", "rank", "worker", "stretch", "sample", "sampleid",
    "promptid", "questionid", "idx", "index", "responseid", "completionid", "rollout", "rolloutid",
    "row", "group", "groupid", "uid", "example", "exampleid", "item", "itemid", "position", "k",
    "generation", "trajectory", "trajectoryid",
})  # fmt: skip
"""Numbers that change within a run."""
MOST_VALUES = 100
"""Values of a column of numbers that may still be settings of so many runs."""


def candidates(frame: pl.DataFrame) -> list[str]:
    """Columns that may tell runs apart though nothing in their name says so, texts first."""
    texts = _texts(frame)
    numbers = [c for c in _further(frame) if c not in texts and _is_setting(frame.get_column(c))]
    return texts + numbers


def tells(frame: pl.DataFrame, column: str, names: pl.Series) -> bool:
    """Whether a column holds several values, each in several rows of one run."""
    values = frame.get_column(column)
    if values.null_count() or values.dtype in (pl.List, pl.Struct):
        return False
    count = values.n_unique()
    if count < 2 or count * 2 > frame.height:
        return False
    pairs = pl.DataFrame({"n": names, "v": values})
    return bool(pairs.group_by("n").agg(pl.col("v").n_unique()).get_column("v").max() > 1)  # type: ignore[operator]


def _texts(frame: pl.DataFrame) -> list[str]:
    """Columns of words that may name something about a run."""
    found = []
    for name, dtype in frame.schema.items():
        if dtype != pl.String or folded(name) in NO_RUN:
            continue
        first = frame.get_column(name).head(20).drop_nulls().str.strip_chars()
        words = first.filter(first.str.contains(r"^(\d[\d.]* ?)?[A-Za-z][^\n]{0,99}$"))
        if first.len() and words.len() == first.len():
            found.append(name)
    return found


def _further(frame: pl.DataFrame) -> list[str]:
    """Columns that are neither ours nor known to change within a run."""
    ours = {column.find(frame.columns) for column in (STEP, KL, PROXY, GOLD, *RUN_COLUMNS)}
    return [c for c in frame.columns if c not in ours and folded(c) not in WITHIN_A_RUN]


def _is_setting(column: pl.Series) -> bool:
    """Whether a column holds a few numbers that may set runs apart, as a seed does."""
    if column.dtype == pl.String:
        column = column.cast(pl.Float64, strict=False)
    if not column.dtype.is_numeric() or column.null_count():
        return False
    return 1 < column.n_unique() <= MOST_VALUES


def _keys(frame: pl.DataFrame, names: pl.Series, more: list[str]) -> pl.DataFrame | None:
    """Run, further columns, phase and step of the rows that hold a KL or a proxy."""
    step, phase = STEP.find(frame.columns), PHASE.find(frame.columns)
    if step is None:
        return None
    keys = [c for c in (KL.find(frame.columns), PROXY.find(frame.columns)) if c]
    columns = [names.alias("n"), frame.get_column(step).cast(pl.Float64, strict=False).alias("s")]
    columns += [frame.get_column(c).alias(f"c{i}") for i, c in enumerate(more)]
    if phase:
        columns.append(frame.get_column(phase).cast(pl.String).alias("p"))
    rows = pl.DataFrame(columns)
    if keys:
        given = pl.any_horizontal(*(pl.col(c).is_not_null() for c in keys))
        rows = rows.filter(frame.select(given).to_series())
    return rows


def repeats(frame: pl.DataFrame, names: pl.Series, more: list[str]) -> bool:
    """Whether any step of a run stands in several rows."""
    rows = _keys(frame, names, more)
    if rows is None:
        return False
    if not more and rows.select(((pl.col("s") > pl.col("s").shift()) | (pl.col("n") != pl.col(
        "n").shift())).slice(1).all()).item():  # fmt: skip
        return False  # ascending in every run, as most tables are
    return bool(rows.is_duplicated().any())


def splits(frame: pl.DataFrame, column: str, names: pl.Series, chosen: Sequence[str] = ()) -> bool:
    """Whether each value has the rows of a whole run: none repeats, and all begin alike.

    Args:
        chosen: columns that tell runs apart already, but not all of them.
    """
    columns = [*chosen, column]
    if not tells(frame, column, names) or repeats(frame, names, columns):
        return False
    rows = _keys(frame, names, columns)
    if rows is None:
        return False
    groups = rows.group_by("n", *(f"c{i}" for i in range(len(columns))))
    first = groups.agg(pl.col("s").min()).get_column("s")
    return first.n_unique() == 1
