"""What an import would bring in, before anything is stored: runs, ends, what was recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from data import readers
from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog, Skip
from data.readers.files import table_files
from data.readers.layouts import shapes
from data.readers.raw.reader import Belongs, shown
from data.readers.responses.sealed_gold import SEALED
from data.readers.runs import archives
from data.readers.runs.formats import reader_of, reader_of_named
from data.roles.kl_units import UnitEvidence, evidence
from data.rows import late_gold
from data.rows.run_rows import RAW

MOST_COLUMNS_OF = 20
"""Tables whose columns are looked up."""
LARGEST = 64 << 20
"""Bytes of a table whose columns are looked up."""
KEYS = ("proxy_key", "gold_key", "kl_key", "length_key")


class Ends(NamedTuple):
    """The first and the last value of a column in the order of steps; None: it has none."""

    first: float | None
    last: float | None


@dataclass(frozen=True)
class SeenRun:
    """One run as it would come in."""

    run: str
    format: str
    path: str
    rows: int
    samples: int
    answers: int
    gold_evaluations: int
    ends: dict[str, Ends]  # of step, kl, proxy_reward, gold_reward
    facts: RunFacts
    warnings: list[str]
    unit: UnitEvidence | None  # where the unit of its KL is not known
    grades: dict[str, int] = field(default_factory=dict)  # answers by grade, where any has one
    others: dict[str, int] = field(default_factory=dict)  # rows of a loop's other tables


@dataclass(frozen=True)
class Preview:
    """What an import would bring in, what it could not read, and the columns to choose from."""

    runs: list[SeenRun]
    skipped: list[Skip]
    keys: list[str]


def preview(
    paths: Sequence[Path], options: ReadOptions, renamed: Callable[[str], str] = str
) -> Preview:
    """Read logs as an import would, and keep of them only what is shown.

    Args:
        paths: files and folders.
        options: as for an import.
        renamed: turns a path of this machine into the one that is told.
    """
    runs, skipped, keys = [], [], dict.fromkeys(_columns(paths))
    for item in readers.read(paths, options):
        shown = told_as(item, renamed)
        if isinstance(shown, Skip):
            skipped.append(shown)
            continue
        runs.append(_seen(shown))
        keys |= dict.fromkeys(_keys(shown))
    return Preview(runs, skipped, list(keys))


def told_as(item: RunLog | Skip, renamed: Callable[[str], str]) -> RunLog | Skip:
    """A log, or what is said of one, with its paths as they are told."""
    if isinstance(item, Skip):
        return replace(item, path=renamed(item.path), reason=renamed(item.reason))
    item.path = renamed(item.path)
    item.warnings = [renamed(warning) for warning in item.warnings]
    for source in item.facts.sources:
        source["path"] = renamed(str(source["path"]))
    return item


def _seen(log: RunLog) -> SeenRun:
    metrics, gold = late_gold.parted(log)
    gold = gold.filter(~pl.col("source").str.starts_with(SEALED))
    rows = metrics.sort("step", maintain_order=True)
    ends = {name: _ends(rows, name) for name in ("step", "kl", "proxy_reward", "gold_reward")}
    if gold.height:
        ends["gold_reward"] = _ends(gold.sort("step"), "gold_reward")
        ends["step"] = ends["step"] if metrics.height else _ends(gold.sort("step"), "step")
    unit = None
    if log.facts.kl_conversion == "unknown":
        trained = rows.filter(pl.col("phase") == "train")
        logged = trained[RAW] if RAW in trained.columns else trained["kl"]
        unit = evidence(logged, trained["response_length"], trained["proxy_reward"])
    measured = metrics["gold_reward"].count() + gold.height
    graded = log.answers["grade"].drop_nulls().value_counts(sort=True, name="n")
    return SeenRun(
        log.run,
        format=log.format,
        path=log.path,
        rows=metrics.height,
        samples=log.samples.height,
        answers=log.answers.height,
        gold_evaluations=measured,
        ends=ends,
        facts=log.facts,
        warnings=log.warnings,
        unit=unit,
        grades=dict(graded.iter_rows()),
        others=_others(log),
    )


def _others(log: RunLog) -> dict[str, int]:
    tables = {
        "corpus": log.corpus,
        "audits": log.audits,
        "behaviours": log.behaviours,
        **log.tables,
    }
    return {name: frame.height for name, frame in tables.items() if frame.height}


def _ends(rows: pl.DataFrame, column: str) -> Ends:
    values = rows[column].drop_nulls()
    return Ends(values[0], values[-1]) if values.len() else Ends(None, None)


def _keys(log: RunLog) -> Iterable[str]:
    """The logged keys of a run: those with a role, and every further number."""
    values = (getattr(log.facts, name) for name in KEYS)
    yield from (key for key in values if key and not key.startswith("eval/"))
    for name, dtype in log.metrics.schema.items():
        if name not in METRIC_COLUMNS and name != RAW and dtype.is_numeric():
            yield name


def _columns(paths: Sequence[Path]) -> list[str]:
    """The columns of the tables among the files, in their order, packed ones too."""
    found: dict[str, None] = {}
    for path in islice(chain.from_iterable(map(_tables, paths)), MOST_COLUMNS_OF):
        try:
            if path.stat().st_size > LARGEST:
                continue
            if archives.recognises(path):
                with archives.unpacked(path) as (_, inside):
                    found |= dict.fromkeys(_columns([inside]))
            else:
                frame = shapes.plain(table_files.load(path, None)).frame
                found |= dict.fromkeys(shown(column) for column in frame.columns if column.strip())
        except (LogError, OSError, ValueError, pl.exceptions.PolarsError):
            continue  # what cannot be read is told by the reader
    return list(found)


def _tables(path: Path) -> Iterator[Path]:
    """Files that are tables, or packed; of a folder those that an import would look at."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        reader = reader_of_named(file, None) if file == path else reader_of(file)
        if reader is None or not file.is_file():
            continue
        if archives.recognises(file) or reader.belongs(file).belongs is Belongs.TABLE:
            yield file
