"""What differs between two runs, the first of them the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.review.differs import AtKL, at_equal_kl, one_measure, sentence, settings
from analytics.wording import MISSING, count, interval, number
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.tables import show_table

LONGEST = 200


def show_differences(curves: Sequence[RunCurve], facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Two runs: gold at equal KL in a sentence, then the settings that differ.

    Args:
        curves: the two; the first is what the second is compared with.
        facts: RunFacts as mappings, by run.
    """
    first, second = curves
    names = shown_name(first.run_id), shown_name(second.run_id)
    st.header("What differs", anchor=False)
    st.caption(f"{called(second.run_id)} compared with {called(first.run_id)}, chosen first.")
    one, other = facts[first.run_id], facts[second.run_id]
    unknown = [name for name, rows in zip(names, (one, other), strict=True)
               if rows.get("kl_conversion") in ("unknown", "missing")]  # fmt: skip
    if unknown:
        st.markdown(f"Gold cannot be compared at equal KL: KL of {called(unknown[0])} has no known "
                    "unit, or was not logged.")  # fmt: skip
    elif not one_measure(one, other):
        st.markdown(
            "Gold cannot be compared at equal KL: the two logs do not name one measure of gold."
        )
    else:
        found = at_equal_kl(first.looks, second.looks)
        st.markdown(f"**{escaped(sentence(found, *names), 90)}**")
        if found:
            show_table(_table(found, names), hide_index=True)
            st.caption("90 % for all rows together; runs taken as independent.")
    rows = settings(one, other)
    changed = rows.filter("differs")
    st.markdown(f"{count(changed.height, 'logged setting')} differ." if changed.height else
                "No logged setting differs.")  # fmt: skip
    if changed.height:
        show_table(_renamed(changed, names), hide_index=True)
    if same := rows.height - changed.height:
        with st.expander(f"{count(same, 'setting')} that both share"):
            show_table(_renamed(rows.filter(~pl.col("differs")), names), hide_index=True)


def _table(found: Sequence[AtKL], names: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame([
        {
            "KL, nats": number(row.kl), f"gold of {names[0]}": number(row.first),
            f"gold of {names[1]} ": number(row.second), "difference": number(row.difference),
            "90 % interval": MISSING if row.low is None else interval(row.low, row.high),
        }
        for row in found
    ])  # fmt: skip


def _renamed(rows: pl.DataFrame, names: tuple[str, str]) -> pl.DataFrame:
    cut = pl.col(pl.String).str.slice(0, LONGEST)
    return rows.drop("differs").with_columns(cut).rename({
        "first": names[0], "second": f"{names[1]} ",  # which may be called alike
    })  # fmt: skip
