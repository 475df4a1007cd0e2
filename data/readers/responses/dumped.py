"""Dumps of responses in our words as the samples of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from data.readers.files import completions
from data.readers.files.completions import as_text
from data.readers.meaning.roles import val_part
from data.readers.raw.reader import Asked, Frame, Samples, shown

Frames = Callable[[Sequence[Path], list[str]], Iterator[Frame]]
"""The tables in some files, each with step, phase, prompt, completion and numbers; a file that is
broken is told in the list."""


def dumped(
    name: str, paths: Sequence[Path], frames: Frames, asked: Asked, proxy: str, gold: str
) -> Samples:
    """The samples of one run from all of its dumps.

    Args:
        name: of the reader, for the sources.
        paths: the run's dumps.
        frames: reads them.
        asked: what the run's metrics and the import's options say.
        proxy: what the dumps call the reward that stands in ``proxy_reward``.
        gold: the column taken as gold where neither metrics, options nor a name tell it.
    """
    samples = Samples(pl.DataFrame())
    problems: list[str] = []
    parts: list[pl.DataFrame] = []
    for file, frame in frames(paths, problems):
        samples.rows_by_file[file] = frame.height
        parts.append(_numbers_and_texts(frame))
    samples.broken = [(shown(paths[0].parent), problem) for problem in problems]
    if not parts:
        return samples
    rows = pl.concat(parts, how="diagonal_relaxed")
    by_name = [c for c in rows.columns if "gold" in c.lower()]
    stated = asked.options
    wanted = (stated.gold, val_part(asked.gold), by_name[0] if len(by_name) == 1 else None, gold)
    column = next((c for c in wanted if c in rows.columns), None)
    named = stated.proxy if stated.proxy in rows.columns else None
    if named:
        rows = rows.drop("proxy_reward", strict=False)
    samples.frame = completions.shape(rows, named, column)
    for folder in sorted({path.parent for path in paths}):
        files = [path for path in paths if path.parent == folder]
        count = sum(samples.rows_by_file.get(path.name, 0) for path in files)
        samples.sources.append({"path": shown(folder), "format": name, "rows": count})
    samples.proxy_key, samples.gold_key = named or proxy, column
    return samples


def _numbers_and_texts(frame: pl.DataFrame) -> pl.DataFrame:
    numbers = [
        frame.get_column(c).cast(pl.Float64)
        for c, dtype in frame.schema.items()
        if dtype.is_numeric() and c != "step"
    ]
    texts = [as_text(frame.get_column(c)) for c in ("prompt", "completion")]
    step, phase = frame.get_column("step").cast(pl.Int64), frame.get_column("phase")
    return pl.DataFrame([step, phase, *texts, *numbers])
