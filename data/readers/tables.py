"""Plain tables (CSV, JSONL, Parquet) in our column names, or mapped by options: the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from data.columns import LogError, ReadOptions, RunLog
from data.readers import (
    answer_parts,
    answer_tables,
    large_tables,
    metric_tables,
    sample_tables,
    setting_tables,
    table_files,
    trainer_tables,
    wandb_export,
)
from data.readers.cells import Cells
from data.readers.mapping import (
    GOLD,
    KL,
    PROXY,
    RUN_ID,
    STEP,
)
from data.readers.named_columns import run_column
from data.readers.reader import Gives, NotALog, Reader, plain_table, whole_logs
from data.readers.scalars import several
from data.readers.table_files import SUFFIXES, Table

FORMAT = "table"
KINDS = ("csv", "jsonl", "parquet")


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a table."""
    return path.name.lower().endswith(SUFFIXES) or table_files.is_history(path)


def read(path: Path, options: ReadOptions) -> Iterator[RunLog]:
    """Read one table: a RunLog for each ``run_id`` in it, or one named after the file.

    Args:
        path: the file.
        options: names keys for proxy, gold and KL, and the KL's unit; with one of KINDS as format
            the file is of that kind whatever its name.

    Raises:
        LogError: the file cannot be read, or an option names a column that it does not have.
        NotALog: the table has no column of a run.
    """
    kind = options.format if options.format in KINDS else None
    if answer_parts.recognises(path):
        yield from answer_parts.read(path, options)
    elif large_tables.is_large(path, kind):
        for part in large_tables.read(path, kind, options):
            yield from _read(part, options)
    else:
        yield from _read(table_files.load(path, kind), options)


def _read(table: Table, options: ReadOptions) -> Iterator[RunLog]:
    table.frame = trainer_tables.flattened(table.frame)
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


def _logs(table: Table, cells: Cells, options: ReadOptions) -> Iterator[RunLog]:
    path = table.path
    if wandb_export.holds(table.frame.columns):
        name = options.run or stem(path)
        yield wandb_export.read(cells, name, options.run is not None, options)
        return
    what = _classify(table, options)
    names, verbatim = _run_names(cells, path, options)
    if what == "answers":
        yield from answer_tables.read(cells, names.to_list(), verbatim)
    elif what == "samples":
        yield from sample_tables.read(cells, names.to_list(), verbatim, options)
    elif what == "trainer":
        yield from trainer_tables.read(cells, names, verbatim, options)
    elif what == "settings":
        yield from setting_tables.read(cells, names.to_list())
    else:
        read_any = False
        for log in metric_tables.read(cells, names, verbatim, options):
            read_any = True
            yield log
        if not read_any:
            raise LogError(f"no row of {path.name} could be read: {several(cells.all_problems())}")


def stem(path: Path) -> str:
    """A table's name without its suffixes."""
    lower = path.name.lower()
    suffix = next(
        (s for s in sorted((*SUFFIXES, ".json"), key=len)[::-1] if lower.endswith(s)), path.suffix
    )
    return path.name[: len(path.name) - len(suffix)] or path.name


def _classify(table: Table, options: ReadOptions) -> str:
    """What a table holds: metrics, samples, answers or settings; raises for anything else."""
    columns = set(table.frame.columns)
    name = table.path.name
    if answer_tables.holds(columns):
        return "answers"
    if sample_tables.holds_samples(columns):
        return "samples"
    if trainer_tables.recognised(table.frame.columns):
        return "trainer"
    named = (options.proxy, options.gold, options.kl, options.lower_is_better)
    mapped = {key for key in named if key}
    if mapped & columns or any(c.find(columns) for c in (PROXY, GOLD, KL)):
        return "metrics"
    if setting_tables.holds(table):
        return "settings"
    wanted = "proxy_reward, gold_reward or kl"
    reason = f"{name} has no column {wanted}; name them with --proxy, --gold, --kl. It has: "
    reason += ", ".join(str(c)[:40] for c in table.frame.columns[:30])
    if STEP.find(columns) or RUN_ID.find(columns) or len(columns) < 2 or table.unread:
        raise LogError(reason)
    raise NotALog(reason)


def _run_names(cells: Cells, path: Path, options: ReadOptions) -> tuple[pl.Series, bool]:
    """The run of each row, and whether its name came from the table or an option."""
    height = cells.table.frame.height
    key = run_column(cells.table.frame.columns, options)
    if key is None:
        return _same(options.run or stem(path), height), options.run is not None
    names = cells.texts(key).fill_null("")
    for row in (names == "").arg_true().to_list():
        cells.name(row, key, cells.table.frame.get_column(key)[row], "names no run")
        cells.bad_rows.add(row)
    if options.run is None:
        return names, True
    named = set(names.unique()) - {""}
    if len(named) > 1:
        raise LogError(
            f"--run {options.run} names one run, but column {key} of {path.name} names "
            f"{len(named)}: {', '.join(sorted(named)[:5])}"
        )
    return _same(options.run, height), True


def _same(name: str, height: int) -> pl.Series:
    return pl.Series("run_id", [name], pl.String).new_from_index(0, height)


def _is(kind: str) -> Callable[[Path], bool]:
    return lambda path: table_files.kind_of(path) == kind


READER = Reader(
    name=FORMAT,
    expects="CSV, JSONL or Parquet tables (also .gz), also as exported from wandb",
    rank=5,
    gives=tuple(Gives),
    recognises=recognises,
    takes=lambda path: path.suffix == ".json" and table_files.is_json_table(path),
    told=plain_table,
    also={kind: _is(kind) for kind in KINDS},
    read=whole_logs(read),
    belongs=plain_table,
    appended=True,
    examples=("data/examples/loop", "data/examples/bon_pool", "tests/data/logs/table"),
    tells="`run_id, step, kl, proxy_reward, gold_reward` and more, or mapped with `--proxy --gold "
    "--kl --kl-unit`; responses, graded answers, a training corpus, settings",
    kl="as is, unless `--kl-unit` says otherwise",
)
