"""Cells of a plain table as numbers, steps and phases, with those that are none named by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from data.declared import Column
from data.readers.files.completions import as_text
from data.readers.files.table_files import Table
from data.readers.names.mapping import PHASES
from data.readers.raw import number_texts
from data.readers.raw.scalars import MAX_STEP
from data.readers.raw.texts import several

EMPTY = (
    "", "na", "n/a", "none", "null", "-", "--", "\u2013", "\u2014", "nil", "missing", "#n/a", "#na",
    "#value!", "#div/0!", "undefined", "not measured",
)  # fmt: skip
"""Cells that say that there is no value (compared in lower case)."""


TRUTHS = {
    "true": True, "yes": True, "1": True, "1.0": True,
    "false": False, "no": False, "0": False, "0.0": False,
}  # fmt: skip
NOTHING: Mapping[str, str] = {}
_OF_ALL = r"^\s*(\d{1,18})\s*/\s*\d+\s*$"
_NAMED = (
    r"(?i)^.*?(?:step|iter|iteration|update|ckpt|checkpoint|round)s?[\s_\-=:#]*(\d{1,18})/?\s*$"
)
_SHORT = r"^\s*(\d{1,9}(?:\.\d{1,9})?)\s*([kKmM])\s*$"
_SHOWING = 50  # rows that show whether a column of text holds numbers


def _fractions(values: pl.Series) -> bool:
    """Whether more than a third of a column's numbers, as of half steps, are no whole ones."""
    if values.dtype.is_float() and values.len() > 1:
        known = values.filter(values.is_finite() & (values >= 0))
        whole = (known.floor() == known).sum() or 0
        return known.len() - whole > 1 and whole * 3 < known.len() * 2
    return False


@dataclass
class Cells:
    """The columns of a table by name, and the problems met while reading them."""

    table: Table
    problems: list[tuple[int, str]] = field(default_factory=list)  # row, what is wrong
    bad_rows: set[int] = field(default_factory=set)
    errors: dict[str, pl.Series] = field(default_factory=dict)  # of cells such as 0.61 ± 0.02
    errors_used: set[str] = field(default_factory=set)  # columns whose errors are kept
    _read: dict[str, pl.Series] = field(default_factory=dict)  # columns of text that are numbers

    @cached_property
    def decimal_commas(self) -> bool:
        """Whether the table writes ``0,5`` for a half."""
        return number_texts.has_decimal_commas(self.table.frame)

    def texts(self, name: str) -> pl.Series:
        """A column as text; empty cells stay empty text, missing ones are null."""
        column = self.table.frame.get_column(name)
        if column.dtype in (pl.List, pl.Struct, pl.Array, pl.Object, pl.Binary):
            return as_text(column)
        return column.cast(pl.String)

    def numbers(self, name: str) -> pl.Series:
        """A column as floats (nulls where empty or unreadable; NaN and infinity kept).

        A cell that is not a number is named with its line and column.
        """
        if name in self._read:
            return self._read[name]
        column = self.table.frame.get_column(name)
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            return column.cast(pl.Float64)
        if column.dtype != pl.String:
            self.problems.append((-1, f"column {name} does not hold numbers"))
            return pl.Series(name, [None] * column.len(), dtype=pl.Float64)
        values = column.cast(pl.Float64, strict=False)
        if not self.decimal_commas and not _holds_more(column, values):
            return values  # numbers and empty cells, as is usual: no need to look at each
        trimmed = column.str.strip_chars()
        values = self._parted(name, trimmed, self._as_written(trimmed))
        bad = values.is_null() & ~trimmed.str.to_lowercase().is_in(EMPTY) & trimmed.is_not_null()
        for row in bad.arg_true().to_list():
            self.name(row, name, column[row], "is not a number")
        return values

    def _parted(self, name: str, texts: pl.Series, values: pl.Series) -> pl.Series:
        """Numbers with those of cells that hold a value and its error, which is kept apart."""
        left = values.is_null()
        both = number_texts.with_errors(texts, self.decimal_commas)
        found = left & both.is_not_null()
        if not found.any():
            return values
        self.errors[name] = both.struct.field("error").alias(name)
        return values.zip_with(~found, both.struct.field("value").alias(name))

    def _as_written(self, texts: pl.Series) -> pl.Series:
        """Cells as floats, however their numbers are written; null where they are none."""
        values = texts.cast(pl.Float64, strict=False)
        if values.null_count() == texts.null_count() and not self.decimal_commas:
            return values
        truth = number_texts.truths(texts)
        if truth is not None:
            return truth
        written = number_texts.numbers(texts, self.decimal_commas)
        return written if self.decimal_commas else values.fill_null(written)

    def steps(self, name: str) -> pl.Series:
        """A column as steps; a row whose cell is no whole number >= 0 is a bad row (and null).

        ``12/60`` and ``checkpoint-12`` are step 12. Where most are fractions, as epochs are, their
        order numbers the rows from 0, and that is said.
        """
        column = self._first_parts(name)
        values = self.numbers(name) if column.dtype == pl.String else column.cast(pl.Float64)
        good = values.is_finite() & (values.floor() == values) & (values >= 0) & (values < MAX_STEP)
        good = good.fill_null(False)
        whole = good.all()
        if not whole and _fractions(values):
            self.table.notes.append(
                f"{self.table.path.name}: column {name} holds fractions, as an epoch does, and no "
                "steps: its order numbers the rows from 0"
            )
            places = (values.fill_nan(None).rank("dense") - 1).cast(pl.Int64)
            for row in places.is_null().arg_true().to_list():
                self.bad_rows.add(row)
                self.name(row, name, column[row], "is no number")
            return places
        steps = column if column.dtype.is_integer() else values
        if not whole:
            for row in (~good).arg_true().to_list():
                self.bad_rows.add(row)
                cell, value = column[row], values[row]
                if value is not None or cell is None or str(cell).strip().lower() in EMPTY:
                    self.name(row, name, cell, "is not a step (a whole number from 0)")
            steps = steps.set(~good, None)
        return steps.cast(pl.Int64)

    def _first_parts(self, name: str) -> pl.Series:
        """A column whose cells ``12/60``, ``step 12`` have become 12, here and in the table."""
        column = self.table.frame.get_column(name)
        if column.dtype == pl.String and column.str.contains(_SHORT).any():
            return self._in_full(name, column)
        for form in (_OF_ALL, _NAMED) if column.dtype == pl.String else ():
            if column.head(1).str.contains(form).any():
                column = column.str.replace(form, "$1")
                self.table.frame = self.table.frame.with_columns(column)
                break
        return column

    def _in_full(self, name: str, column: pl.Series) -> pl.Series:
        """Steps such as ``5k`` as 5000, here and in the table, where the others are numbers."""
        parts = pl.DataFrame({"c": column}).select(
            pl.col("c").str.extract(_SHORT, 1).cast(pl.Float64).alias("n"),
            pl.col("c").str.extract(_SHORT, 2).str.to_lowercase().alias("of"), "c",
        )  # fmt: skip
        times = pl.when(pl.col("of") == "m").then(1e6).otherwise(1e3)
        whole = (pl.col("n") * times).round(6)
        text = pl.when(whole == whole.floor()).then(whole.cast(pl.Int64).cast(pl.String))
        full = parts.select(pl.coalesce(text, "c").alias(name)).to_series()
        first = column.filter(column.str.contains(_SHORT))[0]
        self.table.notes.append(
            f"{self.table.path.name}: column {name} writes its steps as {first.strip()}: k is read "
            "as a thousand, M as a million"
        )
        self.table.frame = self.table.frame.with_columns(full)
        return full

    def truths(self, name: str) -> pl.Series:
        """A column as truths (true, yes, 1, false …); null for what is neither, which is named."""
        column = self.table.frame.get_column(name)
        if column.dtype == pl.Boolean:
            return column
        folded = self.texts(name).str.strip_chars().str.to_lowercase()
        for row in (~folded.is_in([*TRUTHS, *EMPTY])).fill_null(False).arg_true().to_list():
            self.name(row, name, column[row], "is neither true nor false")
        return folded.replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)

    def declared(self, column: Column) -> pl.Series:
        """The cells of a declared column, null where they are empty or it is not there."""
        name, kind = column.name, column.dtype
        if name not in self.table.frame.columns:
            return pl.Series(name, [None], dtype=kind).new_from_index(0, self.table.frame.height)
        if kind == pl.Boolean:
            return self.truths(name).alias(name)
        if kind == pl.String:
            texts = self.texts(name).str.strip_chars()
            return texts.set(texts == "", None).alias(name)
        numbers = self.numbers(name).cast(pl.Float64).fill_nan(None)
        if kind.is_integer():
            numbers = numbers.round(0).cast(pl.Int64, strict=False)
        return numbers.alias(name)

    def phases(self, name: str, further: Mapping[str, str] = NOTHING) -> pl.Series:
        """A column as phases; a row with an unknown word is a bad row, never training.

        further: words beside `mapping.PHASES`, and their phases.
        """
        known = {**PHASES, **further}
        cells = self.texts(name)
        words = cells.str.strip_chars().str.to_lowercase().fill_null("").replace("", "train")
        for row in (~words.is_in(list(known))).arg_true().to_list():
            self.bad_rows.add(row)
            self.name(row, name, cells[row], "is neither train nor eval")
        return words.replace_strict(known, default="eval", return_dtype=pl.String)

    def further(self, taken: set[str]) -> list[str]:
        """Names of the other columns that hold numbers."""
        names: list[str] = []
        for name, dtype in self.table.frame.schema.items():
            if name in taken:
                continue
            if dtype.is_numeric() or dtype == pl.Boolean:
                names.append(name)
            elif dtype == pl.String:
                column = self.table.frame.get_column(name)
                values = column.cast(pl.Float64, strict=False)
                if values.null_count() == column.null_count() < column.len():
                    self._read[name] = values  # every cell is a number: need not be read twice
                elif not _mostly_numbers(column) and not self._mostly_written(column):
                    continue
                names.append(name)
        return names

    def _mostly_written(self, column: pl.Series) -> bool:
        """Whether a text column is one of numbers with commas, blanks or percent signs."""
        first = column.drop_nulls().head(_SHOWING)
        if not first.str.contains(r"[,%\u00a0\u202f' ]").any():
            return False
        written = number_texts.numbers(first, self.decimal_commas)
        return written.count() * 2 > first.len()

    def name(self, row: int, column: str, cell: object, what: str) -> None:
        """Note what is wrong with one cell, with its place in the file."""
        place = f"{self.table.place} {self.table.lines[row]}"
        problem = f"{place} has no {column[:80]}"
        if cell is not None:
            problem = f"{place}, column {column[:80]}: {str(cell)[:40]!r} {what}"
        self.problems.append((row, problem))

    def all_problems(self) -> list[str]:
        """Lines that are no rows, and cells that could not be read."""
        return [*self.table.unread, *(text for _, text in self.problems)]

    def notes_of(self, names: pl.Series, run: str) -> list[str]:
        """Warnings for one run: its own cells, and what befell the whole file.

        Args:
            names: the run of each row.
            run: one of them.
        """
        troubled = {row for row, _ in self.problems if row >= 0} | self.bad_rows
        return self.notes([row for row in troubled if names[row] == run])

    def _note_of_errors(self, column: str) -> str:
        kept = "is taken for its standard error" if column in self.errors_used else "is left out"
        shown = self.errors[column]
        first = self.texts(column).filter(shown.is_not_null())[0]
        if number_texts.is_interval(first):
            kept += ", which is half of the interval over 1.96, as of one of 95 %"
        return (
            f"column {column}: {shown.count()} cells hold a value with an error, as {first!r}: the "
            f"value is read, the error {kept}"
        )

    def notes(self, rows: Iterable[int]) -> list[str]:
        """Warnings for the run that has ``rows`` (it is enough to name those with a problem)."""
        name, mine = self.table.path.name, {*rows, -1}
        notes = list(self.table.notes)
        if self.table.unread:
            count = len(self.table.unread)
            notes.append(f"{name}: {count} lines were not read: {several(self.table.unread)}")
        notes += [self._note_of_errors(column) for column in self.errors]
        dropped = sum(row in mine for row in self.bad_rows)
        problems = [text for row, text in self.problems if row in mine]
        if problems:
            lost = f" ({dropped} rows left out)" if dropped else ""
            notes.append(f"{name}: {len(problems)} cells were not read{lost}: {several(problems)}")
        return notes


def _holds_more(texts: pl.Series, values: pl.Series) -> bool:
    """Whether any cell is neither one of the numbers ``values`` nor empty."""
    left = values.null_count() - texts.null_count()
    if not left or left == (texts == "").sum():
        return False
    rest = texts.filter(values.is_null()).drop_nulls()
    return not rest.str.strip_chars().str.to_lowercase().is_in(EMPTY).all()


def _mostly_numbers(column: pl.Series) -> bool:
    """Whether a text column is one of numbers: one stray word does not make it text."""
    trimmed = column.str.strip_chars()
    filled = (~trimmed.str.to_lowercase().is_in(EMPTY)).sum() or 0
    numbers = trimmed.cast(pl.Float64, strict=False).is_not_null().sum()
    return filled > 0 and numbers * 2 > filled


def split_by(values: Sequence[str]) -> dict[str, list[int]]:
    """Row numbers by value, in order of first appearance."""
    rows: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        rows.setdefault(value, []).append(row)
    return rows
