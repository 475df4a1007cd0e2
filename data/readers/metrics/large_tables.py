"""Tables too large for memory: sorted by run into parts on disk, then read part by part.

A part holds whole runs, or of a run that is too large itself whole steps. The store joins the
parts of a run as it joins the parts of a log that grows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from data.columns import ReadOptions
from data.readers.answers import answer_tables, behaviour_tables
from data.readers.files import table_files
from data.readers.files.table_files import Table
from data.readers.kl import kl_remarks
from data.readers.layouts import table_remarks, table_starts
from data.readers.layouts.run_columns import run_column, step_column
from data.readers.meaning import attempts
from data.readers.meaning.conversion import our_kl
from data.readers.metrics.metric_rows import VERSIONS
from data.readers.names import phase_columns
from data.readers.names.mapping import GOLD, PHASES, PROXY, folded
from data.readers.responses import sample_tables

LARGE = 192 << 20  # bytes of a text file from which on it is not read in one piece
LARGE_PACKED = 24 << 20  # of one that is packed
PART = 8 << 20  # bytes of a part in memory, about
LINE = " line"


@dataclass
class Parts:
    """What was written to disk: a file for each block of the table, and which runs it holds."""

    table: Table
    files: list[Path] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)  # of each run, in order of appearance
    runs: list[set[str]] = field(default_factory=list)  # of each file
    texts: set[str] = field(default_factory=set)  # columns that are text in some block
    columns: dict[str, pl.DataType] = field(default_factory=dict)
    size: int = 0  # bytes in memory
    metrics: bool = True  # not responses, answers or behaviours, of which no attempt takes over
    options: ReadOptions = field(default_factory=ReadOptions)


def is_large(path: Path, kind: str | None) -> bool:
    """Whether a text table is too large to be read in one piece."""
    if (kind or table_files.kind_of(path)) not in ("csv", "jsonl"):
        return False
    packed = path.name.lower().endswith(".gz")
    return path.stat().st_size > (LARGE_PACKED if packed else LARGE)


def read(path: Path, kind: str | None, options: ReadOptions | None = None) -> Iterator[Table]:
    """The table in parts; what is wrong with the file as a whole is told with the first.

    ``options`` may name the columns of run and step.

    Raises:
        LogError: as ``table_files.load``.
    """
    with tempfile.TemporaryDirectory(prefix="overopt-") as folder:
        parts = _written(path, kind, Path(folder), options or ReadOptions())
        first = True
        for wanted in _groups(parts):
            notes: list[str] = []
            for frame in _of_runs(parts, wanted, notes):
                whole = frame.drop(LINE)
                part = Table(path, whole, frame.get_column(LINE), place=parts.table.place)
                part.notes, notes = notes, []
                part.remarks = list(parts.table.remarks)
                if first:
                    part.unread, part.notes = parts.table.unread, part.notes + parts.table.notes
                    first = False
                yield part


def _written(path: Path, kind: str | None, folder: Path, options: ReadOptions) -> Parts:
    table = Table(path, pl.DataFrame())
    parts = Parts(table, options=options)
    for number, block in enumerate(_blocks(path, kind, table)):
        if number == 0:
            block = _without_words(table, block)
        if len(table.remarks) < kl_remarks.MOST:
            remarks = table_remarks.of_columns(block.drop(LINE))
            table.remarks += [text for text in remarks if text not in table.remarks]
        run = run_column(block.columns, options)
        names = block.get_column(run).cast(pl.String).fill_null("") if run else None
        parts.metrics = parts.metrics and _of_metrics(block, options)
        counts = {"": block.height}
        if names is not None:
            counted = names.to_frame("n").group_by("n", maintain_order=True).len()
            counts = dict(counted.iter_rows())
            block = block.with_columns(names)
        for name, count in counts.items():
            parts.rows[name] = parts.rows.get(name, 0) + count
        parts.runs.append(set(counts))
        parts.texts |= {c for c, d in block.schema.items() if d == pl.String}
        parts.columns |= {c: d for c, d in block.schema.items() if c not in parts.columns}
        parts.size += int(block.estimated_size())
        file = folder / f"{number}.parquet"
        block.write_parquet(file, compression="lz4")
        parts.files.append(file)
    if not parts.files:
        raise table_files.no_rows(table)
    return parts


def _without_words(table: Table, block: pl.DataFrame) -> pl.DataFrame:
    """The first block without its row of units; what that says holds for every part."""
    first = Table(table.path, block.drop(LINE), block.get_column(LINE))
    units = table_starts.with_units(first)
    table.remarks += units.remarks
    table.notes += units.notes
    return block.tail(units.frame.height)


def _of_metrics(block: pl.DataFrame, options: ReadOptions) -> bool:
    columns = set(block.columns)
    return not (
        behaviour_tables.holds(columns) or answer_tables.holds(columns)
        or sample_tables.holds_samples(block, options)
    )  # fmt: skip


def _blocks(path: Path, kind: str | None, table: Table) -> Iterator[pl.DataFrame]:
    """The blocks of the file with the line that each row came from."""
    for frame in table_files.text_blocks(table, kind or table_files.kind_of(path)):
        lines = pl.Series(LINE, table.lines, pl.Int64)
        table.lines = []
        if frame.height:
            yield frame.with_columns(lines)


def _groups(parts: Parts) -> Iterator[list[str]]:
    """Runs gathered into groups of about one part."""
    groups: list[str] = []
    size = 0.0
    each = parts.size / max(1, sum(parts.rows.values()))
    for name, rows in parts.rows.items():
        if groups and size + rows * each > PART:
            yield groups
            groups, size = [], 0.0
        groups.append(name)
        size += rows * each
    yield groups


def _of_runs(parts: Parts, wanted: list[str], notes: list[str]) -> Iterator[pl.DataFrame]:
    """The rows of some runs; of one large run in parts of whole steps.

    What a later attempt of that took over is left out here, because no part shows it; ``notes``
    gets what is said of it.
    """
    each = parts.size / max(1, sum(parts.rows.values()))
    rows = sum(parts.rows[name] for name in wanted)
    step = step_column(parts.columns, parts.options)
    # Rows that are numbered, or whose stretches are counted, belong together.
    whole = step is None or any(name in parts.columns for name in VERSIONS)
    if whole or step is None or len(wanted) > 1 or rows * each <= PART * 1.5:
        yield _gathered(parts, wanted, None)
        return
    steps = pl.concat([_steps(frame, step) for frame in _frames(parts, wanted, [step])])
    alive = None
    if parts.metrics and (steps.diff() < 0).any():
        alive, why = _alive(parts, wanted, step)
        notes += [why] if why else []
    steps = steps.sort()
    count = int(rows * each / PART) + 1
    cuts = sorted({float(steps[len(steps) * i // count]) for i in range(1, count)})
    for low, high in zip([float("-inf"), *cuts], [*cuts, float("inf")], strict=True):
        frame = _gathered(parts, wanted, (step, low, high), alive)
        if frame.height:
            yield frame


def _alive(parts: Parts, wanted: list[str], step: str) -> tuple[pl.Series, str]:
    """Which rows of a run no later attempt took over, and what is said of it."""
    keys, options = list(parts.columns), parts.options
    phases = [c for c in keys if folded(c) in phase_columns.FOLDED]
    watched = [c for c in (options.kl or our_kl(keys), options.proxy or PROXY.find(keys))
               if c in keys]  # fmt: skip
    gold = options.gold or options.lower_is_better or GOLD.find(keys)
    judged = [gold] if gold in keys and gold not in watched else []
    read = _frames(parts, wanted, [step, *watched, *judged, *phases])
    read = (_watched(frame, step, [*watched, *judged]) for frame in read)
    rows = pl.concat(read).rename(dict.fromkeys(judged, "gold_reward")).with_row_index("at")
    old, why = attempts.dead(rows, watched)
    return ~rows.get_column("at").is_in(old.implode()), why


def _watched(frame: pl.DataFrame, step: str, watched: list[str]) -> pl.DataFrame:
    """Phase, step and the watched columns as numbers."""
    named = phase_columns.named(frame)
    phase = pl.lit("train")
    if "phase" in named.columns:
        phase_text = pl.col("phase").cast(pl.String).str.strip_chars().str.to_lowercase()
        phase = phase_text.replace_strict(PHASES, default="train")
    steps = frame.get_column(step).cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
    return named.select(
        phase.alias("phase"), steps.alias("step"),
        *(pl.col(c).cast(pl.Float64, strict=False).alias(c) for c in watched),
    )  # fmt: skip


def _steps(frame: pl.DataFrame, step: str) -> pl.Series:
    """Steps as numbers; what is none sorts before all, and is named with the first part."""
    return frame.get_column(step).cast(pl.Float64, strict=False).fill_nan(None).fill_null(-1.0)


def _frames(
    parts: Parts, wanted: list[str], columns: list[str] | None = None
) -> Iterator[pl.DataFrame]:
    run = run_column(parts.columns, parts.options)
    names = set(wanted)
    for file, runs in zip(parts.files, parts.runs, strict=True):
        if not runs & names:
            continue
        with file.open("rb") as held_open:
            there = pl.read_parquet_schema(held_open)
        read = [c for c in (*columns, run) if c in there] if columns else None
        frame = pl.read_parquet(file, columns=read, glob=False)
        if run in frame.columns and runs - names:
            frame = frame.filter(pl.col(run).is_in(wanted))
        yield frame.with_columns(
            pl.col(c).cast(pl.String) for c in parts.texts & set(frame.columns)
        )


def _gathered(
    parts: Parts, wanted: list[str], between: tuple[str, float, float] | None,
    alive: pl.Series | None = None,
) -> pl.DataFrame:  # fmt: skip
    frames, start = [], 0
    for frame in _frames(parts, wanted):
        height = frame.height
        living = None if alive is None else alive.slice(start, height)
        start += height
        if living is not None:
            frame = frame.filter(living)
        if between is not None:
            step, low, high = between
            steps = _steps(frame, step)
            frame = frame.filter((steps >= low) & (steps < high))
        frames.append(frame)
    return pl.concat(frames, how="diagonal_relaxed")
