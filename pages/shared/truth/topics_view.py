"""Topics, and knowledge categories apart from them: a dot plot, the numbers folded below it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl
import streamlit as st

from analytics.figures.truth.topics import MOST_PARTS, topic_figure
from analytics.hallucination import rows as nested
from analytics.hallucination.words import FEW_QUESTIONS, change_sentence, origin_words
from analytics.wording import MISSING, rate_interval, whole
from pages.shared import charts
from pages.shared.escaping import escaped
from pages.shared.page_parts.fault_view import together
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import Scope

LEVELS = {"topic": "Topics", "knowledge": "What the base model knew"}


def show_topics(scope: Scope, loops: Sequence[str], since: pl.DataFrame) -> None:
    """Each origin's topics and categories at the end of the loops, the surest change first.

    Args:
        scope: for the loops' lines.
        loops: on the page.
        since: rows of the last iteration of each loop, compared with its start.
    """
    few = pl.col("questions") < FEW_QUESTIONS
    table = (
        since.filter(pl.col("n") > 0, pl.col("level") != "total")
        .with_columns(part=pl.coalesce("topic", "knowledge"))
        .sort(few, "change_q", "change_p", -(pl.col("change_difference").abs()),
              "part", "loop", nulls_last=True)
    )  # fmt: skip
    if table.is_empty():
        return
    st.header("By topic, the surest change first", anchor=False)
    origins = sorted(table["origin"].unique(), key=lambda o: (o != "benchmark", o))
    _draw(scope, loops, table.filter(~few), origins[0])
    st.caption("Filled: now, with its 95 % interval; open: at the start. Colours as above.")
    with st.expander("Topics in numbers, and of other questions"):
        for origin in origins[1:]:
            _draw(scope, loops, table.filter(~few), origin)
        _numbers(table)


def _draw(scope: Scope, loops: Sequence[str], table: pl.DataFrame, origin: str) -> None:
    cells = st.columns(2, gap="medium")
    levels = [level for level in LEVELS if table.filter(origin=origin, level=level).height]
    if not levels:
        st.caption(
            f"No topic of {origin_words(origin)} has {whole(FEW_QUESTIONS)} questions: too few to "
            "tell."
        )  # fmt: skip
    for cell, level in zip(cells, levels, strict=False):
        mine = table.filter(origin=origin, level=level)
        title = f"{LEVELS[level]}, {origin_words(origin)}"
        with cell:
            st.markdown(f"**{escaped(title)}**")
            figure = together(
                scope.lines(loops), lambda line: line.label, "drawn",
                partial(topic_figure, mine),
            )  # fmt: skip
            if figure is not None:
                charts.draw(figure, f"topics-{origin}-{level}", title)
            if (parts := mine["part"].n_unique()) > MOST_PARTS:
                st.caption(f"The first {MOST_PARTS} of {whole(parts)}; the table has all.")


def _numbers(table: pl.DataFrame) -> None:
    ends = [
        rate_interval(row["rate"], row["low"], row["high"]) for row in table.iter_rows(named=True)
    ]
    show_table(
        table.select(
            pl.col("part").alias("topic or category"),
            "loop",
            pl.col("origin").str.replace("_", "-"),
            pl.col("questions").alias("n"),
            pl.Series("wrong (95 %)", ends),
            (100 * pl.col("change_difference")).alias("change, points"),
            pl.col("change_q").alias("q"),
            pl.Series("what changed", [change_sentence(row) for row in nested(table.drop("part"))]),
            (100 * pl.col("shrunken")).alias("drawn to the mean, %"),
        ),
        hide_index=True,
        placeholder=MISSING,
        height=330,
        column_config={
            "n": st.column_config.NumberColumn(help="Questions with a graded answer"),
            "change, points": st.column_config.NumberColumn(format="%+.1f"),
            "drawn to the mean, %": st.column_config.NumberColumn(format="%.1f"),
            "q": st.column_config.NumberColumn(
                format="%.3f", help="Benjamini-Hochberg over the topics of one loop and origin"
            ),
            "what changed": st.column_config.TextColumn(width="large"),
        },
    )
    st.caption(
        "Sorted by the evidence of a change (q), not by its size; topics with fewer than "
        f"{whole(FEW_QUESTIONS)} questions come last. Drawn to the mean: empirical-Bayes estimate "
        "of the topic's rate."
    )
