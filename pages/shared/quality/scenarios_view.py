"""The alarms over all simulated scenarios, and where the promise is not given."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from analytics.measured.published import red_over_scenarios
from analytics.measured.rows import DetectorRow
from analytics.wording import MISSING, number, percent, percent_spread
from pages.shared.quality.quality_cells import evidence, ratio_cells, share_cells
from pages.shared.tables import show_table


def show_scenarios(rows: Sequence[DetectorRow]) -> None:
    """RED in every scenario, beside the limit of what is possible."""
    over = red_over_scenarios(rows)
    shares = sorted(over["false_alarms"])
    least, most = percent(shares[0], 1), percent(shares[-1], 1)
    part = evidence(
        "On other runs", f"a false alarm in {least} to {most} at worst, by evaluations and noise"
    )
    part.caption(
        "The limit: the median delay of the best possible rule that keeps 5 % false alarms on "
        "every gold that never falls, for curves that are known (c = 2.6; docs/methods.md). "
        "Earlier alarms than that need less noise. Asked: power and delay that a good scan should "
        "reach. Slope scan: the delay of the textbook scan, viewed once at a known plan."
    )
    show_table(
        over.select(
            "scenario",
            share_cells(over, "false_alarms", "worst false alarms"),
            share_cells(over, "power", "power"),
            ratio_cells(over, "ratio", "delay"),
            pl.Series("limit", [number(value) for value in over["limit"]]),
            pl.Series("delay : limit", [number(value) for value in over["over_limit"]]),
            pl.Series("asked", [
                MISSING if None in pair else f"{percent(pair[0])}, {number(pair[1])}"
                for pair in over.select("power_asked", "ratio_asked").rows()
            ]),
            pl.Series("slope scan", [number(value) for value in over["prototype"]]),
        ),
        part, hide_index=True, placeholder=MISSING,
        column_config={"scenario": st.column_config.Column(width="large")},
    )  # fmt: skip


def show_not_promised(dense: Sequence[DetectorRow]) -> None:
    """Rows whose error nothing states: false alarms beyond 5 %, and what to do."""
    if not dense:
        return
    worst = max(dense, key=lambda row: row["alarms"])
    part = evidence(
        "Where 5 % is not promised",
        f"up to {percent_spread(worst['alarms'], worst['alarms_se'])} false alarms where nothing "
        "states gold's error",
    )
    part.markdown(
        "Flat gold from rows whose error nothing states, which grows threefold and whose "
        "neighbours are correlated: the correlation has to be learnt from the same few rows. A "
        "verdict there is flagged. State gold's standard error, or evaluate on fixed prompts."
    )
    show_table(
        pl.DataFrame({
            "rows": [row["rows"] for row in dense],
            "correlation of neighbours": [row["autocorrelation"] for row in dense],
            "false alarms": [percent_spread(row["alarms"], row["alarms_se"]) for row in dense],
        }),
        part, hide_index=True, placeholder=MISSING,
    )  # fmt: skip
