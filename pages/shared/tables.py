"""Tables of a page. The browser saves one as CSV as it is, so its texts are no formulas already."""

from __future__ import annotations

from typing import Any

import polars as pl
import polars.selectors as cs
import streamlit as st

from data.words.formulas import guarded
from data.words.wording import MISSING

MOST_AT_ONCE = 150_000
"""Rows that are sent with the page."""


def show_table(frame: pl.DataFrame, place: Any = st, **more: Any) -> None:
    """``st.dataframe`` of a frame, in ``place``; ``more`` goes on to it. Missing is a dash.

    It goes there as an Arrow table: of any other frame Streamlit makes one by way of pandas, which
    takes 40 MB of the server's memory, and is loaded for nothing else.
    """
    placeholder = more.pop("placeholder", MISSING)
    whole = guarded(frame).with_columns(
        cs.float().fill_nan(None), cs.by_dtype(pl.Categorical, pl.Enum).cast(pl.String)
    )
    if frame.height > MOST_AT_ONCE:  # Streamlit sends these in parts
        place.dataframe(whole, placeholder=placeholder, **more)
        return
    table = whole.to_arrow(compat_level=pl.CompatLevel.oldest())
    place.dataframe(table, placeholder=placeholder, lazy=False, **more)
