"""Columns that the user names: the step, the run, the response length."""

from __future__ import annotations

import re
from collections.abc import Collection

from data.columns import LogError, ReadOptions
from data.readers.mapping import RUN_ID, STEP

_MARKS = re.compile(r"[\W_]+")


def folded(key: str) -> str:
    """A heading without case, blanks and punctuation.

    >>> folded("Proxy Reward"), folded("KL ")
    ('proxyreward', 'kl')
    """
    return _MARKS.sub("", key.casefold())


def step_column(keys: Collection[str], options: ReadOptions) -> str | None:
    """The column of steps: as named by ``--step``, else under one of its known names.

    Raises:
        LogError: the named one is not there.
    """
    return _named(options.step, "--step", keys) or STEP.find(keys)


def run_column(keys: Collection[str], options: ReadOptions) -> str | None:
    """The column that tells runs apart: as named by ``--run-column``, else under a known name.

    Raises:
        LogError: the named one is not there.
    """
    return _named(options.run_column, "--run-column", keys) or RUN_ID.find(keys)


def _named(given: str | None, option: str, keys: Collection[str]) -> str | None:
    if given is None or given in keys:
        return given
    there = ", ".join(str(key)[:40] for key in list(keys)[:60]) or "none"
    raise LogError(f"{option} names {given}, which is not among the columns: {there}")
