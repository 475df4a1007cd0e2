"""Tables of a page. The browser saves one as CSV as it is, so its texts are no formulas already."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from data.formulas import guarded


def show_table(frame: pl.DataFrame, place: Any = st, **more: Any) -> None:
    """``st.dataframe`` of a frame, in ``place``; ``more`` goes on to it."""
    place.dataframe(guarded(frame), **more)
