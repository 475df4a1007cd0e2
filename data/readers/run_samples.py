"""The samples of one run: TRL's completions, a tracker's tables of them, or verl's dumps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data.columns import LogError, ReadOptions, RunFacts
from data.readers import completions, verl
from data.readers.completions import Samples, as_text
from data.readers.discover import RunFolder, shown
from data.readers.roles import function_of, val_part
from data.readers.scalars import Scalars
from data.readers.tracked import Frame, StoreRun


def samples_of(
    files: RunFolder,
    tracked: list[StoreRun],
    scalars: Scalars | None,
    facts: RunFacts,
    options: ReadOptions,
) -> Samples:
    """The samples of one run from the first place that has any.

    Args:
        files: the run's files.
        tracked: its runs in trackers, the richest first.
        scalars: its merged metrics; None when it has none.
        facts: say which reward functions are proxy and gold; get the sources of the samples.
        options: name proxy and gold where there are no metrics.
    """
    proxy = function_of(facts.proxy_key) if facts.proxy_key else None
    gold = function_of(facts.gold_key) if facts.gold_key else None
    rewarded: set[int] | None = None
    generations: int | None = None
    if scalars is None:
        proxy, gold = options.proxy, options.gold
    else:
        rewarded = scalars.steps_with("train", "reward")
        stated = scalars.config.get("args", {}).get("num_generations")
        generations = stated if isinstance(stated, int) and stated > 0 else None
    if files.completions:
        samples = completions.read(files.completions, proxy, gold, rewarded, generations)
        for folder in sorted({path.parent for path in files.completions}):
            rows = sum(n for p, n in samples.rows_by_file.items() if Path(p).parent == folder)
            facts.sources.append(_source(folder, "completions", rows))
        return samples
    if files.rollouts:
        return _rollouts(files.rollouts, gold, facts, options)
    for kind in dict.fromkeys(run.kind for run in tracked):
        problems: list[str] = []
        runs = [run for run in tracked if run.kind == kind]
        found = completions.read_tables(_tables(runs, problems), proxy, gold, rewarded, generations)
        # A tracker keeps tables of many things: one that is broken is no reason for a Skip.
        problems += [reason for _, reason in found.broken]
        found.broken = []
        if problems:
            found.warnings.append(f"{len(problems)} tables of {kind} were not read: {problems[0]}")
        if not found.frame.is_empty():
            facts.sources.append(_source(runs[0].path, f"{kind} tables", found.frame.height))
            return found
    return Samples(pl.DataFrame())


def _tables(runs: list[StoreRun], problems: list[str]) -> Iterator[Frame]:
    for run in runs:
        if run.tables is None:
            continue
        try:
            yield from run.tables(problems)
        except LogError as error:
            problems.append(str(error))


def _rollouts(
    paths: list[Path], gold: str | None, facts: RunFacts, options: ReadOptions
) -> Samples:
    """verl's dumps: ``score`` is the proxy; gold is a named column, or its accuracy."""
    samples = Samples(pl.DataFrame())
    problems: list[str] = []
    parts: list[pl.DataFrame] = []
    for name, frame in verl.rollouts(paths, problems):
        samples.rows_by_file[name] = frame.height
        numbers = [
            frame.get_column(c).cast(pl.Float64)
            for c, dtype in frame.schema.items()
            if dtype.is_numeric() and c != "step"
        ]
        texts = [as_text(frame.get_column(c)) for c in ("prompt", "completion")]
        step, phase = frame.get_column("step").cast(pl.Int64), frame.get_column("phase")
        parts.append(pl.DataFrame([step, phase, *texts, *numbers]))
    samples.broken = [(shown(paths[0].parent), problem) for problem in problems]
    if not parts:
        return samples
    rows = pl.concat(parts, how="diagonal_relaxed")
    by_name = [c for c in rows.columns if "gold" in c.lower()]
    wanted = (options.gold, val_part(gold), by_name[0] if len(by_name) == 1 else None, "acc")
    column = next((c for c in wanted if c in rows.columns), None)
    proxy = options.proxy if options.proxy in rows.columns else None
    if proxy:
        rows = rows.drop("proxy_reward", strict=False)
    samples.frame = completions.shape(rows, proxy, column)
    for folder in sorted({path.parent for path in paths}):
        files = [path for path in paths if path.parent == folder]
        count = sum(samples.rows_by_file.get(path.name, 0) for path in files)
        facts.sources.append(_source(folder, "verl dumps", count))
    facts.proxy_key = facts.proxy_key or proxy or "score"
    facts.gold_key = facts.gold_key or column
    return samples


def _source(path: Path, kind: str, rows: int) -> dict[str, object]:
    return {"path": shown(path), "format": kind, "rows": rows}
