"""Measured shares and ratios as cells of a table, and a part of evidence under its finding."""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analytics.wording import MISSING, percent_spread, spread


def evidence(title: str, finding: str) -> DeltaGenerator:
    """A folded part of the page whose heading says what was found."""
    return st.expander(f"**{title}:** {finding}")


def share_cells(table: pl.DataFrame, key: str, title: str) -> pl.Series:
    """A column of shares with that of their errors (``key_se``), in percent."""
    pairs = table.select(key, f"{key}_se").rows()
    return pl.Series(title, [percent_spread(*pair) for pair in pairs], pl.String)


def ratio_cells(table: pl.DataFrame, key: str, title: str, missing: str = MISSING) -> pl.Series:
    """A column of ratios with that of their errors (``key_se``)."""
    pairs = table.select(key, f"{key}_se").rows()
    cells = [missing if value is None else spread(value, error) for value, error in pairs]
    return pl.Series(title, cells, pl.String)
