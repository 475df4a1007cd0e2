"""Which rows of a plain table are one run's: by the columns that name it or tell runs apart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import polars as pl

from data.columns import LogError, ReadOptions
from data.readers.files.trainer_state import CHECKPOINT
from data.readers.layouts.cells import Cells
from data.readers.names.mapping import (
    GOLD,
    KL,
    PROXY,
    RUN_ID,
    STEP,
    Column,
    folded,
)
from data.readers.names.run_telling import candidates, repeats, splits, tells

NAMED = Column("run", keys=(*RUN_ID.keys, "run", "run_name", "run name"))
"""Columns that name a run, whatever they hold."""
TOLD_APART = Column(
    "experiment", keys=("experiment", "experiment_name", "exp", "exp_name", "name", "seed")
)
"""Columns that do where they hold several values."""
MOST_PAIRED = 8
"""Columns of which two together may tell runs apart, as beta and learning rate do."""
FOLDER_NAMED = frozenset({
    "metrics", "behaviours", "history", "logging", "experimentlog", "trainerlog", "results",
})  # fmt: skip
"""Files whose name says nothing of their run: the folder's does."""

PROCESSES = frozenset({"orchestrator", "trainer"})
"""Folders in which the processes of one training write a log each (prime-rl)."""


@dataclass
class Runs:
    """The run of each row, and whether its name came from the table or an option."""

    names: pl.Series
    verbatim: bool


def name_of_file(path: Path, stem: str) -> str:
    """The name that a table's place gives its one run."""
    return path.parent.name if folded(stem) in FOLDER_NAMED and path.parent.name else stem


def parent_of(path: Path, name: str) -> str:
    """The folder that makes a run's name unique: the one above that which named it."""
    folder = path.parent
    return folder.parent.name if name == folder.name else folder.name


def folder_of(path: Path) -> Path | None:
    """The folder of the run to whose logs a trainer's lines belong; None where they stand alone.

    That is the folder with checkpoints beside them, or the one above those in which the processes
    of one training (prime-rl's) write a file each.
    """
    if path.suffix != ".jsonl" or folded(path.stem) not in FOLDER_NAMED:
        return None
    folder = path.parent
    try:
        if folder.name in PROCESSES:
            others = PROCESSES - {folder.name}
            return folder.parent if any((folder.parent / o).is_dir() for o in others) else None
        inside = any(CHECKPOINT.fullmatch(entry.name) for entry in folder.iterdir())
    except OSError:
        return None
    return folder if inside else None


def column_of(columns: Collection[str]) -> str | None:
    """The column that names runs; None where none does whatever it holds."""
    return NAMED.find(columns)


def step_column(keys: Collection[str], options: ReadOptions) -> str | None:
    """The column of steps: as named by ``--step``, else under one of its known names.

    Raises:
        LogError: the named one is not there.
    """
    named = asked_for(options.step, "--step", keys)
    return named or _kept(options, "step", keys) or STEP.find(keys)


def run_column(keys: Collection[str], options: ReadOptions) -> str | None:
    """The column that tells runs apart: as named by ``--run-column``, else under a known name.

    Raises:
        LogError: the named one is not there.
    """
    named = asked_for(options.run_column, "--run-column", keys)
    return named or _kept(options, "run_column", keys) or column_of(keys)


def _kept(options: ReadOptions, role: str, keys: Collection[str]) -> str | None:
    """The column as the project says, where the table has it."""
    key = options.kept.get(role)
    return key if key in keys else None


def asked_for(given: str | None, option: str, keys: Collection[str]) -> str | None:
    """The column that an option names; None where it names none.

    Raises:
        LogError: there is no such column.
    """
    if given is None or given in keys:
        return given
    there = ", ".join(str(key)[:40] for key in list(keys)[:60]) or "none"
    raise LogError(f"{option} names {given}, which is not among the columns: {there}")


def of_rows(cells: Cells, stem: str, options: ReadOptions, metrics: bool) -> Runs:
    """The run of each row; the columns that were used leave the table.

    Only in a table of ``metrics`` may any text tell runs apart: others hold texts of their own.

    A row whose cell names no run is a bad row.

    Raises:
        LogError: ``--run`` names one run and the table several, or ``--run-column`` no column.
    """
    asked = options.run_column
    if asked is None and metrics:
        _with_folders(cells, options)
    frame, path = cells.table.frame, cells.table.path
    key = run_column(frame.columns, options)
    if key and asked is None and key not in NAMED.keys and _is_one_number(frame.get_column(key)):
        key = None  # a heading like ours over a constant
    named = path.parent.name if cells.table.of_folder else ""
    base = options.run or cells.table.run or named or name_of_file(path, stem)
    names = _same(base, frame.height)
    verbatim = options.run is not None or bool(cells.table.run)
    if key is not None:
        names, verbatim = _named(cells, key), True
    used = [key] if key else []
    if asked is None:
        for column in _telling(cells, key, names, metrics):
            names, verbatim = _with(cells, column, names, bool(used))
            used.append(column)
    if options.run is not None and used:
        known = set(names.unique()) - {""}
        if len(known) > 1:
            raise LogError(
                f"--run {options.run} names one run, but column {used[0]} of {path.name} names "
                f"{len(known)}: {', '.join(sorted(known)[:5])}"
            )
        names, verbatim = _same(options.run, frame.height), True
    if [c for c in used if c != RUN_ID.find(frame.columns)]:
        cells.table.frame = frame.drop(c for c in used if c not in RUN_ID.keys)
    return Runs(names, verbatim)


_CHECKPOINT_IN = r"^(.*[/\\])[^/\\]*?(?:step|iter|iteration|update|ckpt|checkpoint)s?[\s_\-=:#]*\d"
"""A step such as ``out/seed0/checkpoint-5``: its folder, which is a run's."""


def _with_folders(cells: Cells, options: ReadOptions) -> None:
    """Add the folders of a step column's checkpoints as a column, where they are several."""
    frame = cells.table.frame
    step = step_column(frame.columns, options)
    if step is None or frame.schema[step] != pl.String or column_of(frame.columns):
        return
    inside = frame.get_column(step).str.extract(_CHECKPOINT_IN).str.strip_chars_end("/\\")
    if inside.null_count() or inside.n_unique() < 2:
        return
    steps = frame.get_column(step).str.extract(r"(\d+)[/\\]*\s*$").cast(pl.Int64, strict=False)
    again = pl.DataFrame({"f": inside, "s": steps})
    by_time = inside.str.contains(r"(?i)(^|[/\\])(epoch|ep|iter|iteration|round|phase)[-_ ]?\d+$")
    if by_time.all() and not again.get_column("s").is_duplicated().any():
        return  # folders of one run's epochs
    cells.table.frame = frame.with_columns(inside.alias("run"))
    cells.table.notes.append(
        f"{cells.table.path.name}: column {step} names checkpoints in {inside.n_unique()} folders, "
        f"so each folder is a run: {', '.join(inside.unique(maintain_order=True).head(3))}"
    )


def _is_one_number(column: pl.Series) -> bool:
    numbers = column.cast(pl.Float64, strict=False)
    return column.n_unique() == 1 and numbers.null_count() == 0


def _named(cells: Cells, key: str) -> pl.Series:
    names = cells.texts(key).fill_null("").alias("run_id")
    for row in (names == "").arg_true().to_list():
        cells.name(row, key, cells.table.frame.get_column(key)[row], "names no run")
        cells.bad_rows.add(row)
    return names


def _same(name: str, height: int) -> pl.Series:
    return pl.Series("run_id", [name], pl.String).new_from_index(0, height)


def _with(cells: Cells, column: str, names: pl.Series, more: bool) -> tuple[pl.Series, bool]:
    """Names that a further column tells apart, and whether they are the table's own."""
    table = cells.table
    given = cells.texts(column).fill_null("")
    numbers = given.cast(pl.Float64, strict=False).null_count() == 0
    values = given.str.replace(r"\.0$", "") if numbers else given
    count = values.n_unique()
    table.notes.append(
        f"{table.path.name}: column {column} holds {count} values, so its rows are {count} runs "
        "(--run-column names another column)"
    )
    if not numbers and not more:
        return values.alias("run_id"), True
    label = f"{folded(column)}" if numbers else ""
    joined = pl.DataFrame({"n": names, "v": values}).select(
        pl.concat_str("n", pl.lit(f"-{label}"), "v")
    )
    return joined.to_series().alias("run_id"), more


def _telling(cells: Cells, key: str | None, names: pl.Series, metrics: bool) -> list[str]:
    """Columns beside ``key`` that tell runs apart, of which none may be ignored."""
    frame = cells.table.frame
    if not any(c.find(frame.columns) for c in (KL, PROXY, GOLD)):
        return []
    found = [c for k in TOLD_APART.keys if (c := Column("", (k,)).find(frame.columns)) not in (
        None, key)]  # fmt: skip
    telling = [c for c in dict.fromkeys(found) if c and tells(frame, c, names)]
    if telling and key is None:
        chosen = telling[:1] + [c for c in telling[1:] if repeats(frame, names, telling[:1])]
        if not metrics or not repeats(frame, names, chosen):
            return chosen
        left = [c for c in candidates(frame) if c not in found]
        return chosen + next(([c] for c in left if splits(frame, c, names, chosen)), [])
    if not telling and (not metrics or "gold_source" in frame.columns):
        return []
    if not repeats(frame, names, []):
        return []
    others = telling or [c for c in candidates(frame) if c not in (key, *found)]
    one = next(([c] for c in others if splits(frame, c, names)), [])
    pairs = combinations([c for c in others if tells(frame, c, names)][:MOST_PAIRED], 2)
    return one or next(([a, b] for a, b in pairs if splits(frame, b, names, [a])), [])
