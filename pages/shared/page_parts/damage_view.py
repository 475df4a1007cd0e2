"""Files of the archive that cannot be read any more, told on the page of sources."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from analytics.wording import MISSING, count
from pages.shared.tables import show_table


def show_damage(damaged: Sequence[dict[str, str]]) -> None:
    """A warning with what cannot be read, where there is any."""
    if not damaged:
        return
    st.error(
        f"{count(len(damaged), 'file')} of the archive cannot be read any more. The store still "
        "has these rows, but could not be rebuilt without them: import the logs again, or bring "
        "the files back from a backup.",
        icon=":material/heart_broken:",
    )
    show_table(pl.DataFrame(damaged), hide_index=True, placeholder=MISSING)
