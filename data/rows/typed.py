"""What somebody hands over to be written down, checked against its table before it is kept."""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from data.database.sql import StoreError
from data.declared import Table

LONGEST_SHOWN = 60
_YEAR_OR_MONTH = re.compile(r"[0-9]{4}(-[0-9]{2})?")
TIMES = ("at", "due", "expires")
"""Columns that hold a date or a time, ISO 8601."""


def typed(
    kind: str, table: Table, row: object, error: type[StoreError] = StoreError
) -> dict[str, Any]:
    """A row with every value as its column takes it.

    Args:
        kind: what it is called, such as note or decision.
        table: whose row it is.
        row: values by column; a date may be a date.
        error: what is raised.

    Raises:
        StoreError: it is no row of the table; the message names the value and what is expected.
    """
    types = table.types()
    if not isinstance(row, Mapping):
        raise error(f"a {kind} is a mapping of {', '.join(types)}; this is {_shown(row)}")
    if unknown := [name for name in row if name not in types]:
        raise error(f"a {kind} has no {_shown(unknown[0])}; it has: {', '.join(types)}")
    checked: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        found = _value(name, types[name], value)
        if found is None:
            wanted = _wanted(name, types[name])
            raise error(f"{name} = {_shown(value)} of a {kind}: {wanted} is expected")
        checked[name] = found
    return checked


def _value(name: str, kind: pl.DataType, value: object) -> object | None:
    """The value as its column takes it; None where it is none."""
    if name in TIMES and isinstance(value, datetime.date):
        return value.isoformat()
    if kind == pl.String:
        return value if isinstance(value, str) and _is_time(name, value) else None
    if kind == pl.Boolean:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    try:
        whole = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return whole if 0 <= whole < 2**63 else None


def _is_time(name: str, text: str) -> bool:
    if name not in TIMES or name == "due" or not text.strip():  # a due has a sentence of its own
        return True
    if _YEAR_OR_MONTH.fullmatch(text.strip()):
        return True
    try:
        datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def _wanted(name: str, kind: pl.DataType) -> str:
    if name in TIMES:
        return "a date or time such as 2026-12-04"
    if kind == pl.String:
        return "text"
    return "true or false" if kind == pl.Boolean else "a whole number, 0 or more,"


def _shown(value: object) -> str:
    """A value in one line, cut."""
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a huge number"
    shown = ascii(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
