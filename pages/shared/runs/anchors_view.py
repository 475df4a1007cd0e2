"""Whether the judge of gold drifts, as a small panel: its scores of the same responses."""

from __future__ import annotations

from typing import cast

import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.runs.anchors import anchors_figure
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.onset.sentences.labels import drift_sentences
from pages.shared import charts
from pages.shared.escaping import escaped


def show_anchors(curve: RunCurve) -> None:
    """The panel and its sentence; nothing for a run without anchors."""
    drift = curve.verdict.get("judge_drift")
    if not drift:
        return
    st.header("The judge, by its anchors", anchor=False)
    (drifts,) = drift_sentences(cast("VerdictRow", curve.verdict))
    st.markdown(escaped(drifts))
    if not drift["points"]:
        return
    charts.draw(anchors_figure(drift, curve.ordinal), "anchors", drifts)
    st.caption(
        "Mean score of the anchors less that of their first evaluation; bars: 90 % intervals. The "
        "policy cannot move them."
    )
