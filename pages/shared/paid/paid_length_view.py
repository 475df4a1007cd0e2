"""What length explains of a run's gain, folded: read and computed when somebody opens it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.runs.paid_for import budget_figure
from analytics.paid_for.clusters import EstimateRow
from analytics.paid_for.length_words import length_sentences
from analytics.paid_for.report import LengthReport, OfLength, ResponsesRead
from analytics.wording import MISSING, count, number, percent, whole, with_interval
from pages.shared import charts
from pages.shared.asking import paid_reads
from pages.shared.escaping import escaped
from pages.shared.tables import show_table


def show_length(curve: RunCurve, until: int | None) -> None:
    """Sentences, the budget's picture, and the numbers behind both."""
    report: LengthReport = {
        **paid_reads.of_length(curve.run_id, until),
        "budget": paid_reads.of_budget(curve, until),
    }
    read = paid_reads.responses(curve.run_id, until)
    sentences = length_sentences(report, read["unit"])
    st.markdown("\n".join(f"- {escaped(one)}" for one in sentences))
    figure = budget_figure(report["budget"], curve.ordinal)
    if figure is not None:
        beyond = report["budget"]["falls_beyond"]
        charts.draw(figure, "length-budget", beyond["said"] if beyond else "proxy against length")
    known = any(row["by_length"] for row in report["explained"])
    if known or any(row["difference"] for row in report["matched"]):
        show_table(_table(report, read["unit"]), hide_index=True, placeholder=MISSING)
    st.caption(about(read) + " What goes with length counts as length: a slope is no experiment.")


def _table(report: OfLength, unit: str) -> pl.DataFrame:
    return pl.DataFrame([
        {
            "measure": row["measure"], "change": _cell(row["change"]),
            "share by length": _share(row["share"]),
            "at matched length": _cell(matched["difference"]),
            "by length alone": _cell(row["by_length"]),
            f"one of the {unit} more": _cell(row["slope"]),
        }
        for row, matched in zip(report["explained"], report["matched"], strict=True)
    ])  # fmt: skip


def about(read: ResponsesRead) -> str:
    """Which responses the numbers come from, and what their intervals are."""
    part = "" if read["read"] == read["logged"] else f"{whole(read['read'])} of "
    return (
        f"From {part}{count(read['logged'], 'logged response')}; the first and the last tenth of "
        "their steps are the start and now. Intervals of 95 %, with the prompt as the unit."
    )


def _cell(row: EstimateRow | None) -> str:
    if row is None:
        return MISSING
    return with_interval(*(row[key] for key in ("value", "low", "high")))


def _share(row: EstimateRow | None) -> str:
    if row is None:
        return MISSING
    ends = " to ".join(number(100 * row[key]) for key in ("low", "high"))
    return f"{percent(row['value'])} ({ends})"
