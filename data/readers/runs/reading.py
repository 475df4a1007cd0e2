"""All logs under some paths, one run at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from data.columns import ROLE_OPTIONS, LogError, ReadOptions, RunLog, Skip
from data.readers.kl.kl_stated import check_options
from data.readers.raw.reader import Belongs, Foreign, shown
from data.readers.responses.sealed_gold import closed
from data.readers.runs import folder
from data.readers.runs.discover import NAMED, RunFiles, discover, no_log
from data.readers.runs.formats import FORMATS, reader_of


def read(paths: Sequence[Path], options: ReadOptions) -> Iterator[RunLog | Skip]:
    """Read all logs under ``paths``, one run in memory at a time.

    Yields a RunLog for each run, its stores merged, and a Skip for each path that was named, or
    that looked like a log, and was not read. Bad input never raises, unless ``options.strict``.

    Args:
        paths: files and folders, any mix; a run named in pieces is one run.
        options: what the import was told; an unknown value is a Skip of every path.

    Raises:
        LogError: only with ``options.strict``, at the first Skip.
    """
    stated = [name for name in ROLE_OPTIONS if getattr(options, name) is not None]
    for item in _one_run(paths, options) if options.run else _all(paths, options):
        if options.strict and isinstance(item, Skip):
            raise LogError(f"{item.path}: {item.reason}")
        if isinstance(item, RunLog):
            item.facts.stated = stated
            item = closed(item, options.sealed)
        yield item


def _all(paths: Sequence[Path], options: ReadOptions) -> Iterator[RunLog | Skip]:
    try:
        check_options(options)
        if options.format is not None and options.format not in FORMATS:
            raise LogError(f"--format {options.format} is unknown; known: {', '.join(FORMATS)}")
    except LogError as error:
        yield from (Skip(shown(path), str(error)) for path in paths)
        return
    found = discover([Path(path) for path in paths], options)
    yield from found.skipped
    strangers: dict[Path, list[Skip]] = {}  # logs that have nothing to do with runs
    logs: list[Path] = []
    refused: list[Path] = []
    for _, part in sorted(found.runs.items()):  # not in the order of a folder's listing
        foreign: list[Skip] = []
        for item in _guarded(part, options):
            if isinstance(item, Foreign) and item.path not in part.named:
                foreign.append(item)
                continue
            (refused if isinstance(item, Skip) else logs).append(part.path)
            yield item
        if foreign or not {part.path} & {*refused, *logs}:
            strangers[part.path] = foreign
    for real, named in found.folders.items():
        mine = [skips for p, skips in strangers.items() if p.is_relative_to(real)]
        if not mine or any(p.is_relative_to(real) or real.is_relative_to(p) for p in logs):
            continue
        if any(p.is_relative_to(real) for p in refused):  # all that is in it is then told alike
            yield from (Skip(skip.path, skip.reason) for skips in mine for skip in skips[:NAMED])
        else:
            yield no_log(named, [skip.reason for skips in mine for skip in skips])


def read_unpacked(paths: Sequence[Path], options: ReadOptions) -> Iterator[RunLog | Skip]:
    """What ``read`` yields of what an archive held, named as in it."""
    yield from _all(paths, options)


def _guarded(part: RunFiles, options: ReadOptions) -> Iterator[RunLog | Skip]:
    try:
        for item in folder.read(part, options):
            yield item if isinstance(item, Skip) or _holds_anything(item) else _nothing_in(item)
    except LogError as error:
        yield Skip(shown(part.path), shown(str(error)))
    except Exception as error:  # a log that breaks a reader must not cost the other thousand
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        yield Skip(shown(part.path), shown(f"{part.path.name} cannot be read ({cause})"))


def _holds_anything(log: RunLog) -> bool:
    """Whether a run has a row of any kind with something in it, or settings."""
    graded = log.answers.select("grade", "grade_logged", "confidence", "answer")
    answers = graded.filter(~pl.all_horizontal(pl.all().is_null()))
    others = (log.samples, answers, log.corpus, log.audits, log.behaviours,
              *log.tables.values())  # fmt: skip
    if any(frame.height for frame in others) or (log.facts.config and log.metrics.is_empty()):
        return True
    if log.facts.nan_rows:  # a run that diverged is one
        return True
    values = log.metrics.select(pl.exclude("run_id", "phase", "step", "stretch"))
    return any(column.null_count() < column.len() for column in values.get_columns())


def _nothing_in(log: RunLog) -> Skip:
    """What is said of a log that gave a run without anything in it."""
    why = f": {'; '.join(log.warnings[:3])}" if log.warnings else ""
    return Skip(log.path, shown(f"{Path(log.path).name} holds nothing that could be read{why}"))


def _one_run(paths: Sequence[Path], options: ReadOptions) -> Iterator[RunLog | Skip]:
    """With ``--run NAME``: the one run that is there, or a Skip when there are several."""
    if len(paths) == 1 and _names_runs(paths[0]):  # one run, of which there may be parts
        yield from _all(paths, options)
        return
    first: RunLog | None = None
    names: list[str] = []
    for item in _all(paths, options):
        if isinstance(item, Skip):
            yield item
            continue
        names.append(shown(item.path))
        first = first or item
    if len(names) > 1:
        listed = ", ".join(names[:5])
        reason = f"--run {options.run} names one run, but {len(names)} were found: {listed}"
        yield Skip(", ".join(shown(path) for path in paths), reason)
    elif first is not None:
        yield first


def _names_runs(path: Path) -> bool:
    reader = reader_of(path)
    return reader is not None and reader.belongs(path).belongs in (Belongs.OWN, Belongs.TABLE)
