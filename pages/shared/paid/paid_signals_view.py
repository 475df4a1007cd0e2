"""Signals without gold: what asks for a look where nobody measured gold. Folded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.paid_for.signal_words import ask_sentence, signal_sentence
from pages.shared.asking import paid_reads
from pages.shared.escaping import escaped


def show_signals(run: Mapping[str, Any], curve: RunCurve, until: int | None) -> None:
    """The one line that they come to, and each signal with its null and its measured error."""
    report = paid_reads.of_signals(run, curve, until)
    st.markdown(f"**{escaped(ask_sentence(report))}**")
    known = [row for row in report["signals"] if row["value"] is not None]
    if known:
        st.markdown("\n".join(f"- {escaped(signal_sentence(row))}" for row in known))
    else:
        st.markdown("None of them was logged: length and entropy by step, rewards of an ensemble.")
    st.caption(
        "None of them tells a hack from genuine progress: they ask for gold and convict nobody. "
        "Intervals of 95 % (of an ensemble 90 %)."
    )
