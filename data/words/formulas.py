"""Text in CSV that a spreadsheet would run as a formula: guarded when written, undone when read.

An apostrophe in front makes it text in Excel, LibreOffice and Sheets (OWASP, "CSV Injection"). A
text that has such an apostrophe already gets another, so that reading gives back what was written.
"""

from __future__ import annotations

import re

import polars as pl

_BEGINS = r"'*[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_IS_NUMBER = re.compile(_NUMBER)


def guarded_text(text: str) -> str:
    """A name with an apostrophe in front where it would be a formula; numbers stay numbers.

    >>> guarded_text("=1+1"), guarded_text("-0.5"), guarded_text("kl")
    ("'=1+1", '-0.5', 'kl')
    """
    formula = re.match(_BEGINS, text) and not _IS_NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def unguarded_text(text: str) -> str:
    """The name that ``guarded_text`` was given.

    >>> unguarded_text("'=1+1"), unguarded_text("'tis"), unguarded_text("''=1")
    ('=1+1', "'tis", "'=1")
    """
    return text[1:] if text.startswith("'") and re.match(_BEGINS, text) else text


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame whose texts and headings are no formulas."""
    texts = pl.col(pl.String)
    formula = texts.str.contains(f"^{_BEGINS}") & ~texts.str.contains(f"^{_NUMBER}$")
    safe = frame.with_columns(pl.when(formula).then("'" + texts).otherwise(texts).name.keep())
    return safe.rename({name: guarded_text(name) for name in safe.columns})


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """A frame as CSV that a spreadsheet can open without running it."""
    return guarded(frame).write_csv().encode()


def unguarded(frame: pl.DataFrame) -> pl.DataFrame:
    """The texts of a frame that was read from CSV, as they were before ``guarded``."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    begun = frame.select(pl.col(texts).str.starts_with("'").any()).row(0) if texts else ()
    marked = [name for name, begins in zip(texts, begun, strict=True) if begins]
    if not marked:
        return frame
    return frame.with_columns(pl.col(marked).str.replace(f"^'({_BEGINS})", "$1"))
