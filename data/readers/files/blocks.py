"""A text table in blocks of whole lines: Polars reads a sound block, Python the others."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.files.completions import chat_text
from data.readers.raw.texts import encoding_of

BLOCK = 8 << 20  # bytes read at a time
MAX_LINE = 64 << 20  # bytes; a longer line is no row of a table
MAX_TEXT = 8 << 30  # bytes after decompression
EXPANSION = 100  # bytes a byte of gzip, beyond which a large text is no log but a bomb
FREE = 8 << 20  # bytes below which nothing is asked
MAX_COLUMNS = 5_000
DEEP = 64  # brackets in a line
_PLAIN = (pl.Int64, pl.Float64, pl.String, pl.Null)
_GZIP_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)


def blocks(path: Path, notes: list[str]) -> Iterator[bytes]:
    """The file in blocks of whole lines, as UTF-8 without a mark; the last may lack its line end.

    A gzip stream that breaks off is read up to there, with a note.

    Raises:
        LogError: the file cannot be a table: no gzip file, a bomb, a line without an end.
    """
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            encoding = encoding_of(file.read(4))
    except (EOFError, zlib.error):
        raise LogError(f"{path.name} is not a whole gzip file") from None
    if packed:
        _refuse_bomb(path)
    rest, total = b"", 0
    with _opened(path, packed, encoding) as file:
        while True:
            try:
                part = file.read1(1 << 18) if packed else file.read(BLOCK)
            except _GZIP_ERRORS:
                notes.append(f"{path.name}: the gzip stream breaks off; read up to there")
                break
            if not part:
                break
            if total == 0 and encoding == "utf-8-sig":
                part = part.removeprefix(b"\xef\xbb\xbf")
            total += len(part)
            end = part.rfind(b"\n") + 1
            if (len(rest) + len(part) > MAX_LINE and not end) or total > MAX_TEXT:
                raise LogError(f"{path.name} has a line or a length that no table has")
            rest += part
            if end and len(rest) >= (BLOCK if packed else 0):
                cut = len(rest) - len(part) + end
                yield rest[:cut]
                rest = rest[cut:]
    if rest:
        yield rest


class _AsUTF8:
    """A text file in another encoding, read as UTF-8; bytes that are no text are marked."""

    def __init__(self, path: Path, packed: bool, encoding: str) -> None:
        opener: Any = gzip.open if packed else open
        self._text: IO[str] = opener(path, "rt", encoding=encoding, errors="replace", newline="")

    def __enter__(self) -> _AsUTF8:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def read(self, size: int) -> bytes:
        return self._text.read(size).encode("utf-8", "replace")

    read1 = read


def _opened(path: Path, packed: bool, encoding: str) -> Any:
    if encoding != "utf-8-sig":
        return _AsUTF8(path, packed, encoding)
    return gzip.open(path, "rb") if packed else path.open("rb")


def _refuse_bomb(path: Path) -> None:
    """Unpack a gzip file without keeping it, to know its length before a row is read."""
    total = 0
    with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as file:
        while True:
            try:
                chunk = file.read(1 << 20)
            except _GZIP_ERRORS:
                return  # a broken stream is read up to where it breaks off
            if not chunk:
                return
            total += len(chunk)
            if total > FREE + EXPANSION * raw.tell() or total > MAX_TEXT:
                message = f"unpacks to more than {EXPANSION} times its size, as no log does"
                raise LogError(f"{path.name} {message}")


def sound_jsonl(block: bytes, like: pl.DataFrame | None = None) -> pl.DataFrame | None:
    """A block of JSON Lines as a frame; None where any line is not plainly an object of values.

    Columns are whole numbers, numbers or text; what is nested, mixed or huge is left to
    ``object_frame``, which gives the same columns for the same lines. Where the block has the keys
    of ``like``, the block before, its kinds need not be found out anew (half of the work).
    """
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    lists, objects = block.count(b"["), block.count(b"{")
    if b"\\u" in block:  # perhaps half a character
        return None
    if lists + objects - lines >= DEEP and _is_deep(block):
        return None
    plain = not lists and objects == lines  # nothing is nested
    frame = _alike(block, like, lines) if plain and like is not None else None
    try:
        if frame is None:
            frame = pl.read_ndjson(block, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.height != lines or any(kind not in _PLAIN for kind in frame.dtypes):
        return None
    return frame.with_columns(pl.col(pl.Null).cast(pl.String))


def _alike(block: bytes, like: pl.DataFrame, lines: int) -> pl.DataFrame | None:
    """The block read with the kinds of the one before; None where it may hold any other key.

    Nothing in it is nested.
    """
    cells = _keys(block) == lines * like.width
    if not cells and not _has_keys(block, like.columns):
        return None
    try:
        frame = pl.read_ndjson(block, schema=like.schema)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    # As many keys as cells: they are ours where each empty cell says that it is null.
    if cells and all(_nulls(block, key) == frame[key].null_count() for key in frame.columns
                     if frame[key].null_count()):  # fmt: skip
        return frame
    return frame if _has_keys(block, like.columns) else None


def _keys(block: bytes) -> int | None:
    """How many keys a block has; None where a text may hold a colon or a quote."""
    if b"\\" in block:
        return None
    import numpy as np  # takes a tenth of a second, which pays only from the second block on

    marks = np.frombuffer(block, np.uint8)
    at = np.flatnonzero(marks == ord(":"))
    return len(at) if (marks[at - 1] == ord('"')).all() else None


def _nulls(block: bytes, key: str) -> int:
    return block.count(f'"{key}":null'.encode()) + block.count(f'"{key}": null'.encode())


def _is_deep(block: bytes) -> bool:
    """Whether a line may nest deeply, over which Polars takes minutes."""
    return any(line.count(b"[") + line.count(b"{") > DEEP for line in block.split(b"\n"))


def _has_keys(block: bytes, keys: list[str]) -> bool:
    """Whether a block without anything nested has no key but ``keys``; False where in doubt."""
    return block.count(b'":') == sum(block.count(f'"{key}":'.encode()) for key in keys)


def sound_csv(header: list[str], block: bytes, delimiter: str) -> pl.DataFrame | None:
    """A block of CSV rows as a frame of text; None where it has quotes or rows of other widths."""
    if any(mark in block for mark in (b'"', b"\r", b"\0")) or not delimiter.isascii():
        return None
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    if block.count(delimiter.encode()) != lines * (len(header) - 1):
        return None
    try:
        frame = pl.read_csv(
            block, has_header=False, new_columns=header, separator=delimiter, infer_schema=False,
            quote_char=None, raise_if_empty=False,
        )  # fmt: skip
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.height != lines or frame.width != len(header):
        return None
    return frame.with_columns(pl.all().fill_null(""))


def object_frame(rows: list[JsonObject]) -> pl.DataFrame:
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


def joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Blocks as one frame; a column that is text in one block is text in all."""
    if len(frames) < 2:
        return frames[0] if frames else pl.DataFrame()
    texts = {c for f in frames for c, d in f.schema.items() if d == pl.String}
    whole = pl.concat(
        [
            f.with_columns(pl.col(c).cast(pl.String) for c in f.columns if c in texts)
            for f in frames
        ],
        how="diagonal_relaxed",
    )
    if whole.width > MAX_COLUMNS:
        raise LogError(f"the table has {whole.width} columns, more than the {MAX_COLUMNS} read")
    return whole
