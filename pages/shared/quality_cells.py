"""Measured shares and ratios with their errors as the cells of a table."""

from __future__ import annotations

import polars as pl

from analytics.wording import MISSING, percent_spread, spread


def share_cells(table: pl.DataFrame, key: str, title: str) -> pl.Series:
    """A column of shares with that of their errors (``key_se``), in percent."""
    pairs = table.select(key, f"{key}_se").rows()
    return pl.Series(title, [percent_spread(*pair) for pair in pairs], pl.String)


def ratio_cells(table: pl.DataFrame, key: str, title: str, missing: str = MISSING) -> pl.Series:
    """A column of ratios with that of their errors (``key_se``)."""
    pairs = table.select(key, f"{key}_se").rows()
    cells = [missing if value is None else spread(value, error) for value, error in pairs]
    return pl.Series(title, cells, pl.String)
