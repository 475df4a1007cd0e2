"""The first sheet of a spreadsheet (.xlsx) that holds a table, without a package for it."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import polars as pl

from data.columns import LogError
from data.readers import headings

MOST_BYTES = 512 << 20  # of one unpacked part
MOST_ROWS = 1_048_576
_REFERENCE = re.compile(r"([A-Z]{1,3})\d*")
_CELL, _TEXT = "{*}c", "{*}t"


def load(path: Path) -> tuple[pl.DataFrame, list[int]]:
    """The rows of the first sheet that has any, as text, and the number of each.

    Raises:
        LogError: the file is no spreadsheet, or its sheets hold no table.
    """
    try:
        with zipfile.ZipFile(path) as book:
            names = [i.filename for i in book.infolist()]
            texts = list(_shared(book)) if "xl/sharedStrings.xml" in names else []
            sheets = sorted(n for n in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", n))
            for sheet in sheets:
                rows = list(_rows(book, sheet, texts))
                if len(rows) > 1:
                    return _frame(path, rows)
    except (zipfile.BadZipFile, OSError, zlib.error, ElementTree.ParseError, KeyError,
            IndexError, ValueError, RuntimeError, NotImplementedError) as error:  # fmt: skip
        cause = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise LogError(f"{path.name} is no whole spreadsheet ({cause})") from None
    raise LogError(f"{path.name} has no sheet with a heading and a row")


def _frame(path: Path, rows: list[tuple[int, list[str]]]) -> tuple[pl.DataFrame, list[int]]:
    number, first = rows[0]
    header = headings.checked(path.name, number, first)
    columns: list[list[str]] = [[] for _ in header]
    for _, cells in rows[1:]:
        padded = [*cells, *[""] * (len(header) - len(cells))]
        for column, cell in zip(columns, padded, strict=False):
            column.append(cell)
    frame = pl.DataFrame(
        [pl.Series(name, column, pl.String) for name, column in zip(header, columns, strict=True)]
    )
    return frame, [number for number, _ in rows[1:]]


def _elements(book: zipfile.ZipFile, name: str, tag: str) -> Iterator[ElementTree.Element]:
    """The elements of a part, one at a time; one that declares entities is refused."""
    info = book.getinfo(name)
    if info.file_size > MOST_BYTES:
        raise LogError(f"{name} unpacks to more than {MOST_BYTES >> 20} MiB")
    with book.open(info) as file:
        if b"<!" in file.read(4096):
            raise ValueError(f"{name} declares a document type")
    with book.open(info) as file:
        for _, element in ElementTree.iterparse(file, events=("end",)):
            if element.tag.rpartition("}")[2] == tag:
                yield element
                element.clear()


def _shared(book: zipfile.ZipFile) -> Iterator[str]:
    for element in _elements(book, "xl/sharedStrings.xml", "si"):
        yield "".join(part.text or "" for part in element.iterfind(f".//{_TEXT}"))


def _rows(book: zipfile.ZipFile, sheet: str, texts: list[str]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    for row in _elements(book, sheet, "row"):
        number = int(row.get("r", number + 1))
        cells: list[str] = []
        for cell in row.iterfind(_CELL):
            place = _place(cell.get("r", ""), len(cells))
            cells += [""] * (place - len(cells))
            cells.append(_value(cell, texts))
        if any(cells):
            yield number, cells
        if number > MOST_ROWS:
            raise LogError(f"{sheet} has more than {MOST_ROWS:,} rows")


def _place(reference: str, default: int) -> int:
    """The column of a cell such as ``C7``, from 0."""
    found = _REFERENCE.match(reference)
    if not found:
        return default
    place = 0
    for letter in found.group(1):
        place = place * 26 + ord(letter) - 64
    return place - 1


def _value(cell: ElementTree.Element, texts: list[str]) -> str:
    kind = cell.get("t")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iterfind(f".//{_TEXT}"))
    value = cell.findtext("{*}v") or ""
    if kind == "s" and value:
        return texts[int(value)]
    if kind == "b":
        return "true" if value == "1" else "false"
    return "" if kind == "e" else value
