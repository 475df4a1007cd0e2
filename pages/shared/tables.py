"""Tables of a page. The browser saves one as CSV as it is, so its texts are no formulas already."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from data.formulas import guarded
from data.wording import MISSING


def show_table(frame: pl.DataFrame, place: Any = st, **more: Any) -> None:
    """``st.dataframe`` of a frame, in ``place``; ``more`` goes on to it. Missing is a dash."""
    placeholder = more.pop("placeholder", MISSING)
    place.dataframe(guarded(frame), placeholder=placeholder, **more)
