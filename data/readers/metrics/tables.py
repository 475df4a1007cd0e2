"""Plain tables (CSV, JSONL, Parquet) in our column names, or mapped by options: the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.readers.answers import (
    answer_names,
    answer_parts,
    answer_tables,
    behaviour_tables,
    loop_tables,
)
from data.readers.files import headings, table_files
from data.readers.files.saved import checkpoints_beside
from data.readers.files.settings_beside import said_beside
from data.readers.files.table_files import SUFFIXES, Table
from data.readers.kl import own_words
from data.readers.layouts import (
    grouped_tables,
    named_charts,
    run_columns,
    shapes,
    table_remarks,
    table_starts,
)
from data.readers.layouts.cells import Cells
from data.readers.layouts.run_columns import column_of, run_column
from data.readers.meaning.conversion import our_kl
from data.readers.metrics import (
    kept,
    large_tables,
    metric_tables,
    repeated_columns,
    setting_tables,
    trainer_tables,
)
from data.readers.names import phase_columns
from data.readers.names.mapping import (
    GOLD,
    KL,
    PROXY,
    RUN_ID,
    STEP,
)
from data.readers.raw.reader import (
    Belongs,
    Gives,
    NotALog,
    Piece,
    Place,
    Reader,
    plain_table,
    skip,
)
from data.readers.raw.texts import several
from data.readers.responses import loop_columns, sample_tables
from data.readers.trackers import wandb_export

FORMAT = "table"
KINDS = ("csv", "jsonl", "parquet")
TEXTS = (".txt", ".md", ".markdown", ".dat")
"""Files that are tables where they start as one."""


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a table."""
    if path.name.startswith("_") and path.with_name("_scan.json").exists():
        return False  # what Inspect Scout keeps of a scan beside its results
    if path.name.lower().endswith(SUFFIXES):
        return True
    return path.suffix == ".json" and (
        table_files.is_history(path) or bool(named_charts.DOWNLOAD.fullmatch(path.name))
    )


def takes(path: Path) -> bool:
    """Whether a file may be a table, by its start, that is passed by in a folder."""
    if path.suffix == ".json":
        return table_files.may_be_table(path)
    return path.suffix in TEXTS and headings.is_table(path)


def read(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
    """Read tables; several files that are one table, or one run's charts, together.

    A broken one is a Skip.
    """
    for path in [path for path in paths if run_columns.folder_of(path)]:
        try:
            yield from _in_folder(path, options)
        except LogError as error:
            yield skip(path, error)
    paths = [path for path in paths if not run_columns.folder_of(path)]
    alone = [path for path in paths if len(paths) == 1 or grouped_tables.place(path) == path]
    for path in alone:
        try:
            yield from read_one(path, options)
        except LogError as error:
            yield skip(path, error)
    others = [path for path in paths if path not in alone]
    if others:
        try:
            for table in grouped_tables.together(others):
                yield from _read(table, options)
        except LogError as error:
            yield skip(others[0], error)


def _in_folder(path: Path, options: ReadOptions) -> Iterator[Piece | RunLog]:
    """A log in its run's folder: a part of that run, where it is a trainer's."""
    table = _in_our_words(shapes.plain(table_files.load(path)), options)
    options = replace(options, remarks=tuple(_remarks(table)))
    part = trainer_tables.piece(table, options)
    if part is not None:
        yield part
    else:
        yield from _read(table, options)


def read_one(path: Path, options: ReadOptions) -> Iterator[RunLog]:
    """Read one table: a RunLog for each run that it names, or one named after the file.

    Args:
        path: the file.
        options: names keys for proxy, gold and KL, and the KL's unit; with one of KINDS as format
            the file is of that kind whatever its name.

    Raises:
        LogError: the file cannot be read, or an option names a column that it does not have.
        NotALog: the table has no column of a run.
    """
    kind = options.format if options.format in KINDS else None
    if not answer_names.asked(options) and answer_parts.recognises(path):
        yield from answer_parts.read(path, options)
    elif large_tables.is_large(path, kind):
        yield from _parts(path, kind, options)
    elif kind is None and named_charts.is_one(path):
        yield from _read(grouped_tables.together([path])[0], options)
    else:
        yield from _read(table_files.load(path, kind), options)


def _parts(path: Path, kind: str | None, options: ReadOptions) -> Iterator[RunLog]:
    """The runs of a large table; a part that cannot be read is told after the others."""
    failed: LogError | None = None
    for part in large_tables.read(path, kind, options):
        try:
            yield from _read(part, options)
        except LogError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _read(table: Table, options: ReadOptions) -> Iterator[RunLog]:
    repeated_columns.settled(table, options)
    loop_tables.in_our_words(table)
    if loop_tables.which(table.frame.columns) is None:  # outcomes are long, and no metrics
        table = _in_our_words(shapes.plain(table), options)
    options = kept.fitted(options, table.frame.columns)
    options = replace(options, remarks=tuple(_remarks(table)))
    if answer_names.asked(options) or options.grade_map:
        answer_names.fitted(table, options, lambda: _otherwise(table, options))
    cells = Cells(table)
    logs = _logs(table, cells, options)
    if options.whole:
        columns = table.frame.columns
        if options.run is None and run_column(columns, options) is None:
            raise LogError(
                f"{table.path.name} names no run: add a column run_id, or name it with --run"
            )
        logs = iter(list(logs))
        if problems := cells.all_problems():
            raise LogError(f"{table.path.name}: {several(problems)}")
    yield from logs


def _in_our_words(table: Table, options: ReadOptions) -> Table:
    """The table with its phases, and names that end in our words, under names that are known.

    What an option names keeps its name.
    """
    asked = {getattr(options, role) for role in (*kept.APART, *kept.KEYS)}
    if options.step is None:
        table = table_starts.oldest_first(table)
    table = table_starts.with_units(table)
    table.frame = phase_columns.named(table.frame, asked)
    columns = table.frame.columns
    if prefix := own_words.export_prefix(columns):
        bare = {k: k.removeprefix(prefix) for k in columns if k not in asked}
        if trainer_tables.recognised(list(bare.values())) is not None:
            table.frame = table.frame.rename(bare)
            columns = table.frame.columns
    nested = any("/" in name or "." in name for name in columns)
    if nested and not wandb_export.holds(columns) and trainer_tables.recognised(columns) is None:
        names = own_words.short(columns)
        table.frame = table.frame.rename({k: name for k, name in names.items() if k not in asked})
    return table


def _remarks(table: Table) -> list[str]:
    """What the file, its columns of notes, and the settings beside it say in words."""
    beside = said_beside(table.path)
    return [*table.remarks, *table_remarks.of_columns(table.frame), *beside]


def _logs(table: Table, cells: Cells, options: ReadOptions) -> Iterator[RunLog]:
    path = table.path
    if wandb_export.holds(table.frame.columns):
        name = options.run or table.run or run_columns.name_of_file(path, stem(path))
        yield wandb_export.read(cells, name, options.run is not None, options)
        return
    what = _classify(table, options)
    if what == "answers" and run_column(table.frame.columns, options) is None:
        options = _of_models(table, options)
    runs = run_columns.of_rows(cells, stem(path), options, what in ("metrics", "trainer"))
    names, verbatim = runs.names, runs.verbatim
    if options.run_column not in table.frame.columns:
        options = replace(options, run_column=None)  # it has done its work, and left the table
    if what == "answers":
        yield from answer_tables.read(cells, names.to_list(), verbatim, options)
    elif what == "behaviours":
        yield from behaviour_tables.read(cells, names.to_list(), verbatim)
    elif (of_loop := loop_tables.which(table.frame.columns)) and what == of_loop.name:
        if not verbatim:
            table.notes.append(
                f"{path.name} has no column loop: its rows are kept for {stem(path)!r}. Add the "
                "column, name the loop with --run, or name the table in a loop.toml"
            )
        yield from loop_tables.read(cells, names.to_list(), verbatim, of_loop)
    elif what == "samples":
        responses = sample_tables.read(cells, names.to_list(), verbatim, options)
        yield from _with_checkpoints(responses, path, names, options)
    elif what == "trainer":
        lines = trainer_tables.read(cells, names, verbatim, options)
        yield from _with_checkpoints(lines, path, names, options)
    elif what == "settings":
        yield from setting_tables.read(cells, names.to_list())
    else:
        if options.loop is not None or loop_columns.named(table.frame.columns):
            table.notes += [f"{path.name}: {n}" for n in loop_columns.near_metrics(table.frame)]
        read_any = False
        metrics = metric_tables.read(cells, names, verbatim, options)
        for log in _with_checkpoints(metrics, path, names, options):
            read_any = True
            yield log
        if not read_any:
            raise LogError(f"no row of {path.name} could be read: {several(cells.all_problems())}")


def _with_checkpoints(
    logs: Iterator[RunLog], path: Path, names: pl.Series, options: ReadOptions
) -> Iterator[RunLog]:
    """Logs of a table, with the policies saved beside it where it is of one run."""
    run = str(names[0]) if names.n_unique() == 1 else None
    saved = [] if run is None else checkpoints_beside(
        path, lambda other: _is_anothers(other, run, options)
    )  # fmt: skip
    for log in logs:
        log.facts.checkpoints = saved
        yield log


def _is_anothers(path: Path, run: str, options: ReadOptions) -> bool:
    """Whether the start of a table names another run, or is a log of metrics that names none."""
    try:
        frame = table_files.start(path)
        if column := column_of(frame.columns):
            return {str(name) for name in frame[column].drop_nulls().unique()} != {run}
        return _classify(Table(path, frame), options) in ("metrics", "trainer")
    except NotALog:
        return False
    except LogError:
        return True


def stem(path: Path) -> str:
    """A table's name without its suffixes."""
    lower = path.name.lower()
    suffix = next(
        (s for s in sorted((*SUFFIXES, ".json"), key=len)[::-1] if lower.endswith(s)), path.suffix
    )
    return path.name[: len(path.name) - len(suffix)] or path.name


def _classify(table: Table, options: ReadOptions) -> str:
    """What a table holds (metrics, samples, answers, behaviours, settings); raises for others."""
    columns = set(table.frame.columns)
    name = table.path.name
    if behaviour_tables.holds(columns):
        return "behaviours"
    if of_loop := loop_tables.which(columns):
        return of_loop.name
    if answer_tables.holds(columns):
        return "answers"
    if sample_tables.holds_samples(table.frame, options):
        return "samples"
    if trainer_tables.recognised(table.frame.columns):
        return "trainer"
    named = (options.proxy, options.gold, options.kl, options.lower_is_better)
    mapped = {key for key in named if key}
    if (
        mapped & columns
        or any(c.find(columns) for c in (PROXY, GOLD, KL))
        or our_kl(table.frame.columns) in columns
    ):
        return "metrics"
    if setting_tables.holds(table):
        return "settings"
    reason = f"{name} {_lacking(table)}. It has: "
    reason += ", ".join(str(c)[:40] for c in table.frame.columns[:30])
    if STEP.find(columns) or RUN_ID.find(columns) or len(columns) < 2 or table.unread:
        raise LogError(reason)
    raise NotALog(reason)


def _otherwise(table: Table, options: ReadOptions) -> str | None:
    """What a table is read as whatever was said of answers; None = it would be refused."""
    try:
        return _classify(table, options)
    except LogError:
        return None


def _of_models(table: Table, options: ReadOptions) -> ReadOptions:
    """The options, with the column of the model as that of runs where it holds several."""
    key = answer_names.models(table.frame, table.frame.columns)
    if key is None:
        return options
    table.notes.append(
        f"{table.path.name}: column {key} holds several who answered, so each is a run of its own "
        "(--run-column names another column)"
    )
    return replace(options, run_column=key)


def _lacking(table: Table) -> str:
    """What a table lacks to be one of ours, in the words that fit what it seems to hold."""
    return answer_names.lacking(table) or (
        "has no column proxy_reward, gold_reward or kl; name them with --proxy, --gold, --kl"
    )


def _belongs(path: Path) -> Place:
    folder = run_columns.folder_of(path)
    if folder is not None:
        return Place(Belongs.FOLDER, folder, path)
    return Place(Belongs.TABLE, grouped_tables.place(path), path)


def _is(kind: str) -> Callable[[Path], bool]:
    return lambda path: table_files.kind_of(path) == kind


READER = Reader(
    name=FORMAT,
    expects="CSV, JSONL, Parquet, Excel or JSON tables (also .gz), also as trackers export them",
    rank=5,
    gives=tuple(Gives),
    recognises=recognises,
    takes=takes,
    place_of=plain_table,
    also={kind: _is(kind) for kind in KINDS},
    read=read,
    belongs=_belongs,
    appended=True,
    examples=("data/examples/loop", "data/examples/bon_pool", "tests/data/logs/table"),
    tells="`run_id, step, kl, proxy_reward, gold_reward` and more, or mapped with `--proxy --gold "
    "--kl --kl-unit`; responses, graded answers, behaviours, a training corpus, settings; of a "
    "loop reviews, outcomes, decisions, iterations, texts of people",
    kl="beside `proxy_reward` or `gold_reward` as is, or in the unit that its heading "
    "(`kl_per_token`, `KL (bits)`), a comment, a row of units or metadata says; under a trainer's "
    "keys by that trainer; any other unknown, unless `--kl-unit` says it",
)
