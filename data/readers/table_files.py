"""Plain table files (CSV, JSONL, Parquet) as a frame plus the line that each row came from."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import polars as pl

from data.columns import LogError
from data.readers.completions import chat_text
from data.readers.parquet import read_parquet
from data.readers.scalars import encoding_of, load_json, read_text

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".parquet")
MAX_LINE = 64 << 20  # characters; a longer line is no row of a table
MAX_TEXT = 8 << 30  # characters after decompression
CHUNK = 20_000  # rows held as Python objects at a time
MAX_COLUMNS = 5_000
EXPANSION = 100  # characters a byte of gzip, beyond which a large text is no log but a bomb
FREE = 8 << 20  # characters below which nothing is asked
MAX_JSON = 1 << 30  # bytes
_HISTORY = re.compile(r"(history|wandb).*\.json$")
_JSON_TABLE = re.compile(rb'\s*(\[\s*\{|\{\s*"[^"]{1,200}"\s*:\s*\{\s*"0"\s*:)')


@dataclass
class Table:
    """A table as it stands in its file.

    ``frame`` has text columns where the file has text (CSV: all of them); ``lines`` gives the line
    in the file (Parquet: the row) of each row; ``unread`` names lines that are no rows.
    """

    path: Path
    frame: pl.DataFrame
    lines: list[int] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    place: str = "line"


def load(path: Path, kind: str | None = None) -> Table:
    """Load a table file; ``kind`` ("csv", "jsonl", "json", "parquet") overrides the file's suffix.

    Raises:
        LogError: the file cannot be opened, is no table, or has no row.
    """
    kind = kind or kind_of(path)
    if kind == "parquet":
        frame = read_parquet(path)
        table = Table(path, frame, list(range(1, frame.height + 1)), place="row")
    else:
        try:
            table = {"jsonl": _jsonl, "json": _json}.get(kind, _csv)(path)
        except UnicodeDecodeError as error:
            raise LogError(f"{path.name} is not text ({error.reason})") from None
        except OSError as error:
            raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    if table.frame.is_empty():
        detail = f": {table.unread[0]}" if table.unread else ""
        raise LogError(f"{path.name} has no rows{detail}")
    return table


def is_history(path: Path) -> bool:
    """Whether a file is, by its name and start, a table as JSON, such as a wandb history."""
    return _HISTORY.search(path.name.lower()) is not None and is_json_table(path)


def is_json_table(path: Path) -> bool:
    """Whether a JSON file starts as a list of objects does, or as pandas' columns by row."""
    try:
        with path.open("rb") as file:
            return _JSON_TABLE.match(file.read(512)) is not None
    except OSError:
        return False


def kind_of(path: Path) -> str:
    """The kind of table that a file name announces; CSV where it announces none."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        return "parquet"
    if name.endswith(".json"):
        return "json"
    return "jsonl" if name.endswith((".jsonl", ".ndjson")) else "csv"


def _open(path: Path) -> IO[str]:
    packed = path.name.lower().endswith(".gz")
    opener: Any = gzip.open if packed else open
    try:
        with opener(path, "rb") as file:
            encoding = encoding_of(file.read(4))
        if packed:
            _refuse_bomb(path)
    except (EOFError, zlib.error):
        raise LogError(f"{path.name} is not a whole gzip file") from None
    # One flipped bit must not cost the file: the bad byte ends up in one cell, which is then named.
    text: IO[str] = opener(path, "rt", encoding=encoding, errors="replace", newline="")
    return text


def _refuse_bomb(path: Path) -> None:
    """Unpack a gzip file without keeping it, to know its length before a row is read."""
    total = 0
    with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as file:
        while True:
            try:
                chunk = file.read(1 << 20)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                return  # a broken stream is read up to where it breaks off
            if not chunk:
                return
            total += len(chunk)
            if total > FREE + EXPANSION * raw.tell() or total > MAX_TEXT:
                message = f"unpacks to more than {EXPANSION} times its size, as no log does"
                raise LogError(f"{path.name} {message}")


def _lines(file: IO[str], table: Table) -> Iterator[str]:
    """The lines of a text file with their ends; stops at what cannot be a table."""
    total = 0
    while True:
        try:
            line = file.readline(MAX_LINE)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            table.notes.append(f"{table.path.name}: the gzip stream breaks off; read up to there")
            return
        if not line:
            return
        total += len(line)
        if len(line) >= MAX_LINE or total > MAX_TEXT:
            raise LogError(f"{table.path.name} has a line or a length that no table has")
        yield line


def _csv(path: Path) -> Table:
    table = Table(path, pl.DataFrame())
    csv.field_size_limit(MAX_LINE)  # completions are longer than the module's default of 128 KiB
    with _open(path) as file:
        lines = _lines(file, table)
        header_line = next(lines, "")
        if not header_line.strip():
            raise LogError(f"{path.name} is empty or has no header in line 1")
        delimiter = max(",;\t", key=header_line.count)
        header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter))]
        if any(not name.isprintable() or "\ufffd" in name for name in header):
            raise LogError(f"{path.name} line 1 is not text, so it is no header of a table")
        if len(header) > MAX_COLUMNS or len(set(header)) < len(header):
            raise LogError(f"{path.name} line 1 names a column twice, or too many columns")
        last = [""]
        reader = csv.reader(_remember(lines, last), delimiter=delimiter)
        frames: list[pl.DataFrame] = []
        rows: list[list[str]] = []
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                table.unread.append(f"line {reader.line_num + 1} ({error})")
                continue
            if not row or row == [""]:
                continue
            if len(row) != len(header):
                table.unread.append(
                    f"line {reader.line_num + 1} has {len(row)} cells instead of {len(header)}"
                )
                continue
            rows.append(row)
            table.lines.append(reader.line_num + 1)
            if len(rows) == CHUNK:
                frames.append(_text_frame(header, rows))
                rows = []
        frames.append(_text_frame(header, rows))
        if table.unread and not last[0].endswith(("\n", "\r")):
            half = f"line {reader.line_num + 1} "
            if table.unread[-1].startswith(half):
                table.unread.pop()
                table.notes.append(f"{path.name}: the half-written last line was left out")
        table.frame = pl.concat(frames)
    return table


def _remember(lines: Iterator[str], last: list[str]) -> Iterator[str]:
    for line in lines:
        last[0] = line
        yield line


def _text_frame(header: list[str], rows: list[list[str]]) -> pl.DataFrame:
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    return pl.DataFrame(
        [pl.Series(name, cells, dtype=pl.String) for name, cells in zip(header, columns)]  # noqa: B905
    )


def _jsonl(path: Path) -> Table:
    table = Table(path, pl.DataFrame())
    frames: list[pl.DataFrame] = []
    rows: list[dict[str, Any]] = []
    problem, ended = "", True
    with _open(path) as file:
        for number, line in enumerate(_lines(file, table), start=1):
            ended = line.endswith(("\n", "\r"))
            problem = ""
            if not line.strip():
                continue
            try:
                value = load_json(line, f"line {number}")
            except LogError as error:
                problem = str(error)
                table.unread.append(problem)
                continue
            if not isinstance(value, dict):
                table.unread.append(f"line {number} is not an object")
                continue
            rows.append(value)
            table.lines.append(number)
            if len(rows) == CHUNK:
                frames.append(object_frame(rows))
                rows = []
    if problem and not ended:
        table.unread.pop()
        table.notes.append(f"{path.name}: the half-written last line was left out")
    frames.append(object_frame(rows))
    table.frame = _joined([frame for frame in frames if frame.height])
    return table


def _json(path: Path) -> Table:
    """A JSON list of objects, or an object of columns whose rows are numbered (pandas)."""
    value = load_json(read_text(path, MAX_JSON), path.name)
    if isinstance(value, dict) and all(isinstance(column, dict) for column in value.values()):
        rows: dict[str, dict[str, Any]] = {}
        for name, column in value.items():
            for row, cell in column.items():
                rows.setdefault(row, {})[name] = cell
        value = list(rows.values())
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise LogError(f"{path.name} is no list of objects, so it is no table")
    return Table(path, object_frame(value), list(range(1, len(value) + 1)), place="row")


def object_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """JSON objects as a frame: each key a column of whole numbers, of numbers, or of text."""
    keys = dict.fromkeys(str(key) for row in rows for key in row)
    if len(keys) > MAX_COLUMNS:
        raise LogError(f"the table has {len(keys)} columns, more than the {MAX_COLUMNS} read")
    return pl.DataFrame([_column(key, [row.get(key) for row in rows]) for key in keys])


def _column(name: str, values: list[Any]) -> pl.Series:
    """JSON values as one column: whole numbers, numbers, or text where any value is text."""
    present = [value for value in values if value is not None]
    if all(type(value) is int and abs(value) < 2**63 for value in present) and present:
        return pl.Series(name, values, dtype=pl.Int64)
    if all(type(value) in (int, float) for value in present) and present:
        return pl.Series(name, [_float(value) for value in values], dtype=pl.Float64)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else chat_text(value)
    if isinstance(value, bool):
        text = json.dumps(value)
    return text.encode("utf-8", "replace").decode()  # a lone surrogate is no text to Polars


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Chunks as one frame; a column that is text in one chunk is text in all."""
    if not frames:
        return pl.DataFrame()
    texts = {c for f in frames for c, d in f.schema.items() if d == pl.String}
    return pl.concat(
        [
            f.with_columns(pl.col(c).cast(pl.String) for c in f.columns if c in texts)
            for f in frames
        ],
        how="diagonal_relaxed",
    )
