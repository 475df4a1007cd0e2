"""The samples of one run: its dumps of responses, or a tracker's tables of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from data.columns import LogError, ReadOptions, RunFacts, Source
from data.readers.files import completions
from data.readers.meaning.roles import function_of
from data.readers.raw.reader import Asked, Frame, Piece, Samples, shown
from data.readers.raw.scalars import Scalars


def samples_of(
    dumped: Sequence[Piece],
    tracked: Sequence[Piece],
    scalars: Scalars | None,
    facts: RunFacts,
    options: ReadOptions,
) -> Samples:
    """The samples of one run from the first place that has any.

    Args:
        dumped: the run's dumps of responses, the richest first.
        tracked: its runs in trackers, the richest first.
        scalars: its merged metrics; None when it has none.
        facts: say which reward functions are proxy and gold; get the sources of the samples.
        options: name proxy and gold where there are no metrics.
    """
    asked = _asked(scalars, facts, options)
    for piece in dumped:
        if piece.responses is not None:
            samples = piece.responses(asked)
            facts.sources += samples.sources
            facts.proxy_key = facts.proxy_key or samples.proxy_key
            facts.gold_key = facts.gold_key or samples.gold_key
            return samples
    for kind in dict.fromkeys(run.kind for run in tracked):
        found = _of_tracker(kind, [run for run in tracked if run.kind == kind], asked)
        if not found.frame.is_empty():
            facts.sources += found.sources
            return found
    return Samples(pl.DataFrame())


def _asked(scalars: Scalars | None, facts: RunFacts, options: ReadOptions) -> Asked:
    if scalars is None:
        return Asked(options.proxy, options.gold, None, None, options)
    stated = scalars.config.get("args", {}).get("num_generations")
    return Asked(
        proxy=function_of(facts.proxy_key) if facts.proxy_key else None,
        gold=function_of(facts.gold_key) if facts.gold_key else None,
        rewarded=scalars.steps_with("train", "reward"),
        generations=stated if isinstance(stated, int) and stated > 0 else None,
        options=options,
    )


def _of_tracker(kind: str, runs: Sequence[Piece], asked: Asked) -> Samples:
    problems: list[str] = []
    found = completions.read_tables(
        _tables(runs, problems), asked.proxy, asked.gold, asked.rewarded, asked.generations
    )
    # A tracker keeps tables of many things: one that is broken is no reason for a Skip.
    problems += [reason for _, reason in found.broken]
    found.broken = []
    if problems:
        found.warnings.append(f"{len(problems)} tables of {kind} were not read: {problems[0]}")
    source = Source(path=shown(runs[0].path), format=f"{kind} tables", rows=found.frame.height)
    found.sources = [source]
    return found


def _tables(runs: Sequence[Piece], problems: list[str]) -> Iterator[Frame]:
    for run in runs:
        if run.tables is None:
            continue
        try:
            yield from run.tables(problems)
        except LogError as error:
            problems.append(str(error))
