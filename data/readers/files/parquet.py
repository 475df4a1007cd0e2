"""Reading a Parquet file whole, with every way it can be broken as one clear sentence."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from data.columns import LogError
from data.readers.kl import kl_remarks

if TYPE_CHECKING:  # imported where it is used: a tenth of a second that most imports do without
    import pyarrow.parquet as pq

MAX_BYTES = 4 << 30
MAX_CELLS = (16 << 20, 20)
MAX_UNPACKED = (64 << 20, 200)
"""Cells, and bytes once unpacked: so many, and so many more for each byte of the file.

Beyond that a file is no log but a bomb: run lengths pack a thousand million zeros into nothing.
"""


def read_parquet(
    path: Path, wanted: Collection[str] | None = None, rows: int | None = None
) -> pl.DataFrame:  # fmt: skip
    """One Parquet file as a frame; with ``wanted`` only those of its columns.

    rows: only so many of its first rows (None = all).

    Read by pyarrow: on damaged pages Polars panics in its threads and prints their stacks.

    Raises:
        LogError: the file cannot be opened, is too large, or is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.stat().st_size > MAX_BYTES:
            raise LogError(f"{path.name} is larger than the {MAX_BYTES >> 30} GiB that are read")
        with path.open("rb") as file:
            parquet = pq.ParquetFile(file)
            _check_expansion(parquet.metadata, path)
            names = parquet.schema_arrow.names
            columns = None if wanted is None else [c for c in names if c in wanted]
            if rows is None:
                table = parquet.read(columns)
            else:
                first = next(parquet.iter_batches(rows, columns=columns), None)
                table = (
                    parquet.schema_arrow.empty_table()
                    if first is None
                    else pa.table(first.columns, schema=first.schema)
                )
        # Texts and names that are not UTF-8 would make Polars panic: these two say so themselves.
        table.validate(full=True)
        table = table.rename_columns(list(table.column_names)).replace_schema_metadata(None)
        frame = pl.from_arrow(table)
    except (
        pa.ArrowException,
        PolarsError,
        PanicException,
        ValueError,
        OverflowError,
        MemoryError,
    ) as error:
        cause = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise LogError(f"{path.name} is not a whole Parquet file ({cause})") from None
    except OSError as error:
        # pyarrow says some damage as an OSError without a number
        if error.errno is None:
            raise LogError(
                f"{path.name} is not a whole Parquet file ({str(error).splitlines()[0][:160]})"
            ) from None
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    assert isinstance(frame, pl.DataFrame)
    return frame


def parquet_remarks(path: Path) -> list[str]:
    """What a Parquet file says of itself and of its columns beside their values."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError):
        return []
    remarks = [
        f"{_text(k)}: {_text(v)}" for k, v in (schema.metadata or {}).items() if k != b"pandas"
    ]
    if attributes := _pandas_attributes((schema.metadata or {}).get(b"pandas", b"")):
        remarks += kl_remarks.of_object(attributes)
    for column in schema:
        about = [f"{_text(k)} {_text(v)}" for k, v in (column.metadata or {}).items()
                 if not k.startswith(b"PARQUET:")]  # fmt: skip
        remarks += [f"{column.name}: {', '.join(about)}"] if about else []
    return remarks[: kl_remarks.MOST]


def _pandas_attributes(text: bytes) -> Any:
    try:
        return json.loads(text).get("attributes") if text else None
    except (ValueError, AttributeError, RecursionError):
        return None


def _text(value: bytes) -> str:
    return value[: kl_remarks.LONGEST].decode("utf-8", "replace")


def _check_expansion(metadata: pq.FileMetaData, path: Path) -> None:
    """Refuse a small file that says that it unpacks to very much."""
    size = path.stat().st_size
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    cells = metadata.num_rows * metadata.num_columns
    unpacked = sum(group.total_byte_size for group in groups)
    limits = [free + each * size for free, each in (MAX_CELLS, MAX_UNPACKED)]
    if cells > limits[0] or unpacked > limits[1]:
        raise LogError(
            f"{path.name} unpacks to {metadata.num_rows:,} rows or {unpacked:,} bytes from "
            f"{size:,}, which no log does"
        )
