"""The first sheet of a spreadsheet (.xlsx) that holds a table, without a package for it."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import polars as pl

from data.columns import LogError
from data.readers.files import headings
from data.readers.names.mapping import GOLD, KL, PHASES, PROXY

MOST_BYTES = 512 << 20  # of one unpacked part
MOST_ROWS = 1_048_576
_REFERENCE = re.compile(r"([A-Z]{1,3})\d*")
_CELL, _TEXT = "{*}c", "{*}t"


@dataclass
class _Sheet:
    """A sheet as a table: its heading, the number and the cells of each row, what stands above."""

    name: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    remarks: list[str]

    @property
    def ours(self) -> bool:
        """Whether its heading names a reward or a KL."""
        return any(column.find(self.header) for column in (PROXY, GOLD, KL))


def load(path: Path) -> tuple[pl.DataFrame, list[int], list[str], list[str]]:
    """The rows of the sheet that holds metrics, else of the first that has any, as text.

    Sheets of one heading are read together, told apart by their names. Beside the rows: the
    number of each, what the book says around them, and notes on what was chosen.

    Raises:
        LogError: the file is no spreadsheet, or its sheets hold no table.
    """
    try:
        with zipfile.ZipFile(path) as book:
            sheets, remarks = _sheets(path, book)
    except (zipfile.BadZipFile, OSError, zlib.error, ElementTree.ParseError, KeyError,
            IndexError, ValueError, RuntimeError, NotImplementedError) as error:  # fmt: skip
        cause = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise LogError(f"{path.name} is no whole spreadsheet ({cause})") from None
    if not sheets:
        raise LogError(f"{path.name} has no sheet with a heading and a row")
    chosen = next((sheet for sheet in sheets if sheet.ours), sheets[0])
    alike = [sheet for sheet in sheets if sheet.ours and sheet.header == chosen.header] or [chosen]
    left = [sheet for sheet in sheets if sheet not in alike]
    for sheet in sheets:
        remarks += [sheet.name, *sheet.remarks, *_texts_of(sheet, everything=sheet in left)]
    notes = []
    if others := [repr(sheet.name) for sheet in left if sheet.ours]:
        kept = ", ".join(repr(sheet.name) for sheet in alike)
        notes.append(f"{path.name}: sheet {kept} is read, {', '.join(others[:5])} left out")
    frame = pl.concat([_frame(path, sheet) for sheet in alike])
    if len(alike) > 1:
        names = pl.Series([sheet.name for sheet in alike for _ in sheet.rows], dtype=pl.String)
        column = "phase" if {s.name.lower() for s in alike} <= PHASES.keys() else "run"
        if column not in chosen.header:
            frame = frame.with_columns(names.alias(column))
            notes.append(f"{path.name}: its {len(alike)} sheets are read as {column}s".replace(
                "phases", "phases of one run"))  # fmt: skip
    return frame, [number for sheet in alike for number, _ in sheet.rows], remarks, notes


def _sheets(path: Path, book: zipfile.ZipFile) -> tuple[list[_Sheet], list[str]]:
    """The sheets that have a heading and a row, and what stands in comments and titles."""
    parts = [i.filename for i in book.infolist()]
    texts = list(_shared(book)) if "xl/sharedStrings.xml" in parts else []
    names = []
    if "xl/workbook.xml" in parts:
        names = [e.get("name") or "" for e in _elements(book, "xl/workbook.xml", "sheet")]
    files = sorted((n for n in parts if re.fullmatch(r"xl/worksheets/[^/]+\.xml", n)), key=_number)
    found, remarks = [], []
    for place, file in enumerate(files):
        name = names[place] if place < len(names) else f"sheet {place + 1}"
        rows = list(_rows(book, file, texts))
        above = _above(rows)
        remarks += [text for _, cells in rows[:above] for text in cells if text]
        if len(rows) > above + 2 and (
            joined := headings.joined_rows(_padded(rows, above), _padded(rows, above + 1))
        ):
            above += 1
            rows[above] = (rows[above][0], joined)
        if len(rows) > above + 1:
            width = len(rows[above][1])
            outside = [text for _, cells in rows[above + 1 :] for text in cells[width:] if text]
            found.append(_Sheet(name, rows[above][1], rows[above + 1 :], outside[:99]))
        else:
            remarks += [name, *(text for _, cells in rows for text in cells if text)]
    for part in parts:
        if re.fullmatch(r"xl/(comments\d*|comments/.*|threadedComments/.*)\.xml", part):
            remarks += [
                "".join(t.text or "" for t in e.iter() if t.tag.rpartition("}")[2] == "t")
                for e in _elements(book, part, "comment")
            ]
    if "docProps/core.xml" in parts:
        for tag in ("title", "description", "subject"):
            remarks += [e.text for e in _elements(book, "docProps/core.xml", tag) if e.text]
    return found, remarks


def _padded(rows: list[tuple[int, list[str]]], place: int) -> list[str]:
    """A row as wide as the widest of the two that may be a heading together."""
    width = max(len(rows[i][1]) for i in (place, place - 1, place + 1) if 0 <= i < len(rows))
    return [*rows[place][1], *[""] * (width - len(rows[place][1]))]


def _number(name: str) -> tuple[int, str]:
    digits = re.search(r"(\d+)\.xml$", name)
    return (int(digits.group(1)) if digits else 0, name)


def _above(rows: list[tuple[int, list[str]]]) -> int:
    """How many rows of one text each, titles and notes, stand above the heading."""
    for place, (_, cells) in enumerate(rows[: headings.TITLES]):
        filled = [cell for cell in cells if cell]
        if len(filled) > 1 or not re.search(r"[A-Za-z]{2}", "".join(filled)):
            return place if place < len(rows) and len(filled) > 1 else 0
    return 0


def _texts_of(sheet: _Sheet, everything: bool) -> list[str]:
    """Texts of a sheet that stand alone in a row, or, of one that is not read, all of them."""
    rows = sheet.rows if not everything else [(0, sheet.header), *sheet.rows[:200]]
    filled = ([cell for cell in cells if cell] for _, cells in rows)
    kept = [": ".join(texts) for texts in filled
            if (everything or len(texts) == 1) and re.search(r"[A-Za-z]{2}", texts[0])]  # fmt: skip
    return kept[:99]


def _frame(path: Path, sheet: _Sheet) -> pl.DataFrame:
    first = sheet.rows[0][0] - 1
    header = headings.checked(path.name, first, sheet.header)
    columns: list[list[str]] = [[] for _ in header]
    for _, cells in sheet.rows:
        padded = [*cells, *[""] * (len(header) - len(cells))]
        for column, cell in zip(columns, padded, strict=False):
            column.append(cell)
    return pl.DataFrame(
        [pl.Series(name, column, pl.String) for name, column in zip(header, columns, strict=True)]
    )


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
