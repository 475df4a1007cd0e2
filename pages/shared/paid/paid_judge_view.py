"""The judge over training: does the proxy still rank responses as gold does? Folded."""

from __future__ import annotations

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.runs.paid_for import ranks_figure
from analytics.paid_for.clusters import EstimateRow
from analytics.paid_for.judge_ranks import EnvironmentRanks, SegmentRanks
from analytics.paid_for.judge_words import judge_sentences, parting_sentence
from analytics.wording import MISSING, steps, whole, with_interval
from pages.shared import charts
from pages.shared.asking import paid_reads
from pages.shared.escaping import escaped
from pages.shared.paid.paid_length_view import about
from pages.shared.tables import show_table


def show_judge(curve: RunCurve, until: int | None) -> None:
    """What the ranks say, their picture, each stretch of steps and each environment."""
    report = paid_reads.of_judge(curve.run_id, until)
    sentence = parting_sentence(report["parting"])
    st.markdown(f"**{escaped(sentence)}**")
    rest = [one for one in judge_sentences(report) if one != sentence]
    st.markdown("\n".join(f"- {escaped(one)}" for one in rest))
    figure = ranks_figure(report["steps"], curve.ordinal)
    if figure is not None:
        charts.draw(figure, "judge-ranks", sentence)
    rows = [
        {"steps or environment": steps(row["step_start"], row["step_end"]), **_cells(row)}
        for row in report["steps"]
    ]
    rows += [
        {"steps or environment": row["environment"], **_cells(row)}
        for row in report["environments"]
    ]
    if rows:
        show_table(pl.DataFrame(rows), hide_index=True, placeholder=MISSING)
    st.caption(
        about(paid_reads.responses(curve.run_id, until)) + " The rank correlation also falls where "
        "a good policy leaves less to be told apart; no warning hangs on it, as its error on "
        "healthy trainings is not known."
    )


def _cells(row: SegmentRanks | EnvironmentRanks) -> dict[str, str]:
    return {
        "responses": whole(row["responses"]),
        "rank correlation": _cell(row["spearman"]),
        "AUROC": _cell(row["auroc"]),
        "slope of gold on proxy": _cell(row["slope"]),
    }


def _cell(one: EstimateRow | None) -> str:
    return MISSING if one is None else with_interval(one["value"], one["low"], one["high"])
