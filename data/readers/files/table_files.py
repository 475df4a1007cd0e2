"""Plain table files (CSV, JSONL, Parquet) as a frame plus the line that each row came from."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.files import headings, json_forms
from data.readers.files.blocks import (
    MAX_LINE,
    blocks,
    joined,
    object_frame,
    sound_csv,
    sound_jsonl,
)
from data.readers.files.parquet import parquet_remarks, read_parquet
from data.readers.raw.texts import load_json
from data.words.formulas import unguarded

SUFFIXES = (
    ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".parquet",
    ".xlsx",
)  # fmt: skip
CHUNK = 20_000  # rows held as Python objects at a time
MAX_UNREAD = 100_000  # lines that are no rows, of which each is named
MAX_REMARKS = 200
_HISTORY = re.compile(r"(history|wandb).*\.json$")
_JSON_TABLE = re.compile(rb'\s*(\[\s*\{|\{\s*"[^"]{1,200}"\s*:\s*\{\s*"0"\s*:)')

_STATE = re.compile(rb'"log_history"\s*:')


@dataclass
class Table:
    """A table as it stands in its file.

    ``frame`` has text columns where the file has text (CSV: all of them); ``lines`` gives the line
    in the file (Parquet: the row) of each row; ``unread`` names lines that are no rows.
    """

    path: Path
    frame: pl.DataFrame
    lines: Any = field(default_factory=list)  # whole numbers by row: a list, range or Series
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    place: str = "line"
    run: str = ""  # as the file itself names its one run
    of_folder: bool = False  # its one run has its folder's name: the file's says a metric
    remarks: list[str] = field(default_factory=list)  # what it says around its rows
    whole_steps: bool = False  # a row is all that was logged of its step, not one log call

    def remark(self, text: str) -> None:
        """Keep what a line says that is no row; of very many the first."""
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(text)


def load(path: Path, kind: str | None = None) -> Table:
    """Load a table file; ``kind`` ("csv", "jsonl", "json", "parquet") overrides the file's suffix.

    Raises:
        LogError: the file cannot be opened, is no table, or has no row.
    """
    kind = kind or kind_of(path)
    if kind == "xlsx":
        from data.readers.files import xlsx  # with its XML, which most imports do without

        frame, lines, remarks, notes = xlsx.load(path)
        table = Table(path, frame, lines, place="row", notes=notes, remarks=remarks)
    elif kind == "parquet":
        frame, remarks = read_parquet(path), parquet_remarks(path)
        table = Table(path, frame, range(1, frame.height + 1), place="row", remarks=remarks)
    else:
        table = Table(path, pl.DataFrame())
        table.frame = joined([frame for frame in text_blocks(table, kind) if frame.height])
    if table.frame.is_empty():
        raise no_rows(table)
    return table


def start(path: Path) -> pl.DataFrame:
    """The first rows of a table file, some megabytes of text or a thousand rows of Parquet.

    Raises:
        LogError: as of ``load``.
    """
    kind, table = kind_of(path), Table(path, pl.DataFrame())
    if kind in ("xlsx", "parquet"):
        return load(path).frame if kind == "xlsx" else read_parquet(path, rows=1000)
    for frame in text_blocks(table, kind):
        if frame.height:
            return frame
    raise no_rows(table)


def no_rows(table: Table) -> LogError:
    """What is said of a table without a row."""
    detail = f": {table.unread[0]}" if table.unread else ""
    return LogError(f"{table.path.name} has no rows{detail}")


def text_blocks(table: Table, kind: str) -> Iterator[pl.DataFrame]:
    """The rows of a text table block by block; ``table`` gets their lines and what is no row.

    Raises:
        LogError: the file cannot be opened, or is no table.
    """
    read = {"jsonl": _jsonl, "json": _json}.get(kind, _csv)
    try:
        for frame in read(table):
            yield unguarded(frame) if read is _csv else frame
            if len(table.unread) > MAX_UNREAD:
                raise LogError(f"{table.path.name} has too many lines that are no rows of a table")
    except UnicodeDecodeError as error:
        raise LogError(f"{table.path.name} is not text ({error.reason})") from None
    except OSError as error:
        reason = error.strerror or error
        raise LogError(f"{table.path.name} cannot be opened ({reason})") from None


def is_history(path: Path) -> bool:
    """Whether a file is, by its name and start, a table as JSON, such as a wandb history."""
    return _HISTORY.search(path.name.lower()) is not None and is_json_table(path)


def is_json_table(path: Path) -> bool:
    """Whether a JSON file starts as a list of objects does, or as pandas' columns by row."""
    return _JSON_TABLE.match(_start(path)) is not None


def may_be_table(path: Path) -> bool:
    """Whether a JSON file may hold a table in any form, so that it is no trainer's state."""
    start = _start(path)
    return start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{") and not _STATE.search(start)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1 << 14)
    except OSError:
        return b""


def kind_of(path: Path) -> str:
    """The kind of table that a file name announces; CSV where it announces none."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        return "parquet"
    if name.endswith(".xlsx"):
        return "xlsx"
    if name.endswith(".json"):
        return "json"
    return "jsonl" if name.endswith((".jsonl", ".ndjson")) else "csv"


def _csv(table: Table) -> Iterator[pl.DataFrame]:
    path = table.path
    csv.field_size_limit(MAX_LINE)  # completions are longer than the module's default of 128 KiB
    found = blocks(path, table.notes)
    heading, first = headings.found(next(found, b""))
    table.remarks += heading.remarks
    text, delimiter, number = heading.text, heading.delimiter, heading.lines
    if not text.strip():
        raise LogError(f"{path.name} is empty or has no header in line 1")
    if '"' in text or "\r" in text:  # a quoted name may hold a line break
        whole = chain([text.encode("utf-8", "replace") + b"\n" + first], found)
        yield from _csv_rows(table, [], delimiter, number - 1, whole)
        return
    rest: Iterable[bytes] = chain([first], found)
    if (bare := headings.unmarked(heading, first)) is not None:
        heading, delimiter, rest = bare, "|", map(headings.unframed, rest)
    if (two := headings.under(heading, first)) is not None:
        header, number, rest = two[0], number + 1, chain([two[1]], found)
        table.notes.append(f"{path.name}: two rows of headings are read as {', '.join(header[:4])}")
        header = headings.checked(path.name, number, header)
    else:
        header = headings.names(path.name, number, heading)
    if delimiter == headings.BLANKS:
        rest, delimiter = map(headings.tabbed, rest), "\t"
    for block in rest:
        if not block:
            continue
        frame = None if _has_comments(block) else sound_csv(header, block, delimiter)
        if frame is None:  # quotes may go on in the next block, so the rest is read row by row
            yield from _csv_rows(table, header, delimiter, number, chain([block], rest))
            return
        table.lines.extend(range(number + 1, number + 1 + frame.height))
        number += frame.height
        yield frame


def _csv_rows(
    table: Table, header: list[str], delimiter: str, before: int, rest: Iterable[bytes]
) -> Iterator[pl.DataFrame]:
    """Read on row by row; lines that are no rows are named, a half-written last one left out.

    Args:
        table: holds the rows read so far.
        header: names of the columns; empty = they are yet to be read.
        delimiter: between cells.
        before: lines read so far.
        rest: the blocks to read.
    """
    path, last = table.path, [""]
    # One flipped bit must not cost the file: the bad byte ends up in one cell, then named.
    texts = (io.StringIO(block.decode("utf-8", "replace"), newline="") for block in rest)
    reader = csv.reader(_remember(chain.from_iterable(texts), last), delimiter=delimiter)
    if not header:
        try:
            header = headings.checked(path.name, before + 1, next(reader))
        except (csv.Error, StopIteration):
            raise LogError(f"{path.name} line {before + 1} is no header of a table") from None
    rows: list[list[str]] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            table.unread.append(f"line {before + reader.line_num} ({error})")
            continue
        if not row or row == [""]:
            continue
        if row[0].startswith("#") and _is_comment(row, len(header)):
            table.remark(delimiter.join(row))
            continue
        if len(row) != len(header):
            table.remark(delimiter.join(row))
            table.unread.append(
                f"line {before + reader.line_num} has {len(row)} cells instead of {len(header)}"
            )
            continue
        rows.append(row)
        table.lines.append(before + reader.line_num)
        if len(rows) == CHUNK:
            yield _text_frame(header, rows)
            rows = []
    if table.unread and not last[0].endswith(("\n", "\r")):
        half = f"line {before + reader.line_num} "
        if table.unread[-1].startswith(half):
            table.unread.pop()
            table.notes.append(f"{path.name}: the half-written last line was left out")
    yield _text_frame(header, rows)


def _has_comments(block: bytes) -> bool:
    return block.startswith(b"#") or b"\n#" in block


def _is_comment(row: list[str], width: int) -> bool:
    """Whether a row that begins with ``#`` is none of a table of so many columns."""
    return len(row) != width or not any(re.fullmatch(r"\s*-?[\d.,eE+-]+\s*", cell) for cell in row)


def _remember(lines: Iterable[str], last: list[str]) -> Iterator[str]:
    for line in lines:
        last[0] = line
        yield line


def _text_frame(header: list[str], rows: list[list[str]]) -> pl.DataFrame:
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    return pl.DataFrame(
        [pl.Series(name, cells, dtype=pl.String) for name, cells in zip(header, columns)]  # noqa: B905
    )


def _jsonl(table: Table) -> Iterator[pl.DataFrame]:
    number, half = 0, False
    before: pl.DataFrame | None = None
    for block in blocks(table.path, table.notes):
        frame = sound_jsonl(block, before)
        before = frame
        if frame is not None:
            table.lines.extend(range(number + 1, number + 1 + frame.height))
            number += frame.height
        else:
            frame, number, half = _json_lines(table, block, number)
        yield frame
    if half:
        table.unread.pop()
        table.notes.append(f"{table.path.name}: the half-written last line was left out")


def _json_lines(table: Table, block: bytes, number: int) -> tuple[pl.DataFrame, int, bool]:
    """Read a block line by line: its rows, the number of its last line, whether that is half."""
    rows: list[JsonObject] = []
    problem = ""
    for line in block.splitlines(keepends=False) if b"\r" in block else block.split(b"\n"):
        number += 1
        problem = ""
        if not line.strip():
            continue
        try:
            value = load_json(line.decode("utf-8", "replace"), f"line {number}")
        except LogError as error:
            problem = str(error)
            table.unread.append(problem)
            continue
        if not isinstance(value, dict):
            table.unread.append(f"line {number} is not an object")
            continue
        rows.append(value)
        table.lines.append(number)
    if b"\r" not in block and block.endswith(b"\n"):
        number -= 1  # what follows the last line end is no line
    return (
        object_frame(json_forms.flat(rows)),
        number,
        bool(problem) and not block.endswith((b"\n", b"\r")),
    )


def _json(table: Table) -> Iterator[pl.DataFrame]:
    """Rows that stand in a JSON document in one of the usual forms, or JSON Lines."""
    path = table.path
    if json_forms.is_lines(path):
        yield from _jsonl(table)
        return
    found = json_forms.read(path)
    table.lines, table.place = list(range(1, len(found.rows) + 1)), "row"
    table.notes += found.notes
    table.remarks += found.remarks
    table.run = found.run
    yield object_frame(found.rows)
