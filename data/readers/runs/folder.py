"""One run's folder: its stores merged into one RunLog, nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from data.columns import METRIC_COLUMNS, ReadOptions, RunFacts, RunLog, Skip, Source
from data.readers.files.saved import checkpoints_in
from data.readers.files.settings_beside import settings_beside
from data.readers.kl.sample_kl import doubted, measured, summed
from data.readers.meaning.run_frame import run_frame
from data.readers.raw.reader import Foreign, Piece, Samples, shown
from data.readers.raw.scalars import Scalars
from data.readers.responses.run_samples import samples_of
from data.readers.responses.sample_tables import no_metrics, no_samples
from data.readers.runs import stores
from data.readers.runs.discover import RunFiles
from data.readers.runs.formats import BELIEVED


@dataclass
class Parts:
    """The stores of one run, read, by reader; its dumps of responses; its runs in trackers."""

    name: str
    parent: str
    path: str
    files: RunFiles
    facts: RunFacts
    read: dict[str, Scalars] = field(default_factory=dict)
    dumped: list[Piece] = field(default_factory=list)
    tracked: list[Piece] = field(default_factory=list)


def read(run: RunFiles, options: ReadOptions) -> Iterator[RunLog | Skip]:
    """Read logs that belong together: the richest of a run wins, the others fill what it lacks.

    A store of several runs yields those that are not the folder's as runs of their own; a table
    or an evaluation yields its runs as they are.

    Yields a Skip for each log that is broken, and each run of which any log could be read.

    Raises:
        LogError: an option names a key that the run's logs do not have.
    """
    broken: list[Skip] = []
    pieces: list[Piece] = []
    for reader in BELIEVED:
        files = run.files.get(reader.name)
        for item in reader.read(files, options) if files else ():
            if isinstance(item, RunLog):
                yield item
            elif isinstance(item, Piece):
                pieces.append(item)
            elif isinstance(item, Foreign) and item.path not in run.named:
                yield item
            else:
                broken.append(item)
    yield from _assembled(run, pieces, broken, options)


def _assembled(
    run: RunFiles, pieces: list[Piece], broken: list[Skip], options: ReadOptions
) -> Iterator[RunLog | Skip]:
    """The folder's run from its pieces, then the other runs of the stores in it."""
    tracked = [piece for piece in pieces if piece.of_store]
    own, others = stores.sorted_out(run.path, tracked)
    parts = Parts(
        options.run or shown(_name(run.path)), shown(run.path.parent.name), shown(run.path),
        run, RunFacts(checkpoints=checkpoints_in(run.path)),
        dumped=[piece for piece in pieces if piece.responses],
    )  # fmt: skip
    ranks = {reader.name: rank for rank, reader in enumerate(BELIEVED)}
    alone = [piece for piece in pieces if piece.scalars and not piece.of_store]
    _chains(sorted([*alone, *own], key=lambda piece: ranks[piece.kind]), True, [parts], broken)
    yield from broken
    broken_here = bool(broken)
    if parts.read or parts.dumped:
        yield from _one(parts, options, broken_here)
    for name, members in others.items():
        failed: list[Skip] = []
        made: list[Parts] = []
        _chains(members, False, made, failed)
        yield from failed
        for other in made:
            other.name = options.run or shown(other.name or name)
            yield from _one(other, options, bool(failed))


def _chains(runs: list[Piece], one_run: bool, made: list[Parts], broken: list[Skip]) -> None:
    """Read pieces of one name into ``made``: the n-th of each kind is the n-th run."""
    for kind in dict.fromkeys(run.kind for run in runs):
        members_of_kind = [run for run in runs if run.kind == kind]
        chains = stores.chained(members_of_kind, one_run, broken)
        for number, (scalars, members) in enumerate(chains):
            if number == len(made):
                made.append(_own(members[0], number))
            made[number].tracked += [member for member in members if member.tables]
            for member in members:
                made[number].facts.sources.append(_source(str(member.path), kind, member.rows))
            made[number].read[kind] = scalars


def _own(run: Piece, number: int) -> Parts:
    """The parts of a run that is not the folder's: the ``number``-th of its name from 0."""
    name = f"{run.name}-{number + 1}" if number else run.name
    path = shown(run.path)
    return Parts(name, shown(run.project), path, RunFiles(run.path), RunFacts())


def _one(parts: Parts, options: ReadOptions, broken: bool) -> Iterator[RunLog | Skip]:
    """One run from its parts."""
    facts = parts.facts
    warnings: list[str] = []
    scalars = _merged(parts)
    if scalars is not None:
        stated = settings_beside(Path(parts.path), scalars.notes)
        scalars.config["args"] = {**stated, **scalars.config.get("args", {})}
        warnings += scalars.notes
        metrics = run_frame(scalars, options, facts, warnings)
    else:
        metrics = no_metrics().drop("run_id")
    samples = samples_of(parts.dumped, parts.tracked, scalars, facts, options)
    for path, reason in samples.broken:
        yield Skip(shown(path), shown(reason))
    warnings += samples.warnings
    if metrics.is_empty() and samples.frame.is_empty():
        if not broken and not samples.broken:
            logs = parts.files.logs() or [Path(parts.path)]
            yield Skip(shown(logs[0]), "holds settings but no metrics yet")
        return
    samples.frame, means = summed(samples.frame, options)
    metrics = measured(metrics, samples.frame, facts, warnings)
    doubted(means, facts, warnings)
    yield RunLog(
        run=parts.name,
        parent=parts.parent,
        verbatim=options.run is not None,
        format=_format(parts, samples),
        path=parts.path,
        metrics=_with_run(metrics, parts.name, list(METRIC_COLUMNS)),
        samples=(
            no_samples() if samples.frame.is_empty() else _with_run(samples.frame, parts.name)
        ),
        facts=facts,
        warnings=list(dict.fromkeys(warnings)),
    )


def _format(parts: Parts, samples: Samples) -> str:
    """The format of the richest log that gave anything."""
    gave = set(parts.read)
    if parts.dumped and not samples.frame.is_empty():
        gave.add(parts.dumped[0].kind)
    return next(reader.format for reader in BELIEVED if reader.name in gave)


def _name(folder: Path) -> str:
    return folder.stem if folder.is_file() else folder.name or "run"


def _with_run(frame: pl.DataFrame, name: str, order: list[str] | None = None) -> pl.DataFrame:
    run = pl.Series("run_id", [name] * frame.height, dtype=pl.String)
    frame = pl.DataFrame([run, *frame.get_columns()])
    if order is None:
        return frame
    return frame.select(*order, *(c for c in frame.columns if c not in order))


def _merged(parts: Parts) -> Scalars | None:
    merged: Scalars | None = None
    for reader in BELIEVED:
        scalars = parts.read.get(reader.name)
        if scalars is None:
            continue
        if merged is None:
            merged = scalars
        else:
            merged.fill(scalars)
    if merged is None:
        return None
    merged.drop_clock_rows()  # the closing summary leaves such a row in the event file
    return merged if merged.count() else None


def _source(path: str, kind: str, rows: int) -> Source:
    return {"path": shown(path), "format": kind, "rows": rows}
