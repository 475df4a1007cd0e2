"""One run's folder: its stores merged into one RunLog, nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog, Skip
from data.readers import completions, lines, stores, tfevents, trainer_state
from data.readers.discover import CHECKPOINT, RunFolder, shown
from data.readers.run_frame import run_frame
from data.readers.run_samples import samples_of
from data.readers.sample_kl import measured
from data.readers.sample_tables import no_metrics, no_samples
from data.readers.scalars import Scalars
from data.readers.tables import NotALog
from data.readers.tracked import StoreRun

_TOP = 2**62  # stands for the state at the top of the folder: tried before any checkpoint's
RANKED = ("trainer_state", "verl", "trackio", "wandb", "mlflow", "tensorboard", "openrlhf")
"""The stores of a run, the richest first: where two differ, the earlier is believed."""


@dataclass
class Parts:
    """The stores of one run, read, by kind; its tracked runs, which may hold completions."""

    name: str
    parent: str
    path: str
    files: RunFolder
    facts: RunFacts
    read: dict[str, Scalars] = field(default_factory=dict)
    tracked: list[StoreRun] = field(default_factory=list)


def read(run: RunFolder, options: ReadOptions) -> Iterator[RunLog | Skip]:
    """Read one folder: the richest store of its run wins, the others fill what it lacks.

    A store of several runs yields those that are not the folder's as runs of their own.

    Yields a Skip for each store that is broken, and each run of which any store could be read.

    Raises:
        LogError: an option names a key that the run's logs do not have.
    """
    broken: list[Skip] = []
    found = _tracked(run, broken)
    own, others = stores.sorted_out(run.folder, found)
    parts = Parts(
        options.run or shown(_name(run.folder)), shown(run.folder.parent.name), shown(run.folder),
        run, RunFacts(checkpoints=_checkpoints(run.folder)),
    )  # fmt: skip
    _state(run, parts, broken)
    _chains(own, True, [parts], broken)
    _events(run, parts, broken)
    for kind, scalars in lines.read(run.lines, broken):
        _take(parts, kind, scalars)
    yield from broken
    broken_here = bool(broken)
    if parts.read or run.completions or run.rollouts:
        yield from _one(parts, options, broken_here)
    for name, members in others.items():
        failed: list[Skip] = []
        made: list[Parts] = []
        _chains(members, False, made, failed)
        yield from failed
        for other in made:
            other.name = options.run or shown(other.name or name)
            yield from _one(other, options, bool(failed))


def _tracked(run: RunFolder, broken: list[Skip]) -> list[StoreRun]:
    """The runs in the folder's stores of several; a foreign database counts only when named."""
    found: list[StoreRun] = []
    for path in run.stores:
        try:
            found += stores.runs_of(path)
        except NotALog as error:
            if path in run.named:
                broken.append(Skip(shown(path), shown(str(error))))
        except LogError as error:
            broken.append(Skip(shown(path), shown(str(error))))
    return found


def _chains(runs: list[StoreRun], one_run: bool, made: list[Parts], broken: list[Skip]) -> None:
    """Read tracked runs of one name into ``made``: the n-th of each kind is the n-th run."""
    for kind in dict.fromkeys(run.kind for run in runs):
        members_of_kind = [run for run in runs if run.kind == kind]
        chains = stores.chained(members_of_kind, one_run, broken)
        for number, (scalars, members) in enumerate(chains):
            if number == len(made):
                made.append(_own(members[0], number))
            made[number].tracked += members
            for member in members:
                made[number].facts.sources.append(_source(str(member.path), kind, member.rows))
            made[number].read[kind] = scalars


def _own(run: StoreRun, number: int) -> Parts:
    """The parts of a run that is not the folder's: the ``number``-th of its name from 0."""
    name = f"{run.name}-{number + 1}" if number else run.name
    path = shown(run.path)
    return Parts(name, shown(run.project), path, RunFolder(run.path), RunFacts())


def _one(parts: Parts, options: ReadOptions, broken: bool) -> Iterator[RunLog | Skip]:
    """One run from its parts."""
    facts = parts.facts
    warnings: list[str] = []
    scalars = _merged(parts)
    if scalars is not None:
        warnings += scalars.notes
        metrics = run_frame(scalars, options, facts, warnings)
    else:
        metrics = no_metrics().drop("run_id")
    samples = samples_of(parts.files, parts.tracked, scalars, facts, options)
    for path, reason in samples.broken:
        yield Skip(shown(path), shown(reason))
    warnings += samples.warnings
    if metrics.is_empty() and samples.frame.is_empty():
        if not broken and not samples.broken:
            logs = parts.files.logs() or [Path(parts.path)]
            yield Skip(shown(logs[0]), "holds settings but no metrics yet")
        return
    metrics = measured(metrics, samples.frame, facts, warnings)
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


def _format(parts: Parts, samples: completions.Samples) -> str:
    if "trainer_state" in parts.read or (parts.files.completions and not samples.frame.is_empty()):
        return "trl"
    return next((kind for kind in RANKED if kind in parts.read), "verl")


def _name(folder: Path) -> str:
    return folder.stem if folder.is_file() else folder.name or "run"


def _with_run(frame: pl.DataFrame, name: str, order: list[str] | None = None) -> pl.DataFrame:
    run = pl.Series("run_id", [name] * frame.height, dtype=pl.String)
    frame = pl.DataFrame([run, *frame.get_columns()])
    if order is None:
        return frame
    return frame.select(*order, *(c for c in frame.columns if c not in order))


def _checkpoints(folder: Path) -> list[int]:
    """Steps of the checkpoint folders beside the log."""
    try:
        found = [CHECKPOINT.fullmatch(p.name) for p in folder.iterdir() if p.is_dir()]
    except OSError:
        return []
    return sorted({int(match.group(1)) for match in found if match})


def _state(run: RunFolder, parts: Parts, broken: list[Skip]) -> None:
    """The run's longest trainer state: the one at the top, or that of the highest checkpoint.

    Each checkpoint's state holds all rows up to it, so the others are not even opened unless the
    better ones are broken.
    """
    best: Scalars | None = None
    for path in sorted(run.states, key=_saved_at, reverse=True):
        saved = _saved_at(path)
        if best is not None and saved < _TOP and saved <= _last_step(best):
            break
        try:
            scalars = trainer_state.read(path)
        except LogError as error:
            broken.append(Skip(shown(path), shown(str(error))))
            continue
        if best is None or _length(scalars) > _length(best):
            best = scalars
    if best is not None:
        parts.facts.sources.append(_source(best.path, "trainer_state", best.count()))
        parts.read["trainer_state"] = best


def _saved_at(path: Path) -> int:
    match = CHECKPOINT.fullmatch(path.parent.name)
    return int(match.group(1)) if match else _TOP


def _last_step(scalars: Scalars) -> int:
    return max((max(rows) for rows in scalars.rows.values() if rows), default=-1)


def _length(scalars: Scalars) -> tuple[int, int]:
    return _last_step(scalars), scalars.count()


def _events(run: RunFolder, parts: Parts, broken: list[Skip]) -> None:
    """The run's event files in the order in which they were begun, later ones overtaking."""
    timed: list[tuple[float, Path]] = []
    for path in run.events:
        try:
            timed.append((tfevents.first_wall_time(path), path))
        except LogError as error:
            broken.append(Skip(shown(path), shown(str(error))))
    for _, path in sorted(timed):
        try:
            scalars = tfevents.read(path)
        except LogError as error:
            broken.append(Skip(shown(path), shown(str(error))))
            continue
        _take(parts, "tensorboard", scalars)


def _take(parts: Parts, kind: str, scalars: Scalars) -> None:
    parts.facts.sources.append(_source(scalars.path, kind, scalars.count()))
    if kind in parts.read:
        parts.read[kind].overtake(scalars)
    else:
        parts.read[kind] = scalars


def _merged(parts: Parts) -> Scalars | None:
    merged: Scalars | None = None
    for kind in RANKED:
        scalars = parts.read.get(kind)
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


def _source(path: str, kind: str, rows: int) -> dict[str, object]:
    return {"path": shown(path), "format": kind, "rows": rows}
