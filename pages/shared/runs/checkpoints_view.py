"""Which saved checkpoint? Those around the peak side by side, each against the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.onset.choosing.side_by_side import Row, side_by_side
from analytics.onset.sentences.checkpoints import answer, decided, why_not
from analytics.wording import MISSING, number, whole, with_interval
from pages.shared import reads
from pages.shared.escaping import escaped
from pages.shared.runs.decision_card import advice_of
from pages.shared.tables import show_table


def show_checkpoints(curve: RunCurve, until: int | None) -> None:
    """Folded; what is in it is read when somebody opens it."""
    folded = st.expander("Which checkpoint?", key="checkpoints", on_change="rerun")
    if not folded.open:
        return
    with folded:
        verdict = curve.verdict
        if why := why_not(verdict, curve.checkpoints):
            st.markdown(why)
            return
        rows = compared(curve, verdict, until)
        st.markdown(f"**{escaped(answer(rows))}**")
        if rows:
            show_table(_table(rows), hide_index=True)
            st.caption(_about(rows))


def compared(curve: RunCurve, verdict: Mapping[str, Any], until: int | None) -> list[Row]:
    """The rows of the table."""
    prompts = reads.prompts(curve.run_id, until)
    chosen = advice_of(verdict).get("step")
    return side_by_side(curve.looks, curve.checkpoints, verdict["peak"]["step"], prompts, chosen)


def _table(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame([
        {
            "checkpoint": f"checkpoint-{row.step}", "KL, nats": number(row.kl),
            "gold": with_interval(*row.gold),
            "gold gained by going back": with_interval(*row.against[:3]),
            "prompts shared": whole(row.against.prompts),
            "": decided(row),
            "proxy given up": MISSING if row.proxy_cost is None else number(row.proxy_cost),
            "steps before the last": whole(row.steps),
        }
        for row in rows
    ])  # fmt: skip


def _about(rows: list[Row]) -> str:
    between = "" if all(row.own for row in rows) else (
        " A checkpoint between two evaluations has the straight line's gold, and the wider of "
        "their intervals."
    )  # fmt: skip
    paired = (
        "Where prompts are shared with it, gains are compared prompt by prompt."
        if any(row.against.prompts for row in rows)
        else "No prompts are known that both evaluations ask, so nothing is compared by pairs."
    )
    return (
        "Compared with the last gold evaluation; what the policy is worth after it is not known. "
        f"Intervals of 90 %, for all of the table together. {paired}{between}"
    )
