"""Columns that the user names: the step, the run, the response length."""

from __future__ import annotations

from collections.abc import Collection

from data.columns import LogError, ReadOptions
from data.readers.mapping import STEP
from data.readers.run_columns import column_of


def step_column(keys: Collection[str], options: ReadOptions) -> str | None:
    """The column of steps: as named by ``--step``, else under one of its known names.

    Raises:
        LogError: the named one is not there.
    """
    return _named(options.step, "--step", keys) or _kept(options, "step", keys) or STEP.find(keys)


def run_column(keys: Collection[str], options: ReadOptions) -> str | None:
    """The column that tells runs apart: as named by ``--run-column``, else under a known name.

    Raises:
        LogError: the named one is not there.
    """
    named = _named(options.run_column, "--run-column", keys)
    return named or _kept(options, "run_column", keys) or column_of(keys)


def _kept(options: ReadOptions, role: str, keys: Collection[str]) -> str | None:
    """The column as the project says, where the table has it."""
    key = options.kept.get(role)
    return key if key in keys else None


def _named(given: str | None, option: str, keys: Collection[str]) -> str | None:
    if given is None or given in keys:
        return given
    there = ", ".join(str(key)[:40] for key in list(keys)[:60]) or "none"
    raise LogError(f"{option} names {given}, which is not among the columns: {there}")
