"""Regular expressions of a reader: tried before a table of texts is searched by them."""

from __future__ import annotations

import duckdb

from data.store import Store

LONGEST = 400
"""Letters of an expression."""


def fault_of(store: Store, pattern: str) -> str | None:
    """Why an expression cannot be used, in a few words; None where it can.

    DuckDB's expressions (RE2) take a time in proportion to the text, whatever the expression.
    """
    if len(pattern) > LONGEST:
        return f"it has more than {LONGEST} letters"
    try:
        store.query("pattern_check", pattern=pattern)
    except duckdb.Error as error:
        return str(error).splitlines()[0].partition(": ")[2] or str(error).splitlines()[0]
    return None
