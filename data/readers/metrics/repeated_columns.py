"""Headings that stand twice: the later are numbered, and none that matters is chosen blindly."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from data.columns import LogError, ReadOptions
from data.readers.files.table_files import Table
from data.readers.kl import kl_headings
from data.readers.layouts.run_columns import NAMED
from data.readers.metrics import kept
from data.readers.metrics.trainer_tables import recognised
from data.readers.names.mapping import GOLD, PHASE, PROXY, RUN_COLUMNS, STEP
from data.words.terminal import one_line

_NUMBERED = re.compile(r"(.*\S) \((\d+)\)", re.DOTALL)
_LENGTH = next(column for column in RUN_COLUMNS if column.name == "response_length")
_ROLES = ((STEP, "--step"), (PROXY, "--proxy"), (GOLD, "--gold"), (NAMED, "--run-column"),
          (PHASE, ""), (_LENGTH, "--length"))  # fmt: skip


def settled(table: Table, options: ReadOptions) -> None:
    """Leave out copies of a column, and tell of others that share its heading.

    Raises:
        LogError: a heading that stands twice is one that is read, over other cells, and no option
            says which.
    """
    frame = table.frame
    pairs = [(k, m.group(1)) for k in frame.columns if (m := _NUMBERED.fullmatch(k))]
    pairs = [(key, first) for key, first in pairs if first in frame.columns]
    if not pairs:
        return
    same = [k for k, first in pairs if _equal(frame.get_column(k), frame.get_column(first))]
    table.frame = frame.drop(same)
    pairs = [pair for pair in pairs if pair[0] not in same]
    asked = {getattr(options, role) for role in (*kept.APART, *kept.KEYS)}
    for key, first in pairs:
        option = _read_as(first, table.frame.columns)
        if option is not None and not asked & {key, first}:
            raise LogError(
                f"{table.path.name}: two columns are called {one_line(first)}, and their cells "
                f"differ: say which with {option or 'one name each'} ({one_line(first)!r} is the "
                f"first, {one_line(key)!r} a later one), or leave one out"
            )
    if pairs:
        names = ", ".join(dict.fromkeys(one_line(first) for _, first in pairs))
        table.notes.append(
            f"{table.path.name}: several columns are called {names}; the later ones are numbered"
        )


def _equal(one: pl.Series, other: pl.Series) -> bool:
    return one.dtype == other.dtype and one.equals(other.alias(one.name), null_equal=True)


def _read_as(name: str, columns: Sequence[str]) -> str | None:
    """The option of the role that a heading has; empty if it has no option, None without a role."""
    if "kl" in kl_headings.words(name):
        return "--kl"
    found = next((option for column, option in _ROLES if column.find([name])), None)
    if found is None and recognised(columns) is not None:
        return ""
    return found
