"""Reviews that came back on a sheet, and decisions taken on a page: kept as any other record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from data import spool
from data.database.any_store import AnyStore
from data.declared import REVIEWS
from data.readers.answers.loop_tables import log


def keep_reviews(store: AnyStore, loop: str, rows: pl.DataFrame, name: str) -> int:
    """Bring reviews of one loop into its table; a rater's row of an item replaces the one before.

    Args:
        rows: columns of the table `reviews`.
        name: of the sheet, as it was sent.

    Returns:
        how many rows were handed over.

    Raises:
        StoreError: the store could not take them in; they wait in the inbox.
    """
    if rows.is_empty():
        return 0
    project = store.query("runs", project=None, runs=[loop])["project"].to_list()
    review = log(loop, True, REVIEWS, Path(name), rows, [])
    spool.write_segment(store.home, [review], project[0] if project else None)
    store.drain()
    return rows.height


def keep_decision(store: AnyStore, decision: Mapping[str, str | int | None]) -> None:
    """Write down what somebody decided.

    Raises:
        StoreError: it says not of which loop, what, by whom or when, or a value is of another kind
            than its column.
    """
    spool.write_decision(store.home, decision)
    store.drain()
