"""Rival explanations beside an alarm, as far as the log has them. Folded."""

from __future__ import annotations

import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.paid_for.rival_words import rival_sentence, rivals_heading
from pages.shared.asking import paid_reads
from pages.shared.escaping import escaped


def show_rivals(curve: RunCurve, until: int | None) -> None:
    """Each explanation in a line: seen, from what to what; not seen; not logged."""
    report = paid_reads.of_rivals(curve, until)
    if report is None:
        return
    st.markdown(f"**{escaped(rivals_heading(report))}**")
    st.markdown("\n".join(f"- {escaped(rival_sentence(row))}" for row in report["rivals"]))
    st.caption(
        "Medians at the start of the run, just before gold’s peak, and from there to the alarm; "
        "seen is what lies beyond both, by four errors of its rows and by half as much again."
    )
