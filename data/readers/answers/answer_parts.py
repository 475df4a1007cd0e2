"""Millions of graded answers in one Parquet file, a few iterations in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.columns import LogError, ReadOptions, RunLog
from data.readers.answers import answer_tables
from data.readers.files.table_files import Table
from data.readers.layouts.cells import Cells
from data.readers.names.mapping import RUN_ID

if TYPE_CHECKING:  # imported where it is used: a tenth of a second that most imports do without
    import pyarrow.parquet as pq

LARGE = 1_000_000
"""Rows from which a file is read in parts."""
MAX_GROUP = 1 << 30
"""Unpacked bytes of a row group, beyond which the whole reader judges whether it is a bomb."""
PART = 400_000
"""Rows of a part, except that an iteration is never split."""


def recognises(path: Path) -> bool:
    """Whether a file is a Parquet table of so many answers, by loop and iteration."""
    if not path.name.endswith(".parquet"):
        return False
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            metadata = pq.ParquetFile(file).metadata
        names = set(metadata.schema.to_arrow_schema().names)
    except (pa.ArrowException, OSError, ValueError):
        return False  # the whole reader says what is wrong with it
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    if max(group.total_byte_size for group in groups) > MAX_GROUP:
        return False
    large = metadata.num_rows > LARGE
    keyed = answer_tables.TIME.find(names) is not None and RUN_ID.find(names) is not None
    return large and keyed and answer_tables.holds(names)


def read(path: Path, options: ReadOptions) -> Iterator[RunLog]:
    """Read the file: several RunLogs a loop, each of whole iterations.

    Only the row groups that hold an iteration are read for it, so a file in the order of its
    iterations is read once.

    Raises:
        LogError: the file breaks off or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            parquet = pq.ParquetFile(file)
            names = parquet.schema_arrow.names
            loop, time = RUN_ID.find(names), answer_tables.TIME.find(names)
            assert loop and time
            blocks = _blocks(parquet, loop, time)
            for part in _parts(blocks):
                yield from _logs(path, parquet, part, (loop, time), options)
    except (pa.ArrowException, OSError) as error:
        raise LogError(
            f"{path.name} is not a whole Parquet file ({str(error).splitlines()[0][:160]})"
        ) from None


def _blocks(parquet: pq.ParquetFile, loop: str, time: str) -> pl.DataFrame:
    """Rows of each loop and iteration, by row group."""
    found = []
    for group in range(parquet.metadata.num_row_groups):
        keys = pl.from_arrow(parquet.read_row_group(group, columns=[loop, time]))
        assert isinstance(keys, pl.DataFrame)
        found.append(keys.group_by(loop, time).len().with_columns(group=pl.lit(group)))
    return pl.concat(found).sort(loop, time, "group", nulls_last=False)


def _parts(blocks: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Blocks gathered into parts of one loop, each with at most PART rows or one iteration."""
    loop, time = blocks.columns[:2]
    for _, own in blocks.group_by(loop, maintain_order=True):
        frames: list[pl.DataFrame] = []
        rows = 0
        for _, block in own.group_by(time, maintain_order=True):
            size = int(block["len"].sum())
            if frames and rows + size > PART:
                yield pl.concat(frames)
                frames, rows = [], 0
            frames.append(block)
            rows += size
        yield pl.concat(frames)


def _logs(
    path: Path,
    parquet: pq.ParquetFile,
    part: pl.DataFrame,
    keys: tuple[str, str],
    options: ReadOptions,
) -> Iterator[RunLog]:
    wanted = part.select(keys).unique()
    frames = []
    for group in part["group"].unique().sort():
        frame = pl.from_arrow(parquet.read_row_group(group))
        assert isinstance(frame, pl.DataFrame)
        frames.append(frame.join(wanted, on=list(keys), how="semi", nulls_equal=True))
    frame = pl.concat(frames)
    cells = Cells(Table(path, frame, range(1, frame.height + 1), place="row of a part"))
    names = cells.texts(keys[0]).fill_null("").to_list()
    for row, name in enumerate(names):
        if not name:
            cells.name(row, keys[0], name, "names no run")
            cells.bad_rows.add(row)
    if options.run is not None:
        names = [options.run] * frame.height
    yield from answer_tables.read(cells, names, verbatim=True)
