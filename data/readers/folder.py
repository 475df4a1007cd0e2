"""One run's folder: its stores merged into one RunLog, nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog, Skip
from data.readers import completions, tfevents, trainer_state
from data.readers.discover import CHECKPOINT, OTHER_STORES, RunFolder, shown
from data.readers.run_frame import run_frame
from data.readers.sample_tables import no_metrics, no_samples
from data.readers.scalars import CLOCK_KEYS, Scalars

_TOP = 2**62  # stands for the state at the top of the folder: tried before any checkpoint's


def read(run: RunFolder, options: ReadOptions) -> Iterator[RunLog | Skip]:
    """Read one run: the richest store wins, the others fill what it lacks.

    Yields a Skip for each store that is broken, and the run if any store of it could be read.

    Raises:
        LogError: an option names a key that the run's logs do not have.
    """
    facts = RunFacts(checkpoints=_checkpoints(run.folder))
    warnings: list[str] = []
    broken: list[Skip] = []
    state = _state(run, facts, broken)
    events = _events(run, facts, broken)
    scalars = _merged(state, events)
    yield from broken
    if scalars is not None:
        warnings += scalars.notes
        metrics = run_frame(scalars, options, facts, warnings)
    else:
        metrics = no_metrics().drop("run_id")
    samples = _samples(run, scalars, facts, options)
    for path, reason in samples.broken:
        yield Skip(shown(path), reason)
    warnings += samples.warnings
    if metrics.is_empty() and samples.frame.is_empty():
        if not broken and not samples.broken:
            yield Skip(shown(run.logs()[0]), "holds settings but no metrics yet")
        return
    for other in run.others:
        warnings.append(f"{OTHER_STORES[other.name]} beside it are not read in this version")
    name = options.run or shown(_name(run.folder))
    yield RunLog(
        run=name,
        parent=shown(run.folder.parent.name),
        verbatim=options.run is not None,
        format="tensorboard" if state is None and samples.frame.is_empty() else "trl",
        path=shown(run.folder),
        metrics=_with_run(metrics, name, list(METRIC_COLUMNS)),
        samples=_with_run(samples.frame, name) if not samples.frame.is_empty() else no_samples(),
        facts=facts,
        warnings=list(dict.fromkeys(warnings)),
    )


def _name(folder: Path) -> str:
    return folder.stem if folder.suffix == ".json" and folder.is_file() else folder.name or "run"


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


def _state(run: RunFolder, facts: RunFacts, broken: list[Skip]) -> Scalars | None:
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
        facts.sources.append(_source(best.path, "trainer_state", best.count()))
    return best


def _saved_at(path: Path) -> int:
    match = CHECKPOINT.fullmatch(path.parent.name)
    return int(match.group(1)) if match else _TOP


def _last_step(scalars: Scalars) -> int:
    return max((max(rows) for rows in scalars.rows.values() if rows), default=-1)


def _length(scalars: Scalars) -> tuple[int, int]:
    return _last_step(scalars), scalars.count()


def _events(run: RunFolder, facts: RunFacts, broken: list[Skip]) -> Scalars | None:
    """The run's event files in the order in which they were begun, later ones overtaking."""
    timed: list[tuple[float, Path]] = []
    for path in run.events:
        try:
            timed.append((tfevents.first_wall_time(path), path))
        except LogError as error:
            broken.append(Skip(shown(path), shown(str(error))))
    merged: Scalars | None = None
    for _, path in sorted(timed):
        try:
            scalars = tfevents.read(path)
        except LogError as error:
            broken.append(Skip(shown(path), shown(str(error))))
            continue
        facts.sources.append(_source(str(path), "tensorboard", scalars.count()))
        if merged is None:
            merged = scalars
        else:
            merged.overtake(scalars)
    return merged


def _merged(state: Scalars | None, events: Scalars | None) -> Scalars | None:
    if state is not None and events is not None:
        state.fill(events)
    scalars = state or events
    if scalars is None:
        return None
    for phase, rows in scalars.rows.items():
        # The closing summary leaves a row of nothing but the clock in the event file.
        scalars.rows[phase] = {s: row for s, row in rows.items() if row.keys() - CLOCK_KEYS}
    return scalars if scalars.count() else None


def _samples(
    run: RunFolder, scalars: Scalars | None, facts: RunFacts, options: ReadOptions
) -> completions.Samples:
    if not run.completions:
        return completions.Samples(pl.DataFrame())
    proxy, gold = _function(facts.proxy_key), _function(facts.gold_key)
    rewarded: set[int] | None = None
    generations: int | None = None
    if scalars is None:
        proxy, gold = options.proxy, options.gold
    else:
        rewarded = {step for step, row in scalars.rows["train"].items() if "reward" in row}
        stated = scalars.config.get("args", {}).get("num_generations")
        generations = stated if isinstance(stated, int) and stated > 0 else None
    samples = completions.read(run.completions, proxy, gold, rewarded, generations)
    for folder in sorted({path.parent for path in run.completions}):
        rows = sum(n for p, n in samples.rows_by_file.items() if Path(p).parent == folder)
        facts.sources.append(_source(str(folder), "completions", rows))
    return samples


def _function(key: str | None) -> str | None:
    return key.removeprefix("rewards/").removesuffix("/mean") if key else None


def _source(path: str, kind: str, rows: int) -> dict[str, object]:
    return {"path": shown(path), "format": kind, "rows": rows}
